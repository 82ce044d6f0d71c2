//! `ssm diagnose` and `ssm health`: how the node is, whatever runs there.

use deploy_core::error::Result;
use deploy_ssm::node::{Diagnosis, Disk, Health, Memory};
use serde_json::json;

use super::{Far, run};
use crate::Done;
use crate::images::Desk;
use crate::paint::{Paint, Tone, printable};
use crate::table::table;

/// What is free of a disk or of memory is little below a tenth.
const LITTLE: u64 = 10;

pub(super) async fn health(far: &Far, desk: &Desk<'_>) -> Result<Done> {
    let health = far.target.health(&run(desk)).await?;
    let good = health.ready;
    Ok(Done { good, ..Done::told(json!(health), move |paint| ready(&health, paint)) })
}

fn ready(health: &Health, paint: Paint) -> String {
    let word =
        if health.ready { paint.text(Tone::Good, "ready") } else { paint.text(Tone::Bad, "not ready") };
    let mut text = format!("{word} after {} ms\n", health.millis);
    if !health.ready && !health.message.trim().is_empty() {
        text += &format!("{}\n", printable(health.message.trim()));
    }
    text
}

pub(super) async fn diagnose(far: &Far, desk: &Desk<'_>) -> Result<Done> {
    let diagnosis = far.target.diagnosis(&run(desk)).await?;
    Ok(Done::told(json!(diagnosis), move |paint| shown(&diagnosis, paint)))
}

fn shown(diagnosis: &Diagnosis, paint: Paint) -> String {
    let mut text = String::new();
    let Diagnosis { disk, memory, load, kubectl, server, nodes, pods, events, gaps, .. } = diagnosis;
    let mut line = |name: &str, value: &str, tone: Tone| {
        text += &format!("{name:<9}{}\n", paint.text(tone, &printable(value).replace('\n', " ")));
    };
    for Disk { path, total_kb, free_kb, .. } in disk {
        line("disk", &format!("{path}: {}", part(*free_kb, *total_kb)), scarce(*free_kb, *total_kb));
    }
    let Memory { total_kb, available_kb, .. } = memory;
    if *total_kb > 0 {
        line("memory", &part(*available_kb, *total_kb), scarce(*available_kb, *total_kb));
    }
    if !load.is_empty() {
        let load: Vec<String> = load.iter().map(ToString::to_string).collect();
        line("load", &load.join(" "), Tone::Plain);
    }
    for (name, version) in [("kubectl", kubectl), ("server", server)] {
        if let Some(version) = version {
            line(name, version, Tone::Plain);
        }
    }
    for gap in gaps {
        line("unknown", gap, Tone::Warn);
    }
    let mut tables = Vec::new();
    if !nodes.is_empty() {
        let rows = nodes.iter().map(|node| {
            let good = node.ready && node.trouble.is_empty();
            let ready = if node.ready { "yes" } else { "no" };
            let cells = [node.name.clone(), ready.to_owned(), node.version.clone(), node.trouble.join(" ")];
            (cells, if good { Tone::Good } else { Tone::Bad })
        });
        tables.push(table(["NODE", "READY", "VERSION", "TROUBLE"], rows, paint));
    }
    if !pods.is_empty() {
        let rows = pods.iter().map(|pod| {
            let reason = pod.reason.clone().unwrap_or_default();
            ([pod.namespace.clone(), pod.name.clone(), pod.phase.clone(), reason], Tone::Warn)
        });
        tables.push(table(["NAMESPACE", "POD NOT READY", "PHASE", "REASON"], rows, paint));
    }
    if !events.is_empty() {
        let rows = events
            .iter()
            .map(|event| ([event.object.clone(), event.reason.clone(), event.message.clone()], Tone::Warn));
        tables.push(table(["WARNING OF", "REASON", "MESSAGE"], rows, paint));
    }
    tables.into_iter().fold(text, |text, table| text + "\n" + &table)
}

fn part(free: u64, total: u64) -> String {
    format!("{} MB free of {} MB", free >> 10, total >> 10)
}

fn scarce(free: u64, total: u64) -> Tone {
    if free.saturating_mul(100) < total.saturating_mul(LITTLE) { Tone::Bad } else { Tone::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_whether_the_api_server_is_ready() {
        let check = |ready_: bool, message: &str, expect: &str| {
            let health: Health =
                serde_json::from_value(json!({"ready": ready_, "millis": 12, "message": message})).unwrap();
            assert_eq!(ready(&health, Paint(false)), expect);
        };
        check(true, "ok", "ready after 12 ms\n");
        check(false, "refused\x1b\n", "not ready after 12 ms\nrefused\u{fffd}\n");
        check(false, "", "not ready after 12 ms\n");
    }

    #[test]
    fn tells_how_the_node_is() {
        let diagnosis: Diagnosis = serde_json::from_value(json!({
            "disk": [{"path": "/", "totalKb": 102_400, "freeKb": 5_120}],
            "memory": {"totalKb": 2_048_000, "availableKb": 1_024_000},
            "load": [0.5, 0.25, 0.1],
            "server": "v1.36.0",
            "nodes": [{"name": "k3s", "ready": true, "version": "v1.36.0", "trouble": ["DiskPressure"]}],
            "pods": [{"namespace": "shop", "name": "api-1", "phase": "Pending", "reason": "ImagePullBackOff"}],
            "events": [{"object": "Pod shop/api-1", "reason": "Failed", "message": "no\nimage"}],
            "gaps": ["kubectl is old"],
        }))
        .unwrap();
        assert_eq!(
            shown(&diagnosis, Paint(false)),
            "disk     /: 5 MB free of 100 MB\n\
             memory   1000 MB free of 2000 MB\n\
             load     0.5 0.25 0.1\n\
             server   v1.36.0\n\
             unknown  kubectl is old\n\n\
             NODE  READY  VERSION  TROUBLE\nk3s   yes    v1.36.0  DiskPressure\n\n\
             NAMESPACE  POD NOT READY  PHASE    REASON\nshop       api-1          Pending  ImagePullBackOff\n\n\
             WARNING OF      REASON  MESSAGE\nPod shop/api-1  Failed  no image\n"
        );
        assert!(shown(&diagnosis, Paint(true)).contains("\x1b[31m/: 5 MB free of 100 MB"));
    }
}
