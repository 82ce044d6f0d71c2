//! Other shells, other tools: what small nodes have.

use deploy_ssm::node::{RunStatus, Verb};

use crate::harness::{Node, TOOLS, app};

/// Install, upgrade, a bad image, a cancelled one, and the history.
fn main_flows(node: &Node) {
    let check = |id: &str, image: &str, status: RunStatus| {
        let ran = node.run(&node.deploy_request(id, &app(image)));
        assert_eq!(ran.report().status, status, "{ran:?}\n{}", node.log(id));
    };
    check("one", "api:v1", RunStatus::Healthy);
    check("two", "api:v2", RunStatus::Healthy);
    check("three", "api:bad", RunStatus::Undone);
    assert_eq!(node.image().as_deref(), Some("api:v2"));
    let report = node.run(&node.request(Verb::Rollback, "four").number(1)).report();
    assert_eq!(report.status, RunStatus::Healthy, "{report:?}");
    for verb in [Verb::Status, Verb::History, Verb::Diagnose, Verb::Health, Verb::Sweep] {
        let ran = node.run(&node.request(verb, ""));
        assert_eq!(ran.code, Some(0), "{verb:?}: {ran:?}");
        assert!(ran.stderr.is_empty(), "{verb:?}: {ran:?}");
    }
}

#[test]
fn sh() {
    main_flows(&Node::new());
}

#[test]
#[ignore = "needs bash and busybox"]
fn bash_and_busybox() {
    for (name, tools) in [("/bin/bash", &["sh"][..]), ("/bin/busybox", TOOLS)] {
        let mut node = Node::new();
        // Not every busybox has these.
        for tool in tools.iter().filter(|tool| !matches!(**tool, "curl" | "flock")) {
            node.link(tool, name);
        }
        node.shell = node.path("bin/sh").to_string_lossy().into();
        main_flows(&node);
    }
}

#[test]
#[ignore = "needs gawk, mawk, original-awk"]
fn every_awk() {
    for awk in ["mawk", "gawk", "original-awk"] {
        let node = Node::new();
        node.link("awk", &format!("/usr/bin/{awk}"));
        main_flows(&node);
    }
}

#[test]
#[ignore = "needs shellcheck"]
#[expect(clippy::disallowed_methods, reason = "shellcheck is what tells")]
fn the_scripts_are_shellcheck_clean() {
    let folder = format!("{}/src/node", env!("CARGO_MANIFEST_DIR"));
    let scripts = std::fs::read_dir(folder).expect("a folder").flatten().map(|file| file.path());
    let scripts: Vec<_> = scripts.filter(|path| path.extension().is_some_and(|end| end == "sh")).collect();
    assert!(scripts.len() > 5);
    let ran = std::process::Command::new("shellcheck")
        .args(["-s", "sh"])
        .args(scripts)
        .output()
        .expect("shellcheck runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}
