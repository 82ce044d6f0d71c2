//! Large sets, and large things beside them.

#![expect(clippy::print_stdout, reason = "what it took, for --nocapture")]

use std::process::Stdio;

use deploy_core::outcome::Status;
use deploy_core::plan::Action;
use deploy_core::target::RolloutTarget;
use deploy_tests::{deployment, live_scenario, scenario};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use super::{config, deploy, set};

scenario!(a_large_set_takes_few_requests, async |env| {
    let many: String = (0..1000).map(|i| config(&format!("c-{i}"), "")).collect();
    let sent = env.cluster.requests_sent();
    assert_eq!(deploy(&env, &many).await.status, Status::Healthy);
    println!("first: {} requests", env.cluster.requests_sent() - sent);
    let sent = env.cluster.requests_sent();
    let outcome = deploy(&env, &many).await;
    let sent = env.cluster.requests_sent() - sent;
    println!("unchanged: {sent} requests in {:?}", outcome.took);
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert!(outcome.objects.iter().all(|object| object.action == Action::Unchanged), "{outcome}");
    assert!(sent <= 30, "{sent} requests");
});

live_scenario!(
    "needs a cluster and a process to be measured",
    others_large_secrets_are_not_held_in_memory,
    async |env| {
        let secrets: Api<Secret> = Api::namespaced(env.kube.clone(), &env.namespace);
        for i in 0..60 {
            let secret = json!({"metadata": {"name": format!("foreign-{i}")}, "stringData": {"a": "x".repeat(900 << 10)}});
            secrets
                .create(&PostParams::default(), &serde_json::from_value(secret).expect("a Secret"))
                .await
                .expect("made");
        }
        let ours = |count: usize| {
            let secrets = (0..count).map(|i| {
                let metadata = format!("metadata: {{name: ours-{i}}}");
                ["---\napiVersion: v1\nkind: Secret", &metadata, "stringData: {a: x}\n"].join("\n")
            });
            secrets.collect::<String>() + "---\n"
        };
        assert_eq!(deploy(&env, &ours(40)).await.status, Status::Healthy);
        let manifests = ours(20) + &deployment("api:v1");
        let sent = env.cluster.requests_sent();
        let (run, _) = env.run();
        env.target().prune(set(&env)).plan(&env.bundle(&manifests), &run).await.expect("planned");
        let sent = env.cluster.requests_sent() - sent;

        let mut process = Command::new(env!("CARGO_BIN_EXE_deploy-once"));
        process
            .env("NAMESPACE", &env.namespace)
            .env("PRUNE", "")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = process.spawn().expect("started");
        let mut stdin = process.stdin.take().expect("piped");
        stdin.write_all(env.filled(&manifests).as_bytes()).await.expect("read");
        drop(stdin);
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.starts_with("plan: ") {
                assert!(line.contains("20 to delete"), "{line}");
                break;
            }
        }
        let status = format!("/proc/{}/status", process.id().expect("it runs"));
        let status = std::fs::read_to_string(status).expect("readable");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it runs");
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
        println!("plan: {sent} requests, {} MiB at most", peak >> 10);
        assert!(peak < 60 << 10, "{peak} KiB");
        assert!(sent <= 60, "{sent} requests");
        process.kill().await.expect("ended");
    }
);
