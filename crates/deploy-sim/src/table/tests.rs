//! Rows as the API server prints them; the tables of live objects are held against it by `tests/scenarios/same`.

use serde_json::{Value, json};

use super::human::{duration, selector};
use super::*;
use crate::kinds::Kinds;

fn now() -> Timestamp {
    "2026-01-01T01:00:00Z".parse().unwrap()
}

/// The cells of an object, without its name.
fn cells(resource: &str, object: &Value) -> Vec<String> {
    let cells = cells::of(resource, object, now());
    cells.iter().skip(1).map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)).collect()
}

/// Each kind has as many cells as columns.
#[test]
fn every_column_has_its_cell() {
    for kind in Kinds::built_in().all() {
        let printer = Printer {
            kind,
            scale: false,
            api_version: "meta.k8s.io/v1",
            included: Included::Nothing,
            now: now(),
        };
        let object = json!({"metadata": {"name": "x"}});
        let table = printer.table(&json!({}), std::iter::once(&object), true);
        let count = |pointer: &str| table.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(count("/columnDefinitions"), count("/rows/0/cells"), "{}", kind.resource);
        assert!(count("/rows/0/cells") > 1, "{}", kind.resource);
    }
}

#[test]
fn durations() {
    let check = |seconds: i64, expect: &str| {
        let since = now() - jiff::SignedDuration::from_secs(seconds);
        assert_eq!(duration(since, now()), expect, "{seconds}");
    };
    check(-5, "<invalid>");
    check(-1, "0s");
    check(119, "119s");
    check(120, "2m");
    check(121, "2m1s");
    check(600, "10m");
    check(3 * 3600, "3h");
    check(3 * 3600 + 60, "3h1m");
    check(9 * 3600, "9h");
    check(50 * 3600, "2d2h");
    check(10 * 86_400, "10d");
    check(3 * 365 * 86_400, "3y");
    check(3 * 365 * 86_400 + 86_400, "3y1d");
    check(9 * 365 * 86_400, "9y");
}

#[test]
fn selectors() {
    let check = |given: Value, expect: &str| assert_eq!(selector(Some(&given)), expect, "{given}");
    check(json!({}), "<none>");
    check(json!({"matchLabels": {"b": "2", "a": "1"}}), "a=1,b=2");
    check(
        json!({"matchLabels": {"b": "2"}, "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["y", "x"]}, {"key": "c", "operator": "DoesNotExist"},
            {"key": "d", "operator": "NotIn", "values": ["z"]}, {"key": "e", "operator": "Exists"},
        ]}),
        "a in (x,y),b=2,!c,d notin (z),e",
    );
}

#[test]
fn pods() {
    let check = |status: Value, expect: [&str; 3]| {
        let pod = json!({
            "metadata": {"name": "x"},
            "spec": {
                "containers": [{"name": "a"}, {"name": "b"}],
                "initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}],
            },
            "status": status,
        });
        let found = cells("pods.", &pod);
        assert_eq!(found.get(..3).unwrap(), expect, "{status}");
    };
    check(json!({"phase": "Pending"}), ["0/3", "Pending", "0"]);
    check(
        json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}),
        ["0/3", "Init:0/2", "0"],
    );
    check(
        json!({"phase": "Pending", "initContainerStatuses": [
            {"name": "i", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"finishedAt": "2026-01-01T00:59:00Z"}}},
        ]}),
        ["0/3", "Init:CrashLoopBackOff", "3 (60s ago)"],
    );
    let done = json!({"name": "i", "restartCount": 1, "state": {"terminated": {"exitCode": 0}}});
    let sidecar =
        json!({"name": "s", "restartCount": 2, "started": true, "ready": true, "state": {"running": {}}});
    check(
        json!({"phase": "Running", "initContainerStatuses": [done, sidecar], "containerStatuses": [
            {"name": "a", "ready": true, "restartCount": 0, "state": {"running": {}}},
            {"name": "b", "ready": false, "restartCount": 4, "state": {"waiting": {"reason": "ImagePullBackOff"}}},
        ]}),
        ["2/3", "ImagePullBackOff", "6"],
    );
    check(
        json!({"phase": "Failed", "containerStatuses": [
            {"name": "a", "state": {"terminated": {"reason": "Completed", "exitCode": 0}}},
            {"name": "b", "state": {"terminated": {"reason": "Error", "exitCode": 1}}},
        ]}),
        ["0/3", "Error", "0"],
    );
    check(
        json!({"phase": "Running", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 137}}}]}),
        ["0/3", "ExitCode:137", "0"],
    );
    check(json!({"phase": "Failed", "reason": "Evicted"}), ["0/3", "Evicted", "0"]);
}

