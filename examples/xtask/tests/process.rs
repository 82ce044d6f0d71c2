//! The program as a process, and what it is given.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use deploy_tests::{Env, workload};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Asserts the exit code, and gives what it printed.
    pub(crate) fn with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self.out
    }

    /// Asserts the exit code, and gives the JSON that it printed.
    pub(crate) fn json(self, code: i32) -> Value {
        serde_json::from_str(&self.with(code)).expect("JSON")
    }

    /// Asserts that it ended with an error that says this.
    pub(crate) fn error(self, code: i32, text: &str) {
        assert!(self.err.contains("error: ") && self.err.contains(text), "no \"{text}\" in {}", self.err);
        assert_eq!(self.with(code), "");
    }
}

/// `cargo xtask WORDS`, in a namespace.
pub(crate) fn command(env: &Env, namespace: &str, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(words.split_whitespace())
        .args(["--namespace", namespace])
        .env("PATH", tools())
        .env("KUBECONFIG", env.kubeconfig())
        .env_remove("KUBECONFIG_BASE64")
        .env_remove("GITHUB_STEP_SUMMARY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Starts a command with manifests on its standard input.
pub(crate) async fn started(mut command: Command, manifests: &str) -> Child {
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A command that reads no manifests may end before it is written to.
    let _ = stdin.write_all(manifests.as_bytes()).await;
    child
}

/// Starts `cargo xtask WORDS` with manifests on its standard input.
pub(crate) async fn start(env: &Env, words: &str, manifests: &str) -> Child {
    started(command(env, &env.namespace, words), &env.filled(manifests)).await
}

/// Where helm and kubectl are, before all else.
#[expect(clippy::disallowed_methods, reason = "the tests' own edge: where the tools are")]
fn tools() -> OsString {
    let folders = ["HELM", "KUBECTL"].map(|variable| std::env::var(variable).ok());
    let folders = folders.iter().flatten().filter_map(|program| Path::new(program).parent());
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(folders.map(Path::to_owned).chain(std::env::split_paths(&path))).expect("no colons")
}

pub(crate) async fn end(child: Child) -> Ended {
    let output = child.wait_with_output().await.expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

pub(crate) async fn xtask(env: &Env, words: &str, manifests: &str) -> Ended {
    end(start(env, words, manifests).await).await
}

/// Sends it a Ctrl-C once it tells of this, and waits for its end.
pub(crate) async fn interrupted(mut child: Child, text: &str) -> Ended {
    let mut told = BufReader::new(child.stderr.take().expect("piped")).lines();
    while !told.next_line().await.expect("text").expect("it writes").contains(text) {}
    let pid = child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.expect("sent").success());
    let rest = async { while told.next_line().await.expect("text").is_some() {} };
    tokio::join!(end(child), rest).0
}

pub(crate) fn config(name: &str, value: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: {value}}}\n")
}

pub(crate) async fn value(env: &Env, name: &str) -> Option<String> {
    let found = env.get("v1", "ConfigMap", name).await?;
    found["data"]["a"].as_str().map(str::to_owned)
}

/// A server-side apply by somebody else.
pub(crate) async fn somebody(env: &Env, manifests: &str) {
    let apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=somebody", "-f", "-"];
    env.kubectl(&apply, manifests).await;
}

pub(crate) fn deployment(image: &str, probe: &str) -> String {
    let probe = format!("readinessProbe: {{httpGet: {{path: {probe}, port: 8080}}, periodSeconds: 1}}");
    workload("apps/v1", "Deployment", "replicas: 1", image, &probe)
}
