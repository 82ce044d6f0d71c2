//! The embedded cluster under kubectl and helm: what a command takes there, and what an empty cluster holds. See README.md.
//!
//! `cargo bench --bench sim_clients -- kubectl=50 helm=10 waiting=5 memory=50`: which parts, each so many times; all of them where none is named.
#![allow(
    clippy::print_stdout,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "it is what a benchmark is for"
)]

use std::fmt::Write;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use deploy_benches::{measure_parts, median};
use deploy_sim::SimCluster;
use tokio::runtime::Builder;

/// Upgrades on one cluster before the other has its turn.
const TURN: usize = 4;

fn main() {
    // Memory first: programs that run leave a heap behind.
    measure_parts(&[
        ("memory", 50, memory),
        ("kubectl", 50, kubectl),
        ("helm", 10, helm),
        ("waiting", 5, waiting),
    ]);
}

/// What each of many empty clusters adds to the process.
fn memory(times: u64) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let start = || runtime.block_on(async { SimCluster::builder().start() });
    // What all clusters share is read with the first.
    let first = start();
    let before = resident();
    let clusters: Vec<SimCluster> = (0..times).map(|_| start()).collect();
    let each = resident().saturating_sub(before) / times;
    println!("an empty cluster: {each} KiB more of memory, the process with the first {before} KiB");
    drop((first, clusters));
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// `kubectl get pods`: until its answer is there, beside what it takes until it connects; and as a whole, beside the same on the live cluster and
/// `kubectl version --client`.
fn kubectl(times: u64) {
    let place = Place::new("kubectl");
    let kubectl = place.program("KUBECTL", &place.embedded);
    let live = place.program("KUBECTL", Path::new(&set("KUBECONFIG")));
    kubectl.run(&["create", "deployment", "app", "--image=app", "--replicas=3"]);
    // Discovery is cached.
    kubectl.run(&["wait", "--for=condition=Available", "deployment/app"]);
    live.run(&["get", "pods"]);
    let nobody = Nobody::beside(&place, &kubectl);
    let mut times_of = [(); 5].map(|()| Vec::new());
    for _ in 0..times {
        let took = [
            nobody.connected(&["get", "pods"]),
            kubectl.answered(&["get", "pods"]),
            kubectl.run(&["version", "--client"]),
            kubectl.run(&["get", "pods"]),
            live.run(&["get", "pods"]),
        ];
        times_of.iter_mut().zip(took).for_each(|(all, took)| all.push(took));
    }
    let [connected, answered, version, here, there] = times_of.map(median);
    println!(
        "kubectl get pods: until it connects {connected:?}, until it has answered {answered:?}, {:.2} ×; \
        as a whole {here:?}, version --client {version:?}, {:.2} ×, on the live cluster {there:?}, {:.2} ×",
        ratio(answered, connected),
        ratio(here, version),
        ratio(here, there)
    );
}

/// A port where nobody answers, of whose discovery kubectl has what it has of the embedded cluster's.
struct Nobody {
    listener: TcpListener,
    kubectl: Program,
}

impl Nobody {
    fn beside(place: &Place, kubectl: &Program) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = std::fs::read_to_string(&place.embedded).unwrap();
        let address = text.split("https://127.0.0.1:").nth(1).unwrap();
        let other: String = address.chars().take_while(char::is_ascii_digit).collect();
        let kubeconfig = place.directory.path().join("nobody");
        std::fs::write(&kubeconfig, text.replace(&format!(":{other}"), &format!(":{port}"))).unwrap();
        let cached = kubectl.home.join(".kube/cache/discovery");
        let [from, to] = [other, port.to_string()].map(|port| cached.join(format!("127.0.0.1_{port}")));
        assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
        Self { listener, kubectl: place.program("KUBECTL", &kubeconfig) }
    }

    /// How long kubectl takes until it connects.
    fn connected(&self, args: &[&str]) -> Duration {
        let begin = Instant::now();
        let mut child = self.kubectl.command(args).stderr(Stdio::null()).spawn().unwrap();
        self.listener.accept().unwrap();
        let took = begin.elapsed();
        child.kill().unwrap();
        child.wait().unwrap();
        took
    }
}

/// `helm upgrade --install` of twenty objects, here and on the live cluster, each time with another value.
fn helm(times: u64) {
    upgrades("", 0, &[], times);
}

/// The same with pods of five Deployments that it waits for.
fn waiting(times: u64) {
    upgrades(" with --wait, five of them with pods", 1, &["--wait"], times);
}

