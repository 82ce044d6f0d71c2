//! On what it was measured. A number without this means nothing.

use std::fs;
use std::thread::available_parallelism;

use deploy_core::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::Result;
use crate::session::Session;
use crate::tools::Tool;

/// The machine, the cluster and the tools.
pub(crate) struct Machine {
    date: String,
    processor: String,
    cores: usize,
    /// Gibibytes.
    memory: f64,
    kernel: String,
    kubernetes: String,
    kubectl: String,
    helm: String,
    /// Processes that wanted to run, on average over a minute: before the benchmark and after it.
    load: [f64; 2],
}

impl Machine {
    pub(crate) fn look(session: &Session) -> Result<Self> {
        let versions: Value = serde_json::from_str(&session.kubectl(&["version", "-o", "json"])?)?;
        let version = |of: &str| {
            versions.pointer(&format!("/{of}/gitVersion")).and_then(Value::as_str).unwrap_or("?").to_owned()
        };
        let date = SystemClock::new().now().to_string();
        Ok(Self {
            date: date.split('T').next().unwrap_or_default().to_owned(),
            processor: field("/proc/cpuinfo", "model name"),
            cores: available_parallelism().map_or(0, usize::from),
            memory: field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0)
                / 1_048_576.0,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            kubernetes: version("serverVersion"),
            kubectl: version("clientVersion"),
            helm: session.run(Tool::Helm, &["version", "--template", "{{.Version}}"])?.good()?.stdout,
            load: [load(), 0.0],
        })
    }

    pub(crate) fn at_the_end(mut self) -> Self {
        let [before, _] = self.load;
        self.load = [before, load()];
        self
    }

    pub(crate) fn text(&self, rounds: u32) -> String {
        let Self { date, processor, cores, memory, kernel, kubernetes, kubectl, helm, load: [before, after] } =
            self;
        format!(
            "{date}: {cores} cores ({processor}), {memory:.0} GiB, Linux {kernel}, load {before} before and {after} \
             after; Kubernetes {kubernetes} on the same machine, kubectl {kubectl}, helm {helm}; medians of {rounds} rounds."
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "date": self.date, "processor": self.processor, "cores": self.cores, "memoryGiB": self.memory,
            "kernel": self.kernel, "kubernetes": self.kubernetes, "kubectl": self.kubectl, "helm": self.helm,
            "load": self.load,
        })
    }
}

/// The value of the first line `name : value`.
fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim() == name).map_or_else(|| "?".into(), |(_, value)| value.trim().to_owned())
}

fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}
