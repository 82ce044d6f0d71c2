//! An upgrade to an image that does not exist, until the old state is back and reported.

use std::time::Duration;

use serde_json::Value;

use crate::Result;
use crate::manifests::{self, deployment};
use crate::program::Ran;
use crate::report::{Bar, Row, Unit};
use crate::session::Session;
use crate::tools::{Manifests, Tool};

/// Helm takes all of it whatever it is told, so once is enough.
const HELM_TIMEOUT: &str = "60s";
const HELM_ROUNDS: u32 = 1;
const HELM_AT_LEAST: Duration = Duration::from_secs(55);

/// The same Deployment with the image that works and with the one that does not.
struct Case {
    good: Manifests,
    bad: Manifests,
    good_image: String,
}

pub(crate) fn measure(session: &Session) -> Result<Vec<Row>> {
    let image = |tag: &str| format!("{}/api:{tag}", session.registry);
    let case = Case {
        good: manifests::write(&session.scratch, "good", &deployment(&image("v1")))?,
        bad: manifests::write(&session.scratch, "bad", &deployment(&image("does-not-exist")))?,
        good_image: image("v1"),
    };
    let (mut plain, mut named) = (Vec::new(), Vec::new());
    let (mut released, mut helm) = (Vec::new(), Vec::new());
    for round in 0..session.rounds {
        eprintln!("bad image, round {} of {}", round + 1, session.rounds);
        let mut namespaces = session.namespaces(&format!("bad-{round}"));
        for tool in Tool::in_turn(round) {
            let samples = match tool {
                Tool::Xtask => &mut plain,
                Tool::XtaskNamed => &mut named,
                Tool::XtaskRelease => &mut released,
                Tool::Helm if round < HELM_ROUNDS => &mut helm,
                Tool::Helm | Tool::Kubectl => continue,
            };
            let namespace = namespaces.create(tool.name())?;
            samples.push(sample(session, tool, &case, &namespace)?.wall.as_secs_f64());
        }
        namespaces.remove()?;
    }
    let work = "bad image until the old state is back and reported";
    let one = format!("{work} (helm: --timeout {HELM_TIMEOUT}, once)");
    Ok(vec![
        Row::new(&one, Unit::Seconds, plain).beside(Vec::new(), helm.clone()).bar(Bar::AtMost(4.0)),
        Row::new("the same with --name (lock and journal)", Unit::Seconds, named)
            .beside(Vec::new(), helm.clone()),
        Row::new("the same as a release", Unit::Seconds, released)
            .beside(Vec::new(), helm)
            .bar(Bar::AtMost(5.0)),
    ])
}

fn sample(session: &Session, tool: Tool, case: &Case, namespace: &str) -> Result<Ran> {
    let mut good = tool.apply(&case.good, namespace);
    let mut bad = tool.apply(&case.bad, namespace);
    if tool == Tool::Helm {
        good.push("--wait");
        bad.extend(["--rollback-on-failure", "--timeout", HELM_TIMEOUT]);
    } else {
        bad.push("--json");
    }
    session.run(tool, &good)?.good()?;
    is_good(session, case, namespace)?;
    let ran = session.run(tool, &bad)?.bad()?;
    is_good(session, case, namespace)?;
    let known = if tool == Tool::Helm {
        ran.wall >= HELM_AT_LEAST
    } else {
        serde_json::from_str(&ran.stdout).is_ok_and(|outcome: Value| outcome["status"] == "rolledBack")
    };
    if known { Ok(ran) } else { Err(ran.unexpected("it does not end as it should").into()) }
}

/// Whether all replicas run the good image and nothing else is wanted.
fn is_good(session: &Session, case: &Case, namespace: &str) -> Result<()> {
    let text = session.kubectl(&["get", "deployment", "api", "-n", namespace, "-o", "json"])?;
    let live: Value = serde_json::from_str(&text)?;
    let at = |pointer: &str| live.pointer(pointer).cloned().unwrap_or_default();
    let all = at("/spec/replicas");
    let good = at("/spec/template/spec/containers/0/image") == case.good_image.as_str()
        && at("/status/observedGeneration") == at("/metadata/generation")
        && ["replicas", "updatedReplicas", "availableReplicas"]
            .iter()
            .all(|count| at(&format!("/status/{count}")) == all);
    if good { Ok(()) } else { Err(format!("the Deployment is not as it was: {live:#}").into()) }
}
