//! A script on two clusters.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use deploy_sim::{Image, SimCluster};
use deploy_tests::{Env, Helm, set};
use similar::TextDiff;

use crate::place::{Place, Programs, Said};
use crate::script::{Script, Step};

/// How long both may take to come to the same state.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a script on a live cluster and on an embedded one.
///
/// # Panics
/// Where they differ and the script does not say so, and where it does and they do not.
pub(crate) async fn on_both_clusters(name: &str, script: &Script, helm: Helm) {
    deploy_tests::live(name, |env| async move { compare(&env, script, helm).await }).await;
}

async fn compare(env: &Env, script: &Script, helm: Helm) {
    let (helm, rollback) = match helm {
        Helm::Three => ("HELM3", "--atomic"),
        Helm::Four => ("HELM", "--rollback-on-failure"),
    };
    let programs = Programs { kubectl: set("KUBECTL"), helm: set(helm), rollback };
    let embedded = cluster(&env.registry);
    let endpoint = embedded.serve_tls("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let ours = endpoint.kubeconfig().expect("randomness");
    let kubeconfig = std::fs::read_to_string(env.kubeconfig()).expect("a kubeconfig");
    let live = Place::new(&kubeconfig, &env.namespace, &env.registry, &programs).await;
    let ours = Place::new(&ours, &env.namespace, &env.registry, &programs).await;
    env.create_on(&embedded).await;
    let mut wrong = Vec::new();
    for step in script.steps() {
        match step {
            Step::Compare { command, differs } => {
                let (live, ours) = tokio::join!(live.run(command), ours.run(command));
                match (live == ours, differs) {
                    (true, None) | (false, Some(_)) => {}
                    (true, Some(_)) => wrong.push(format!("$ {command}\nis equal after all")),
                    (false, None) => wrong.push(format!("$ {command}\n{}", difference(&live, &ours))),
                }
            }
            Step::Both(command) => {
                let (live, ours) = tokio::join!(live.run(command), ours.run(command));
                for (cluster, said) in [("live", live), ("embedded", ours)] {
                    if said.code != Some(0) {
                        wrong.push(format!(
                            "~ {command}\nfails on the {cluster} cluster: {}{}",
                            said.out, said.err
                        ));
                    }
                }
            }
            Step::Until { text, command } => {
                let (live, ours) = tokio::join!(until(&live, text, command), until(&ours, text, command));
                for (cluster, said) in [("live", live), ("embedded", ours)] {
                    if let Err(said) = said {
                        wrong.push(format!(
                            "… {command}\nnever has {text:?} on the {cluster} cluster: {}{}",
                            said.out, said.err
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} commands differ (- live, + embedded)\n\n{}", wrong.len(), wrong.join("\n"));
}

async fn until(place: &Place, text: &str, command: &str) -> Result<(), Said> {
    let begin = tokio::time::Instant::now();
    loop {
        let said = place.run(command).await;
        if said.out.contains(text) {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            return Err(said);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The embedded cluster, with the images of the live one's registry.
#[expect(clippy::disallowed_methods, reason = "the tests' own edge: programs ask the machine for the time")]
fn cluster(registry: &str) -> SimCluster {
    let begin = format!("{registry}/");
    let image = move |name: &str| match name.strip_prefix(&begin).and_then(|name| name.split_once(':')) {
        Some((_, "crash")) => Image::new().exits(1, Duration::ZERO).logs(["boom"]),
        Some((_, "v1" | "v2" | "v3")) => {
            let done = Image::new().exits(0, Duration::ZERO);
            let failed = Image::new().exits(1, Duration::ZERO);
            let says = Image::new().logs(["one", "two", "three"]);
            Image::new()
                .answers("/nowhere", 404)
                .command("true", done)
                .command("false", failed)
                .command("sh", says)
        }
        Some(_) => Image::not_found(),
        None => Image::unreachable(),
    };
    SimCluster::builder().begins(SystemTime::now()).images(image).without_storage().start()
}

fn difference(live: &Said, ours: &Said) -> String {
    let mut text = String::new();
    if live.code != ours.code {
        let _ = writeln!(text, "code {:?}, here {:?}", live.code, ours.code);
    }
    for (live, ours) in [(&live.out, &ours.out), (&live.err, &ours.err)] {
        if live != ours {
            text += &TextDiff::from_lines(live, ours).unified_diff().context_radius(2).to_string();
        }
    }
    text
}
