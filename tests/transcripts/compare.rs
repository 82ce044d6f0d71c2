//! A script on two clusters.

use std::fmt::Write;
use std::time::Duration;

use deploy_tests::{Env, Helm, in_real_time, set};
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
    let embedded = in_real_time(&env.registry);
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
                let begin = tokio::time::Instant::now();
                let why = loop {
                    let (live, ours) = tokio::join!(live.run(command), ours.run(command));
                    let why = misfit(&live, &ours, differs.is_some());
                    // What only reads is asked again: one cluster's controllers may come later than the other's.
                    if why.is_none() || !only_reads(command) || begin.elapsed() > PATIENCE {
                        break why;
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                };
                wrong.extend(why.map(|why| format!("$ {command}\n{why}")));
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

/// Whether a command changes nothing: it may be asked again.
fn only_reads(command: &str) -> bool {
    const READ: [&str; 10] = [
        "kubectl get ",
        "kubectl describe ",
        "kubectl events",
        "kubectl logs ",
        "kubectl rollout history ",
        "kubectl rollout status ",
        "helm get ",
        "helm history ",
        "helm list",
        "helm status ",
    ];
    READ.iter().any(|start| command.starts_with(start)) && !command.contains([';', '&'])
}

/// Why what a command came to is not as its script says; nothing where it is.
fn misfit(live: &Said, ours: &Said, differs: bool) -> Option<String> {
    match (live == ours, differs) {
        // What never ends says nothing about either cluster.
        _ if live.code.is_none() && ours.code.is_none() => {
            Some(format!("ends on neither cluster: {}", live.err))
        }
        (true, false) | (false, true) => None,
        (true, true) => Some("is equal after all".to_owned()),
        (false, false) => Some(difference(live, ours)),
    }
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

#[test]
fn what_is_asked_again() {
    let check = |command: &str, expect: bool| assert_eq!(only_reads(command), expect, "{command}");
    check("kubectl get pods --no-headers | awk '{print $2}' | sort", true);
    check("helm list", true);
    check("kubectl rollout restart deployment/api", false);
    check("kubectl get pods && kubectl delete pod a", false);
    check("KUBE_EDITOR=true kubectl edit configmap a", false);
    check("helm test shop", false);
}

#[test]
fn what_never_ends_is_not_equal() {
    let said = |code: Option<i32>, out: &str| Said { code, out: out.to_owned(), err: String::new() };
    let check = |live: Said, ours: Said, differs: bool, expected: Option<&str>| {
        let why = misfit(&live, &ours, differs);
        assert!(
            why.as_deref().map_or(expected.is_none(), |why| expected.is_some_and(|part| why.contains(part))),
            "{live:?} {ours:?}: {why:?}"
        );
    };
    check(said(Some(0), "a"), said(Some(0), "a"), false, None);
    check(said(Some(1), "a"), said(Some(1), "a"), true, Some("is equal after all"));
    check(said(Some(0), "a"), said(Some(0), "b"), false, Some("+b"));
    check(said(Some(0), "a"), said(Some(0), "b"), true, None);
    check(said(None, ""), said(Some(0), ""), false, Some("code None, here Some(0)"));
    for differs in [false, true] {
        check(said(None, ""), said(None, ""), differs, Some("ends on neither cluster"));
        check(said(None, "a"), said(None, "b"), differs, Some("ends on neither cluster"));
    }
}
