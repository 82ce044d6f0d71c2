//! `xtask ssm` as a process: what it prints and how it exits.

use std::path::PathBuf;
use std::process::Stdio;

use deploy_core::error::ErrorKind;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::app::app;
use crate::storage::{BUCKET, KEY_ID, SECRET};
use crate::world::{NODE, World};

/// A scenario of the program that was built, on the embedded cluster and on a live one.
macro_rules! xtask_scenario {
    ($name:ident, async |$world:ident| $text:block) => {
        mod $name {
            use super::*;

            async fn text($world: World) $text

            #[tokio::test]
            #[ignore = "needs xtask: cargo build -p xtask --features ssm"]
            async fn embedded() {
                deploy_tests::embedded(stringify!($name), async |env| text(World::new(env).await).await).await;
            }

            #[tokio::test]
            #[ignore = "needs xtask (cargo build -p xtask --features ssm), a cluster and kubectl: tests/cluster/up"]
            async fn live() {
                deploy_tests::live(stringify!($name), async |env| text(World::new(env).await).await).await;
            }
        }
    };
}

/// The program, beside the stand-in for kubectl.
fn program() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_stand-in-kubectl")).with_file_name("xtask");
    assert!(
        program.exists(),
        "{} is not there: run  cargo build -p xtask --features ssm  first",
        program.display()
    );
    program
}

/// How a command ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    /// Asserts the exit code, and gives what it printed.
    fn with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self.out
    }

    fn json(self, code: i32) -> Value {
        serde_json::from_str(&self.with(code)).expect("JSON")
    }

    fn error(self, code: i32, text: &str) {
        assert!(self.err.contains("error: ") && self.err.contains(text), "no \"{text}\" in {}", self.err);
        assert_eq!(self.with(code), "");
    }
}

impl World {
    /// Starts `xtask ssm WORDS` on the node, with manifests on its standard input.
    async fn start(&self, words: &str, manifests: &str) -> Child {
        let mut command = Command::new(program());
        command
            .arg("ssm")
            .args(words.split_whitespace())
            .args(["--instance", NODE, "--namespace", &self.env.namespace])
            .args(["--node-kubectl", &self.kubectl, "--node-kubeconfig", self.env.kubeconfig()])
            .args(["--state-dir", self.state.path().to_str().unwrap()])
            .envs([
                ("AWS_ENDPOINT_URL_SSM", self.ssm.url()),
                ("AWS_ENDPOINT_URL_S3", self.storage.server.url()),
            ])
            .envs([
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", KEY_ID),
                ("AWS_SECRET_ACCESS_KEY", SECRET),
            ])
            .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")])
            .env_remove("AWS_PROFILE")
            .env_remove("GITHUB_STEP_SUMMARY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        // A command that reads no manifests may end before it is written to.
        let _ = child.stdin.take().unwrap().write_all(self.env.filled(manifests).as_bytes()).await;
        child
    }

    /// `xtask ssm WORDS` to its end.
    async fn xtask(&self, words: &str, manifests: &str) -> Ended {
        end(self.start(words, manifests).await).await
    }
}

async fn end(child: Child) -> Ended {
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// What it tells until it tells this.
async fn told(child: &mut Child, text: &str) -> String {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut all = String::new();
    loop {
        let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("no \"{text}\" in {all}"));
        all = all + &line + "\n";
        if line.contains(text) {
            // The rest is read, so that it can be written.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return all;
        }
    }
}

async fn interrupt(child: &Child) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
}

/// The deployment's id, from what is told when it begins.
fn id(told: &str) -> String {
    let (_, rest) = told.split_once("ssm resume --id ").unwrap();
    rest.split(' ').next().unwrap().to_owned()
}

/// Its API never becomes ready.
fn hanging(setting: &str) -> String {
    app("api:v1", setting).replace("/healthz", "/nowhere")
}

const SHOP: &str = "--app shop --bucket deployments --prefix prod";

