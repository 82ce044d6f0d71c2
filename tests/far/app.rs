//! The application of the document that this replaces: a ConfigMap, Redis as a StatefulSet, an API of two and a worker.

/// Its manifests, with `image` for all that runs, and a `setting` in its configuration.
pub(crate) fn app(image: &str, setting: &str) -> String {
    let container = |name: &str, probe: &str| {
        format!(
            "spec: {{terminationGracePeriodSeconds: 1, containers: [{{name: {name}, image: $REGISTRY/{image}{probe}}}]}}"
        )
    };
    let probe = ", readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}";
    let (api, redis, worker) = (container("api", probe), container("redis", ""), container("worker", ""));
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{setting: '{setting}'}}
---
apiVersion: v1
kind: Service
metadata: {{name: redis}}
spec: {{clusterIP: None, selector: {{app: redis}}, ports: [{{port: 6379}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: redis}}
spec:
  serviceName: redis
  selector: {{matchLabels: {{app: redis}}}}
  template: {{metadata: {{labels: {{app: redis}}}}, {redis}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: api}}}}
  template: {{metadata: {{labels: {{app: api}}}}, {api}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: worker}}
spec:
  selector: {{matchLabels: {{app: worker}}}}
  template: {{metadata: {{labels: {{app: worker}}}}, {worker}}}
"
    )
}

/// Less of it: a ConfigMap and an API of one.
pub(crate) fn small(image: &str, setting: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{setting: '{setting}'}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  selector: {{matchLabels: {{app: api}}}}
  template: {{metadata: {{labels: {{app: api}}}}, spec: {{terminationGracePeriodSeconds: 1, containers: [{{name: api, image: $REGISTRY/{image}}}]}}}}
"
    )
}

/// A Secret, with this in it.
pub(crate) fn secret(value: &str) -> String {
    format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: key}}\nstringData: {{key: '{value}'}}\n")
}
