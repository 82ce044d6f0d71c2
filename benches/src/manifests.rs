//! What is applied.

use std::fmt::Write;

use crate::Result;
use crate::session::Scratch;
use crate::tools::Manifests;

const CHART: &str = "apiVersion: v2\nname: bench\nversion: 0.1.0\n";

/// Writes manifests for all tools, into folders called after `name`.
pub(crate) fn write(scratch: &Scratch, name: &str, text: &str) -> Result<Manifests> {
    scratch.write(&format!("{name}/manifests.yaml"), text)?;
    scratch.write(&format!("{name}-chart/templates/manifests.yaml"), text)?;
    let chart = scratch.write(&format!("{name}-chart/Chart.yaml"), CHART)?;
    let chart = chart.trim_end_matches("/Chart.yaml").to_owned();
    Ok(Manifests { folder: chart.trim_end_matches("-chart").to_owned(), chart })
}

/// So many small ConfigMaps, as YAML.
pub fn config_maps(count: usize) -> String {
    let mut text = String::new();
    for i in 0..count {
        let _ = write!(
            text,
            "apiVersion: v1
kind: ConfigMap
metadata:
  name: settings-{i:04}
  labels:
    app: bench
data:
  number: \"{i}\"
  settings.properties: |
    greeting=hello
    color=blue
    retries=3
---
"
        );
    }
    text
}

/// A Deployment that is quick to start and quick to stop, as YAML.
pub fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 2
  selector:
    matchLabels: {{app: api}}
  template:
    metadata:
      labels: {{app: api}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: api
        image: {image}
        readinessProbe: {{httpGet: {{path: /healthz, port: 8080}}, periodSeconds: 1}}
"
    )
}
