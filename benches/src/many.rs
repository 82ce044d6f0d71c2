//! 1,000 ConfigMaps: applied for the first time, and again with nothing changed.

use crate::Result;
use crate::manifests::{self, config_maps};
use crate::program::Ran;
use crate::report::{Bar, Row, Unit};
use crate::session::Session;
use crate::stats::Stats;
use crate::tools::{Manifests, Tool};

const OBJECTS: usize = 1000;

struct Sample {
    tool: Tool,
    first: Ran,
    again: Ran,
}

/// The first apply or the one after it.
#[derive(Clone, Copy)]
enum Which {
    First,
    Again,
}

use Which::{Again, First};

impl Sample {
    fn ran(&self, which: Which) -> &Ran {
        match which {
            First => &self.first,
            Again => &self.again,
        }
    }
}

pub(crate) fn measure(session: &Session) -> Result<Vec<Row>> {
    let many = manifests::write(&session.scratch, "many", &config_maps(OBJECTS))?;
    warm_up(session)?;
    let mut samples = Vec::new();
    for round in 0..session.rounds {
        eprintln!("{OBJECTS} ConfigMaps, round {} of {}", round + 1, session.rounds);
        let mut namespaces = session.namespaces(&format!("many-{round}"));
        for tool in Tool::in_turn(round) {
            let namespace = namespaces.create(tool.name())?;
            samples.push(sample(session, tool, &many, &namespace)?);
        }
        namespaces.remove()?;
    }
    rows(&samples)
}

/// What a tool does only once is in no sample: its file is read into memory, kubectl keeps what it discovered.
fn warm_up(session: &Session) -> Result<()> {
    let one = manifests::write(&session.scratch, "warm-up", &config_maps(1))?;
    let mut namespaces = session.namespaces("warm");
    for tool in Tool::ALL {
        let namespace = namespaces.create(tool.name())?;
        session.run(tool, &tool.apply(&one, &namespace))?.good()?;
    }
    namespaces.remove()
}

fn sample(session: &Session, tool: Tool, many: &Manifests, namespace: &str) -> Result<Sample> {
    let first = session.run(tool, &tool.apply(many, namespace))?.good()?;
    let before = versions(session, namespace)?;
    let count = before.split_whitespace().count();
    if count != OBJECTS {
        return Err(first.unexpected(&format!("{count} of {OBJECTS} objects are there")).into());
    }
    let again = session.run(tool, &tool.apply(many, namespace))?.good()?;
    if versions(session, namespace)? != before {
        return Err(again.unexpected("it changed objects").into());
    }
    Ok(Sample { tool, first, again })
}

fn versions(session: &Session, namespace: &str) -> Result<String> {
    let path = "jsonpath={.items[*].metadata.resourceVersion}";
    session.kubectl(&["get", "configmaps", "-l", "app=bench", "-n", namespace, "-o", path])
}

fn rows(samples: &[Sample]) -> Result<Vec<Row>> {
    let row = |work: &str, which: Which, ours: Tool, (unit, value): Value| {
        let of = |tool: Tool| {
            let samples = samples.iter().filter(|sample| sample.tool == tool);
            samples.map(|sample| value(sample.ran(which))).collect()
        };
        Row::new(work, unit, of(ours)).beside(of(Tool::Kubectl), of(Tool::Helm))
    };
    let requests = |work: &str, which: Which| -> Result<Row> {
        let ours = samples.iter().filter(|sample| sample.tool == Tool::Xtask);
        let requests = ours.map(|sample| Stats::of(sample.ran(which)).map(|stats| stats.requests));
        Ok(Row::new(work, Unit::Count, requests.collect::<Result<_>>()?))
    };
    let named = "the same with --name (lock and journal)";
    let released = "the same as a release";
    Ok(vec![
        row("1,000 ConfigMaps, first apply", First, Tool::Xtask, SECONDS).bar(Bar::OfKubectl(0.4)),
        row(named, First, Tool::XtaskNamed, SECONDS),
        row(released, First, Tool::XtaskRelease, SECONDS).bar(Bar::OfHelm(0.3)),
        row("again, nothing changed", Again, Tool::Xtask, SECONDS).bar(Bar::OfKubectl(0.12)),
        row(named, Again, Tool::XtaskNamed, SECONDS),
        row(released, Again, Tool::XtaskRelease, SECONDS).bar(Bar::OfHelm(0.15)),
        requests("API requests, first apply", First)?,
        requests("API requests, again", Again)?.bar(Bar::AtMost(30.0)),
        row("time on a CPU, first apply", First, Tool::Xtask, CPU),
        row("time on a CPU, again", Again, Tool::Xtask, CPU),
        row("peak memory, first apply", First, Tool::Xtask, MEMORY).bar(Bar::AtMost(40.0)),
        row("peak memory, again", Again, Tool::Xtask, MEMORY).bar(Bar::AtMost(40.0)),
        row("peak memory of a release, install", First, Tool::XtaskRelease, MEMORY).bar(Bar::OfHelm(0.3)),
        row("peak memory of a release, again", Again, Tool::XtaskRelease, MEMORY).bar(Bar::OfHelm(0.3)),
    ])
}

type Value = (Unit, fn(&Ran) -> f64);

const SECONDS: Value = (Unit::Seconds, |ran| ran.wall.as_secs_f64());
const CPU: Value = (Unit::Seconds, |ran| ran.cpu.as_secs_f64());
const MEMORY: Value = (Unit::Megabytes, |ran| ran.peak as f64 / 1e6);
