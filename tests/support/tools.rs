//! The real tools that others deploy with.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::env::Env;

impl Env {
    /// Runs the `kubectl` of `KUBECTL` in the namespace, with manifests (see [`filled`](Self::filled)) on its standard input; it must succeed.
    pub async fn kubectl(&self, arguments: &[&str], manifests: &str) -> String {
        self.tool("KUBECTL", arguments, &self.filled(manifests)).await
    }

    /// Installs a chart of these manifests as the release `app`, with the `helm` of `HELM`, or upgrades to it; it must succeed.
    pub async fn helm(&self, manifests: &str) {
        let chart = std::env::temp_dir().join(&self.namespace);
        write_chart(&chart, &self.filled(manifests)).expect("a chart");
        let path = chart.to_str().expect("a path in UTF-8");
        self.tool("HELM", &["upgrade", "--install", "app", path, "--wait"], "").await;
        std::fs::remove_dir_all(&chart).expect("the chart is removed");
    }

    #[expect(clippy::disallowed_methods, reason = "the tests' own edge: where the tools are")]
    async fn tool(&self, variable: &str, arguments: &[&str], input: &str) -> String {
        let program = std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} is not set: run  eval \"$(tests/cluster/up)\"  first"));
        let mut tool = Command::new(program)
            .args(["--kubeconfig", self.kubeconfig(), "--namespace", &self.namespace])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let mut stdin = tool.stdin.take().expect("a standard input");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        let output = tool.wait_with_output().await.expect("it ends");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{variable} {}: {said}", arguments.join(" "));
        said
    }
}

fn write_chart(chart: &Path, manifests: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(chart.join("templates"))?;
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: app\nversion: 1.0.0\n")?;
    std::fs::write(chart.join("templates/app.yaml"), manifests)
}
