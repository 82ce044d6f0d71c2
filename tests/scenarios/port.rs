//! The embedded cluster on a port, with the real kubectl as its client.

use std::process::Stdio;

use deploy_sim::SimCluster;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

#[tokio::test]
#[ignore = "needs kubectl: tests/cluster/up"]
#[expect(clippy::disallowed_methods, reason = "the tests' own edge: where kubectl is")]
async fn kubectl_talks_to_the_embedded_cluster() {
    let kubectl = std::env::var("KUBECTL").expect("KUBECTL is set: run  eval \"$(tests/cluster/up)\"  first");
    let cluster = SimCluster::builder().start();
    let address = cluster.serve("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let run = async |arguments: &[&str], input: &str| {
        let mut child = Command::new(&kubectl)
            .arg(format!("--server=http://{address}"))
            .arg(format!("--cache-dir={}/{}", env!("CARGO_TARGET_TMPDIR"), address.port()))
            .args(arguments)
            .env("KUBECONFIG", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("kubectl runs");
        let mut stdin = child.stdin.take().expect("an input");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().await.expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "kubectl {arguments:?}: {told}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(run(&["get", "--raw", "/version"], "").await.contains("v1.36"));
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n";
    let applied = run(&["apply", "--server-side", "--validate=false", "-f", "-"], map).await;
    assert_eq!(applied.trim(), "configmap/a serverside-applied");
    assert!(run(&["get", "configmaps"], "").await.lines().any(|line| line.starts_with("a ")));
    assert_eq!(run(&["get", "configmap", "a", "-o", "jsonpath={.data.k}"], "").await, "v");
    run(&["wait", "--for=jsonpath={.status.phase}=Active", "namespace/default", "--timeout=10s"], "").await;
    assert_eq!(
        run(&["delete", "configmap", "a"], "").await.trim(),
        "configmap \"a\" deleted from default namespace"
    );
}
