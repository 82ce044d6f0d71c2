//! A node: a folder for its state, a PATH with the tools it may use, and the stand-in for kubectl.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use deploy_core::manifest::{Bundle, read};
use deploy_ssm::Package;
use deploy_ssm::node::{Report, Request, Source, Verb, parse_answer, parse_report};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::{World, shim, with_world};

/// What the scripts may use: nothing else is on the node's PATH.
pub(crate) const TOOLS: &[&str] = &[
    "awk",
    "base64",
    "cat",
    "chmod",
    "cmp",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "find",
    "flock",
    "grep",
    "gzip",
    "head",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "sed",
    "setsid",
    "sh",
    "sha256sum",
    "sleep",
    "sort",
    "tail",
    "tar",
    "timeout",
    "touch",
    "tr",
    "uname",
    "wc",
    "curl",
];

pub(crate) struct Node {
    folder: TempDir,
    pub(crate) shell: String,
    /// More variables for what runs.
    pub(crate) env: Vec<(String, String)>,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn report(&self) -> Report {
        parse_answer(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self:?}")).0
    }

    #[track_caller]
    pub(crate) fn answer<T: DeserializeOwned>(&self) -> T {
        parse_answer(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self:?}")).0
    }
}

impl Node {
    pub(crate) fn new() -> Self {
        let node =
            Self { folder: tempfile::tempdir().expect("a folder"), shell: "/bin/sh".into(), env: Vec::new() };
        for folder in ["bin", "tmp", "state"] {
            fs::create_dir(node.path(folder)).expect("a folder");
        }
        for tool in TOOLS {
            let found = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(|folder| Path::new(folder).join(tool));
            let found =
                found.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("these tests need {tool}"));
            symlink(found, node.path("bin").join(tool)).expect("a link");
        }
        node.tool("kubectl", &shim(&node.path("world.json")));
        node
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a script on the node's PATH.
    pub(crate) fn tool(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, text).expect("is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("is executable");
    }

    /// Puts a link on the node's PATH.
    pub(crate) fn link(&self, name: &str, to: &str) {
        let path = self.path("bin").join(name);
        let _ = fs::remove_file(&path);
        symlink(to, path).expect("a link");
    }

    pub(crate) fn without(&self, tool: &str) {
        fs::remove_file(self.path("bin").join(tool)).expect("was there");
    }

    pub(crate) fn world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        with_world(&self.path("world.json"), act)
    }

    /// The image of the Deployment `shop/api` in the cluster.
    pub(crate) fn image(&self) -> Option<String> {
        let image = "/spec/template/spec/containers/0/image";
        self.world(|world| {
            Some(world.objects.get("Deployment.apps/shop/api")?.pointer(image)?.as_str()?.to_owned())
        })
    }

    pub(crate) fn request(&self, verb: Verb, id: &str) -> Request {
        let state = self.path("state");
        let request = Request::new(verb, "shop").expect("a name").state_dir(&state.to_string_lossy());
        let request = request.timeout(Duration::from_secs(20)).rollback_timeout(Duration::from_secs(20));
        if id.is_empty() { request } else { request.id(id).expect("an id") }
    }

    pub(crate) fn deploy_request(&self, id: &str, yaml: &str) -> Request {
        let package = package(yaml);
        let source = Source::Inline { bytes: package.bytes().to_vec(), sha256: package.sha256().to_owned() };
        self.request(Verb::Deploy, id).package(source).expect("a package")
    }

    #[track_caller]
    pub(crate) fn deploy(&self, id: &str, yaml: &str) -> Report {
        self.run(&self.deploy_request(id, yaml)).report()
    }

    pub(crate) fn run(&self, request: &Request) -> Ran {
        self.end(self.start(request))
    }

    pub(crate) fn start(&self, request: &Request) -> Child {
        self.start_lines(&request.commands().expect("a command"))
    }

    /// Starts lines as the agent does: from a file, in a process group of its own.
    pub(crate) fn start_lines(&self, lines: &[String]) -> Child {
        self.start_lines_with(&self.shell, lines)
    }

    #[expect(clippy::disallowed_methods, reason = "what is tested runs under sh")]
    pub(crate) fn start_lines_with(&self, shell: &str, lines: &[String]) -> Child {
        let script = self.path(&format!("_script{}.sh", fastrand()));
        fs::write(&script, lines.join("\n")).expect("is written");
        let mut command = Command::new(shell);
        command
            .arg(&script)
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("TMPDIR", self.path("tmp"))
            .env("HOME", self.path("tmp"));
        command.env("DEPLOY_SSM_SYSTEMD", "/nowhere").envs(self.env.iter().cloned()).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sh starts")
    }

    pub(crate) fn end(&self, child: Child) -> Ran {
        assert!(self.folder.path().exists(), "the node is there until the end");
        let ran = child.wait_with_output().expect("it ends");
        // The log holds kubectl's words as they are; SSM's agent does the same to them.
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { code: ran.status.code(), stdout: text(ran.stdout), stderr: text(ran.stderr) }
    }

    pub(crate) fn run_file(&self, id: &str, file: &str) -> PathBuf {
        self.path("state").join("shop/runs").join(id).join(file)
    }

    #[track_caller]
    pub(crate) fn result(&self, id: &str) -> Report {
        let bytes = fs::read(self.run_file(id, "result.json")).expect("there is a result");
        parse_report(&bytes).expect("it is one")
    }

    pub(crate) fn events(&self, id: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.run_file(id, "events.jsonl")).expect("there are events");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    pub(crate) fn log(&self, id: &str) -> String {
        fs::read_to_string(self.run_file(id, "log")).unwrap_or_default()
    }
}

fn fastrand() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Polls until it is so, for ten seconds at most.
#[track_caller]
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..400 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("not in ten seconds: {what}");
}

pub(crate) fn package(yaml: &str) -> Package {
    let objects = read("app.yaml", yaml.as_bytes()).expect("manifests");
    let bundle = Bundle::builder().objects(objects).build().expect("a bundle");
    Package::new(&bundle).expect("a package")
}

/// A ConfigMap and a Deployment, `shop/api`.
pub(crate) fn app(image: &str) -> String {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "api"}}, "template": {"metadata": {"labels": {"app": "api"}},
            "spec": {"containers": [{"name": "api", "image": image, "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}]}}}});
    format!("{}---\n{deployment}\n", config("settings", "level: info"))
}

pub(crate) fn config(name: &str, data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: shop\ndata:\n  {data}\n"
    )
}

/// The text of all files in base64 of a tar.gz.
pub(crate) fn unpacked(base64: &str) -> String {
    use std::io::Read;

    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).expect("is base64");
    let mut text = String::new();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    for file in archive.entries().expect("is a tar") {
        file.expect("a file").read_to_string(&mut text).expect("is text");
    }
    text
}