#[test]
fn others() {
    let check = |resource: &str, object: Value, expect: &[&str]| {
        assert_eq!(cells(resource, &object), expect, "{resource}");
    };
    let born = json!({"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"});
    check(
        "services.",
        json!({"metadata": born, "spec": {"type": "NodePort", "clusterIPs": ["10.0.0.1"], "ports": [
            {"port": 80, "protocol": "TCP", "nodePort": 30001}, {"port": 53, "protocol": "UDP"}]}}),
        &["NodePort", "10.0.0.1", "<none>", "80:30001/TCP,53/UDP", "60m", "<none>"],
    );
    check(
        "services.",
        json!({"metadata": born, "spec": {"type": "LoadBalancer", "externalIPs": ["1.1.1.1"], "selector": {"a": "b"}},
            "status": {"loadBalancer": {"ingress": [{"hostname": "h"}, {"ip": "2.2.2.2"}]}}}),
        &["LoadBalancer", "<none>", "2.2.2.2,h,1.1.1.1", "<none>", "60m", "a=b"],
    );
    let addresses = json!([{"ip": "1.1.1.1"}, {"ip": "::1"}]);
    check(
        "endpoints.",
        json!({"metadata": born, "subsets": [{"addresses": addresses, "ports": [{"port": 1}, {"port": 2}]}]}),
        &["1.1.1.1:1,[::1]:1,1.1.1.1:2 + 1 more...", "60m"],
    );
    check(
        "ingresses.networking.k8s.io",
        json!({"metadata": born, "spec": {"tls": [{}], "rules": [{"host": "a"}, {}, {"host": "b"}, {"host": "c"}, {"host": "d"}]}}),
        &["<none>", "a,b,c + 2 more...", "", "80, 443", "60m"],
    );
    check(
        "persistentvolumeclaims.",
        json!({"metadata": born, "spec": {"volumeName": "v", "storageClassName": "fast", "volumeMode": "Filesystem"},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"]}}),
        &["Bound", "v", "1Gi", "RWO,RWX", "fast", "<unset>", "60m", "Filesystem"],
    );
    let old = json!({"name": "x", "annotations": {"volume.beta.kubernetes.io/storage-class": "old"}});
    check(
        "persistentvolumeclaims.",
        json!({"metadata": old, "spec": {"storageClassName": "new"}, "status": {"phase": "Pending"}}),
        &["Pending", "", "", "", "old", "<unset>", "<unknown>", "<unset>"],
    );
    check(
        "jobs.batch",
        json!({"metadata": born, "spec": {"parallelism": 2}, "status": {
            "startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:07Z", "succeeded": 1,
            "conditions": [{"type": "Complete", "status": "True"}]}}),
        &["Complete", "1/1 of 2", "7s", "60m", "", "", "<none>"],
    );
    let metrics = json!([
        {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}},
        {"type": "Pods", "pods": {"target": {"averageValue": "5"}}},
        {"type": "External", "external": {"target": {"value": "9"}}},
    ]);
    check(
        "horizontalpodautoscalers.autoscaling",
        json!({"metadata": born, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 3, "metrics": metrics},
            "status": {"currentMetrics": [{"resource": {"current": {"averageUtilization": 7}}}]}}),
        &["Deployment/d", "cpu: 7%/50%, <unknown>/5 + 1 more...", "<unset>", "3", "0", "60m"],
    );
    check(
        "events.",
        json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "Pulled", "message": " done\n", "count": 3,
            "firstTimestamp": "2026-01-01T00:50:00Z", "lastTimestamp": "2026-01-01T00:59:50Z",
            "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec"}, "source": {"component": "kubelet", "host": "n"}}),
        &["Normal", "Pulled", "pod/p", "spec", "kubelet, n", "done", "10m", "3", "e"],
    );
}