fn upgrades(how: &str, replicas: u64, more: &[&str], times: u64) {
    let place = Place::new("helm");
    let live = PathBuf::from(set("KUBECONFIG"));
    let image = format!("image={}/api:v1,replicas={replicas}", set("REGISTRY"));
    for variable in ["HELM3", "HELM"] {
        let (ours, theirs) = (place.program(variable, &place.embedded), place.program(variable, &live));
        let namespace = format!("sim-clients-{replicas}-{}-{}", variable.to_lowercase(), std::process::id());
        let upgrade = |helm: &Program, value: u64| {
            let values = format!("{image},value={value}");
            let chart = place.chart();
            let to =
                ["upgrade", "--install", "many", &chart, "--namespace", &namespace, "--create-namespace"];
            helm.run(&[&to[..], &["--set", &values], more].concat())
        };
        // In turns, for a machine that gets slower; some at a time, for a live cluster that works on after helm has ended.
        let (mut here, mut there) = (Vec::new(), Vec::new());
        for turn in (0..times).step_by(TURN) {
            let values = || turn..times.min(turn + TURN as u64);
            here.extend(values().map(|value| upgrade(&ours, value)));
            there.extend(values().map(|value| upgrade(&theirs, value)));
        }
        place.program("KUBECTL", &live).run(&["delete", "namespace", &namespace, "--wait=false"]);
        let (here, there) = (median(here), median(there));
        println!(
            "{} upgrade --install of 20 objects{how}: {here:?}, on the live cluster {there:?}, {:.2} ×",
            variable.to_lowercase(),
            ratio(here, there)
        );
    }
}

/// A cluster that listens, and a directory for what its clients need.
struct Place {
    directory: tempfile::TempDir,
    embedded: PathBuf,
}

struct Program {
    path: String,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let embedded = directory.path().join(name);
        let (send, kubeconfig) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let cluster = SimCluster::builder().begins(SystemTime::now()).start();
                let endpoint = cluster.serve_tls("127.0.0.1:0".parse().unwrap()).await.unwrap();
                send.send(endpoint.kubeconfig().unwrap()).unwrap();
                std::future::pending::<()>().await;
            });
        });
        std::fs::write(&embedded, kubeconfig.recv().unwrap()).unwrap();
        Self { directory, embedded }
    }

    fn program(&self, variable: &str, kubeconfig: &Path) -> Program {
        let home = self.directory.path().join(format!("home-{variable}"));
        std::fs::create_dir_all(&home).unwrap();
        Program { path: set(variable), kubeconfig: kubeconfig.to_owned(), home }
    }

    /// A chart of twenty objects.
    fn chart(&self) -> String {
        let chart = self.directory.path().join("chart");
        std::fs::create_dir_all(chart.join("templates")).unwrap();
        std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: many\nversion: 1.0.0\n").unwrap();
        let mut objects = String::new();
        for number in 0..10 {
            write!(
                objects,
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config-{number}}}\ndata: {{value: \"{{{{ .Values.value }}}}\"}}\n"
            )
            .unwrap();
        }
        for number in 0..5 {
            write!(
                objects,
                "---\napiVersion: v1\nkind: Service\nmetadata: {{name: app-{number}}}\nspec: {{selector: {{app: app-{number}}}, ports: [{{port: 80}}]}}\n\
                 ---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app-{number}}}\nspec:\n  replicas: {{{{ .Values.replicas }}}}\n  selector: {{matchLabels: {{app: app-{number}}}}}\n  \
                 template:\n    metadata: {{labels: {{app: app-{number}}}}}\n    spec: {{containers: [{{name: app, image: \"{{{{ .Values.image }}}}\", env: [{{name: VALUE, value: \"{{{{ .Values.value }}}}\"}}]}}]}}\n"
            )
            .unwrap();
        }
        std::fs::write(chart.join("templates/all.yaml"), objects).unwrap();
        chart.to_str().unwrap().to_owned()
    }
}

impl Program {
    /// How long it takes; it must succeed.
    fn run(&self, args: &[&str]) -> Duration {
        let begin = Instant::now();
        let output = self.command(args).output().unwrap();
        let took = begin.elapsed();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        took
    }

    /// How long it takes until the first of what it says is there.
    fn answered(&self, args: &[&str]) -> Duration {
        let begin = Instant::now();
        let mut child = self.command(args).stdout(Stdio::piped()).spawn().unwrap();
        let said = child.stdout.as_mut().unwrap().read(&mut [0; 1]).unwrap();
        let took = begin.elapsed();
        assert!(said == 1 && child.wait_with_output().unwrap().status.success(), "{args:?}");
        took
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(args).env("KUBECONFIG", &self.kubeconfig).env("HOME", &self.home).stdin(Stdio::null());
        command
    }
}

fn set(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run  eval \"$(tests/cluster/up)\"  first"))
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
