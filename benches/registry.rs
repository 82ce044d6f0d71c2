//! `xtask tags` over a hundred thousand tags of a real docker-registry, beside curl and skopeo. See README.md.
//!
//! `cargo bench --bench registry -- tags=100000 rounds=5`. `xtask=PATH` takes one that is built already. `DOCKER_REGISTRY` names the program, as `tests/cluster/up` exports it.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "it is what a benchmark is for; no number is near 2^52"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deploy_core::image::Digest;
use wait4::Wait4;

const POLICY: &str = "scheme=branch.timestamp.sha branch=main order=timestamp";

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if !asked.iter().any(|arg| arg == "--bench") {
        println!("nothing is measured: cargo bench --bench registry");
        return;
    }
    let number = |name: &str, usual: usize| {
        let given = asked.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
        given.map_or(usual, |given| given.parse().unwrap())
    };
    let (count, rounds) = (number("tags", 100_000), number("rounds", 5));
    let built = asked.iter().find_map(|arg| arg.strip_prefix("xtask=").map(PathBuf::from));
    let xtask = built.unwrap_or_else(build);
    let registry = Registry::start();
    registry.fill("bench", count);
    let repository = format!("{}/bench", registry.address);
    let list = format!("http://{}/v2/bench/tags/list", registry.address);
    let transport = format!("docker://{repository}");
    let tools: [(&str, &Path, Vec<&str>); 3] = [
        ("xtask tags", &xtask, vec!["tags", &repository, "--policy", POLICY, "--stats"]),
        ("curl", Path::new("curl"), vec!["--silent", "--fail", &list]),
        ("skopeo list-tags", Path::new("skopeo"), vec!["list-tags", "--tls-verify=false", &transport]),
    ];
    let mut took = [const { Vec::<Ran>::new() }; 3];
    for round in 0..rounds {
        for turn in 0..tools.len() {
            let which = (round + turn) % tools.len();
            let (_, program, args) = &tools[which];
            took[which].push(Ran::of(program, args));
        }
    }
    let newest = format!("main.{}", stamp(count - 1));
    for ran in &took[0] {
        assert!(ran.stdout.trim_end().lines().last().unwrap().starts_with(&newest), "{}", ran.stdout);
    }
    println!(
        "{count} tags of docker-registry, listed and the newest of main chosen; medians of {rounds} rounds"
    );
    let curl = median(took[1].iter().map(|ran| ran.wall));
    for ((name, ..), ran) in tools.iter().zip(&took) {
        let wall = median(ran.iter().map(|ran| ran.wall));
        let peak = median(ran.iter().map(|ran| ran.peak)) as f64 / 1e6;
        println!(
            "{name:>16}: {wall:8.1?}, {:.2} x curl, peak {peak:.0} MB",
            wall.as_secs_f64() / curl.as_secs_f64()
        );
    }
    print!("{}", took[0][0].stderr);
}

/// What a program did and what it took.
struct Ran {
    wall: Duration,
    /// In bytes, by the kernel's record of the process.
    peak: u64,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn of(program: &Path, args: &[&str]) -> Self {
        let begun = Instant::now();
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("curl and skopeo are installed");
        let (mut stdout, mut stderr) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let used = child.wait4().unwrap();
        assert!(used.status.success(), "{}: {}\n{stderr}", program.display(), used.status);
        Self { wall: begun.elapsed(), peak: used.rusage.maxrss, stdout, stderr }
    }
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort();
    values[values.len() / 2]
}

/// As it is released.
fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--package", "xtask", "--message-format", "json-render-diagnostics"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "xtask was not built");
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut artifacts = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    artifacts.rfind(|artifact| artifact["executable"].is_string()).unwrap()["executable"]
        .as_str()
        .unwrap()
        .into()
}

/// A docker-registry of its own, which ends with it.
struct Registry {
    process: Child,
    folder: tempfile::TempDir,
    address: String,
}

impl Registry {
    fn start() -> Self {
        let program = std::env::var_os("DOCKER_REGISTRY").unwrap_or_else(|| "docker-registry".into());
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let config = folder.path().join("config.yml");
        let storage = folder.path().join("storage");
        fs::write(
            &config,
            format!(
                "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{address}\"}}\n",
                storage.display()
            ),
        )
        .unwrap();
        let process = Command::new(program)
            .arg("serve")
            .arg(&config)
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry starts: apt-get install docker-registry, or DOCKER_REGISTRY");
        let registry = Self { process, folder, address };
        let begun = Instant::now();
        while TcpStream::connect(&registry.address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "docker-registry does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        registry
    }

    /// Puts tags into the folder, as the registry itself does: through it, it would take minutes.
    fn fill(&self, repository: &str, count: usize) {
        let config = b"{}";
        let blob = self.upload(repository, config);
        let manifest = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\
             \"config\":{{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"{blob}\",\"size\":{}}},\"layers\":[]}}",
            config.len()
        );
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let path = format!("/v2/{repository}/manifests/{}", tag(0));
        self.send("PUT", &path, kind, manifest.as_bytes());
        let tags = self
            .folder
            .path()
            .join("storage/docker/registry/v2/repositories")
            .join(repository)
            .join("_manifests/tags");
        let link = fs::read(tags.join(tag(0)).join("current/link")).unwrap();
        for number in 1..count {
            let current = tags.join(tag(number)).join("current");
            fs::create_dir_all(&current).unwrap();
            fs::write(current.join("link"), &link).unwrap();
        }
    }

    fn upload(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        let answer = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), "text/plain", b"");
        let location = answer.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap().trim();
        let path = location.strip_prefix(&format!("http://{}", self.address)).unwrap_or(location);
        self.send("PUT", &format!("{path}&digest={digest}"), "application/octet-stream", bytes);
        digest
    }

    /// The head of the answer, which is a good one.
    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
        answer
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// One in five is of main, the newest one if there are fives of them.
fn tag(number: usize) -> String {
    let branch = ["dependabot-npm-x", "feature-login", "fix-a-b", "release-2.0", "main"][number % 5];
    format!("{branch}.{}.{:07x}", stamp(number), number.wrapping_mul(2_654_435_761) % 0x1000_0000)
}

/// A minute after the one before.
fn stamp(number: usize) -> String {
    let start: deploy_core::clock::Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
    let time = (start + Duration::from_secs(number as u64 * 60)).to_string();
    let digits: String = time.chars().filter(char::is_ascii_digit).take(14).collect();
    format!("{}-{}", &digits[..8], &digits[8..])
}
