//! The real tools that others deploy with.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
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
        let metadata = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
        let chart = self.chart(&[("Chart.yaml", metadata), ("templates/app.yaml", manifests)]);
        self.helm_says(Helm::Four, &["upgrade", "--install", "app", chart.path(), "--wait"]).await;
    }

    /// What a `helm` writes to its standard output; it must succeed.
    pub async fn helm_says(&self, helm: Helm, arguments: &[&str]) -> String {
        self.helm_tells(helm, arguments).await.0
    }

    /// What a `helm` writes to its standard output and error; it must succeed. Dropped, it is killed.
    pub async fn helm_tells(&self, helm: Helm, arguments: &[&str]) -> (String, String) {
        self.use_tool(helm.variable(), arguments, "").await
    }

    /// What a `helm` writes to its standard output.
    ///
    /// # Errors
    /// All that it says where it fails.
    pub async fn helm_tries(&self, helm: Helm, arguments: &[&str]) -> Result<String, String> {
        self.try_tool(helm.variable(), arguments, "").await.map(|(said, _)| said)
    }

    /// Why a `helm` fails; it must.
    pub async fn helm_fails(&self, helm: Helm, arguments: &[&str]) -> String {
        self.helm_tries(helm, arguments)
            .await
            .err()
            .unwrap_or_else(|| panic!("helm {} succeeded", arguments.join(" ")))
    }

    /// The same as JSON.
    pub async fn helm_json(&self, helm: Helm, arguments: &[&str]) -> Value {
        let said = self.helm_says(helm, &[arguments, &["--output", "json"]].concat()).await;
        serde_json::from_str(&said)
            .unwrap_or_else(|error| panic!("helm {}: {error}: {said}", arguments.join(" ")))
    }

    /// A chart of these files (see [`filled`](Self::filled)), gone when it is dropped.
    pub fn chart(&self, files: &[(&str, &str)]) -> Chart {
        let chart = Chart(std::env::temp_dir().join(format!("{}-chart", self.namespace)));
        for (name, text) in files {
            let path = chart.0.join(name);
            std::fs::create_dir_all(path.parent().expect("it is in the chart")).expect("a directory");
            std::fs::write(path, self.filled(text)).expect("a file");
        }
        chart
    }

    async fn tool(&self, variable: &str, arguments: &[&str], input: &str) -> String {
        let (said, told) = self.use_tool(variable, arguments, input).await;
        said + &told
    }

    /// What a tool writes to its standard output and error.
    async fn use_tool(&self, variable: &str, arguments: &[&str], input: &str) -> (String, String) {
        let told = self.try_tool(variable, arguments, input).await;
        told.unwrap_or_else(|told| panic!("{variable} {}: {told}", arguments.join(" ")))
    }

    /// The same, in one where it fails.
    async fn try_tool(
        &self,
        variable: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<(String, String), String> {
        let program = set(variable);
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
        let [said, told] =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        if output.status.success() { Ok((said, told)) } else { Err(said + &told) }
    }
}

/// A variable that `tests/cluster/up` prints.
///
/// # Panics
/// It is not set.
#[expect(clippy::disallowed_methods, reason = "the tests' own edge: where the cluster and the tools are")]
pub fn set(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run  eval \"$(tests/cluster/up)\"  first"))
}

/// Which helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helm {
    /// That of `HELM3`.
    Three,
    /// That of `HELM`.
    Four,
}

impl Helm {
    fn variable(self) -> &'static str {
        match self {
            Self::Three => "HELM3",
            Self::Four => "HELM",
        }
    }
}

/// A chart in a directory of its own.
pub struct Chart(PathBuf);

impl Chart {
    /// Where it is.
    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Chart {
    fn drop(&mut self) {
        // What is left is in the directory for what is left.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
