//! The manifests that scenarios deploy, as small as they can be.

/// A Deployment `api` of two replicas with a readiness probe, with `image` from the test registry.
pub fn deployment(image: &str) -> String {
    let probe = "readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}";
    workload("apps/v1", "Deployment", "replicas: 2", image, probe)
}

/// A workload `api` of any kind with a pod template: `spec` is more of its spec, `container` more of its one container, both as lines
/// of flow style.
pub fn workload(api_version: &str, kind: &str, spec: &str, image: &str, container: &str) -> String {
    format!(
        "apiVersion: {api_version}
kind: {kind}
metadata: {{name: api}}
spec:
  {spec}
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: api
        image: $REGISTRY/{image}
        {container}
"
    )
}

/// A Job `migrate` that may fail once more.
pub fn job(image: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: migrate}}
spec:
  backoffLimit: 1
  template:
    spec:
      restartPolicy: Never
      containers:
      - {{name: migrate, image: $REGISTRY/{image}}}
"
    )
}
