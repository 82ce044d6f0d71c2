//! A small release, upgraded with nothing changed: what every pipeline does most of the time.

use std::thread::sleep;
use std::time::Duration;

use crate::Result;
use crate::manifests::{self, config_maps, deployment};
use crate::report::{Bar, Row, Unit};
use crate::session::Session;
use crate::stats::Stats;
use crate::tools::Tool;

/// A Deployment is taken by its own word once it has been complete for so long.
const AT_REST: Duration = Duration::from_secs(70);
/// It is over soon, and the machine has other things to do now and then.
const SAMPLES_A_ROUND: u32 = 5;

pub(crate) fn measure(session: &Session) -> Result<Vec<Row>> {
    let image = format!("{}/api:v1", session.registry);
    let objects = [deployment(&image), config_maps(2)].join("---\n");
    let small = manifests::write(&session.scratch, "small", &objects)?;
    let mut namespaces = session.namespaces("small");
    let tools = [Tool::XtaskRelease, Tool::Helm];
    let mut places = Vec::new();
    for tool in tools {
        let namespace = namespaces.create(tool.name())?;
        let mut install = tool.apply(&small, &namespace);
        if tool == Tool::Helm {
            install.push("--wait");
        }
        session.run(tool, &install)?.good()?;
        places.push((tool, namespace));
    }
    eprintln!("a small release, at rest in {} s", AT_REST.as_secs());
    sleep(AT_REST);
    let (mut ours, mut helms, mut requests) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..session.rounds * SAMPLES_A_ROUND {
        places.rotate_left(round as usize % 2);
        for (tool, namespace) in &places {
            let ran = session.run(*tool, &tool.apply(&small, namespace))?.good()?;
            let wall = ran.wall.as_secs_f64() * 1000.0;
            if *tool == Tool::Helm {
                helms.push(wall);
            } else {
                ours.push(wall);
                requests.push(Stats::of(&ran)?.requests);
            }
        }
    }
    namespaces.remove()?;
    Ok(vec![
        Row::new("small release, upgrade with nothing changed", Unit::Milliseconds, ours)
            .beside(Vec::new(), helms)
            .bar(Bar::OfHelm(0.3)),
        Row::new("its API requests", Unit::Count, requests).bar(Bar::AtMost(12.0)),
    ])
}