xtask_scenario!(xtask_deploys_and_goes_back, async |world| {
    let log = world.state.path().join("node.log");
    let report = world.state.path().join("report.md");
    let words = format!(
        "deploy -f - {SHOP} --timeout 60s --git-revision 4f1c2d9 --log {} --report {}",
        log.display(),
        report.display()
    );
    let first = world.xtask(&words, &app("api:v1", "a")).await;
    assert!(
        first.err.contains(&format!(" --app shop --instance {NODE} --bucket {BUCKET} --prefix prod")),
        "{}",
        first.err
    );
    let began = id(&first.err);
    let done = first.with(0);
    assert!(done.starts_with("healthy after "), "{done}");
    assert!(std::fs::read_to_string(&log).unwrap().contains("healthy"));
    assert!(std::fs::read_to_string(&report).unwrap().starts_with("## ✅ "));

    world.xtask(&format!("deploy -f - {SHOP}"), &app("api:v2", "b")).await.with(0);
    let bad =
        world.xtask(&format!("deploy -f - {SHOP} --json"), &app("api:does-not-exist", "c")).await.json(1);
    assert_eq!(bad["status"], "rolledBack", "{bad}");
    assert_eq!(bad["cause"]["failures"][0]["reason"]["type"], "ImageNotFound", "{bad}");
    let (setting, running) = world.stands().await;
    assert_eq!((setting.as_deref(), running), (Some("b"), vec!["api:v2".to_owned(); 4]));

    let table = world.xtask("history --app shop", "").await.with(0);
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..5], ["NUMBER", "ENDED", "STATUS", "KEPT", "COMMIT"], "{table}");
    assert!(table.contains("  deployed  ") && table.contains("  superseded  "), "{table}");
    assert!(table.contains("  rolled back  ") && table.contains("4f1c2d9"), "{table}");
    assert!(table.contains("/api: image \"") && table.contains(" not found (container \"api\""), "{table}");

    let status = world.xtask("status --app shop", "").await.with(0);
    assert!(status.starts_with("bundle 2 stands\n") && status.contains(": rolled back\n"), "{status}");
    let status = world.xtask(&format!("status --app shop --id {began} --json"), "").await.json(0);
    assert_eq!(
        (&status["run"]["state"], &status["run"]["status"]),
        (&"ended".into(), &"healthy".into()),
        "{status}"
    );
    world.xtask("status --app shop --id nothing", "").await.error(2, "knows of no such deployment");

    let planned = world.xtask(&format!("rollback {SHOP} --dry-run"), "").await.with(0);
    assert!(planned.ends_with("; nothing was written\n"), "{planned}");
    world.xtask(&format!("rollback 9 {SHOP}"), "").await.error(2, "is not kept on the node");
    let back = world.xtask(&format!("rollback 1 {SHOP}"), "").await.with(0);
    assert!(back.starts_with("healthy after "), "{back}");
    let (setting, running) = world.stands().await;
    assert_eq!((setting.as_deref(), running), (Some("a"), vec!["api:v1".to_owned(); 4]));

    assert!(world.xtask("health", "").await.with(0).starts_with("ready after "));
    assert!(world.xtask("diagnose", "").await.with(0).starts_with("disk "));
    assert!(world.storage.objects().is_empty(), "{:?}", world.storage.objects());
});

xtask_scenario!(xtask_stops_leaves_and_resumes, async |world| {
    world.xtask(&format!("deploy -f - {SHOP}"), &app("api:v1", "a")).await.with(0);

    // Once: the node goes back, and is followed.
    let mut child = world.start(&format!("deploy -f - {SHOP} --json"), &hanging("b")).await;
    told(&mut child, "Deployment").await;
    interrupt(&child).await;
    let stopped = end(child).await.json(1);
    assert_eq!(
        (&stopped["status"], &stopped["cause"]["cause"]),
        (&"rolledBack".into(), &"cancelled".into()),
        "{stopped}"
    );

    // Killed: the node goes on. Another one takes it up, and has it stop.
    let mut child = world.start(&format!("deploy -f - {SHOP}"), &hanging("c")).await;
    let all = told(&mut child, "Deployment").await;
    child.kill().await.unwrap();
    let id = id(&all);
    let status = world.xtask(&format!("status --app shop --id {id}"), "").await.with(0);
    assert!(status.contains(&format!("deployment {id}: running\n")), "{status}");
    let cancelled = world.xtask(&format!("cancel --id {id} {SHOP}"), "").await.with(0);
    assert!(cancelled.starts_with("cancelled; the old state is back after "), "{cancelled}");
    let resumed = world.xtask(&format!("resume --id {id} {SHOP} --json"), "").await.json(1);
    assert_eq!((&resumed["status"], &resumed["deployment"]), (&"rolledBack".into(), &id.into()), "{resumed}");
    world.xtask(&format!("resume --id 20000101-000000-000000 {SHOP}"), "").await.error(2, "20000101");

    let (setting, running) = world.stands().await;
    assert_eq!((setting.as_deref(), running), (Some("a"), vec!["api:v1".to_owned(); 4]));

    world.storage.put("prod/shop/dead/package.tar.gz");
    let found = world.xtask(&format!("sweep {SHOP} --older-than 0s --dry-run"), "").await.with(0);
    assert!(
        found.contains("would remove object s3://deployments/prod/shop/dead/package.tar.gz\n"),
        "{found}"
    );
    let swept = world.xtask(&format!("sweep {SHOP} --older-than 0s"), "").await.with(0);
    assert!(swept.contains("removed object s3://deployments/prod/shop/dead/package.tar.gz\n"), "{swept}");
    assert!(world.storage.objects().is_empty(), "{:?}", world.storage.objects());
});

xtask_scenario!(xtask_says_what_is_wrong, async |world| {
    let help = world.xtask("--help", "").await.with(0);
    for command in
        ["deploy", "status", "resume", "cancel", "rollback", "history", "sweep", "diagnose", "health"]
    {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        let help = world.xtask(&format!("{command} --help"), "").await.with(0);
        assert!(help.contains("\nExamples:\n  cargo xtask ssm "), "{help}");
    }
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\n";
    world.xtask("deploy -f - --app shop", secret).await.error(2, "name a bucket");
    world.xtask("deploy -f - --app Shop", secret).await.error(2, "Shop");
    world.xtask("deploy -f - --app shop --bucket B", secret).await.error(2, "B");
    world.xtask("deploy -f /nowhere --app shop", "").await.error(2, "/nowhere");
    world.xtask("deploy -f - --app shop --max-errors 1", secret).await.error(2, "--fleet");
    world.xtask("health --kubeconfig /nowhere", "").await.error(2, "--node-kubeconfig");
    let error = world.xtask("health --region eu-west-1:x --json", "").await.json(2);
    assert_eq!(error["error"]["kind"], serde_json::json!(ErrorKind::InvalidInput), "{error}");
});
