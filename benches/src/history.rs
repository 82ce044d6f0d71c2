//! The history of a release with many revisions, as helm released them.

use serde_json::Value;

use crate::Result;
use crate::manifests::{self, config_maps, deployment};
use crate::program::Ran;
use crate::report::{Bar, Row, Unit};
use crate::session::Session;
use crate::tools::Tool;

const REVISIONS: usize = 50;
const OBJECTS: usize = 20;
/// It is over soon, and the machine has other things to do now and then.
const SAMPLES_A_ROUND: u32 = 5;

pub(crate) fn measure(session: &Session) -> Result<Vec<Row>> {
    let mut namespaces = session.namespaces("history");
    let namespace = namespaces.create("helm")?;
    for revision in 1..=REVISIONS {
        eprintln!("history, revision {revision} of {REVISIONS}");
        let image = format!("{}/api:v{revision}", session.registry);
        let objects = config_maps(OBJECTS - 1) + &deployment(&image).replace("replicas: 2", "replicas: 0");
        let chart = manifests::write(&session.scratch, "history", &objects)?.chart;
        let upgrade = ["upgrade", "--install", "bench", &chart, "-n", &namespace, "--history-max", "100"];
        session.run(Tool::Helm, &upgrade)?.good()?;
    }
    let (mut ours, mut helm) = (Vec::new(), Vec::new());
    let (mut our_memory, mut helms_memory) = (Vec::new(), Vec::new());
    for round in 0..session.rounds * SAMPLES_A_ROUND {
        for tool in Tool::in_turn(round) {
            let (times, memory, args) = match tool {
                Tool::Xtask => (
                    &mut ours,
                    &mut our_memory,
                    vec!["release", "history", "bench", "-n", &namespace, "--json"],
                ),
                Tool::Helm => (
                    &mut helm,
                    &mut helms_memory,
                    vec!["history", "bench", "-n", &namespace, "--max", "256", "-o", "json"],
                ),
                Tool::XtaskNamed | Tool::XtaskRelease | Tool::Kubectl => continue,
            };
            let ran = session.run(tool, &args)?.good()?;
            if revisions(&ran) != Some(REVISIONS) {
                return Err(ran.unexpected("it tells another history").into());
            }
            times.push(ran.wall.as_secs_f64() * 1000.0);
            memory.push(ran.peak as f64 / 1e6);
        }
    }
    namespaces.remove()?;
    let work = format!("history of {REVISIONS} revisions with {OBJECTS} objects each");
    Ok(vec![
        Row::new(&work, Unit::Milliseconds, ours).beside(Vec::new(), helm).bar(Bar::OfHelm(0.3)),
        Row::new("peak memory, the same", Unit::Megabytes, our_memory)
            .beside(Vec::new(), helms_memory)
            .bar(Bar::OfHelm(0.3)),
    ])
}

fn revisions(ran: &Ran) -> Option<usize> {
    let told: Value = serde_json::from_str(&ran.stdout).ok()?;
    told.get("revisions").unwrap_or(&told).as_array().map(Vec::len)
}
