//! Whatever a value holds, it arrives on the node as it is; whatever the node says is read without a panic.

use deploy_ssm::node::{History, NodeStatus, Report, Request, Verb, parse_answer, parse_report};
use proptest::prelude::*;

use crate::cluster::Fault;
use crate::harness::{Node, config};

/// Strings that shells, JSON and awk read otherwise.
fn nasty() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("$(touch evil)".to_owned()),
        Just("`touch evil`".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\nEND\n".to_owned()),
        Just("\r".to_owned()),
        Just("-n".to_owned()),
        Just("--".to_owned()),
        Just("; rm -rf x".to_owned()),
        Just("${HOME}".to_owned()),
        Just("{{ssm:x}}".to_owned()),
        Just("%s".to_owned()),
        Just("*".to_owned()),
        Just("é😀".to_owned()),
        Just("\t".to_owned()),
        Just("'\\''".to_owned()),
        Just("&|<>!#~".to_owned()),
        "[ -~]{0,12}",
        "\\PC{0,6}",
    ];
    proptest::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
}

/// What the parameters are on the node: the lines of the command, but for the last, which would act on them.
fn arrived(node: &Node, request: &Request, names: &[&str]) -> Vec<String> {
    let mut lines = request.commands().expect("a command");
    assert_eq!(lines.pop().as_deref(), Some(". \"$HERE/node.sh\""));
    lines.push(". \"$HERE/params\"".into());
    for name in names {
        lines.push(format!("printf '%s\\0' \"${name}\""));
    }
    let ran = node.end(node.start_lines(&lines));
    assert!(ran.code == Some(0) && ran.stderr.is_empty(), "{ran:?}");
    ran.stdout.split_terminator('\0').map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn values_arrive_unchanged(values in proptest::array::uniform5(nasty())) {
        let node = Node::new();
        let [state, kubectl, config, manager, revision] = &values;
        let request = Request::new(Verb::Status, "shop").expect("a name").state_dir(state).kubectl(kubectl);
        let request = request.kubeconfig(config).field_manager(manager).git_revision(revision);
        let names = ["STATE_DIR", "KUBECTL", "KUBECONFIG", "FIELD_MANAGER", "GIT_REVISION"];
        prop_assert_eq!(arrived(&node, &request, &names), values);
        prop_assert!(!node.path("evil").exists() && !node.path("tmp/evil").exists());
    }

    #[test]
    fn answers_are_read_without_a_panic(text in ".{0,200}", mark in any::<bool>()) {
        let text = if mark { format!("deploy-ssm/1 {text}\n") } else { text };
        let _ = parse_answer::<Report>(&text);
        let _ = parse_answer::<History>(&text);
        let _ = parse_report(text.as_bytes());
    }
}

#[test]
fn what_is_no_answer_says_why() {
    let check = |text: &str, words: &str| {
        let error = parse_answer::<NodeStatus>(text).expect_err("is refused");
        assert!(format!("{error}").contains(words), "{error}");
    };
    check("", "it is empty");
    check("sh: not found\n", "it begins with");
    check("deploy-ssm/1 {\"app\":", "cut");
    check("deploy-ssm/1 {\"app\":\n", "not what this version expects");
    check("deploy-ssm/2 {}\n", "it begins with");
    check(
        "deploy-ssm/1 {\"error\":{\"kind\":\"notFound\",\"message\":\"a\\u001bb\",\"help\":null}}\n",
        "a b",
    );
    check(&format!("deploy-ssm/1 {}\n", "[".repeat(100_000)), "not what this version expects");
    assert!(parse_report(&vec![b' '; 17 << 20]).is_err());
}

#[test]
fn words_of_the_cluster_become_json_whatever_they_are() {
    let words = "quotes \" and \\ and \u{1b}[31m and\ttabs and é😀 ";
    let node = Node::new();
    node.world(|world| {
        world.faults.push(Fault::always("apply", &format!("error: {words}{}\n", "long ".repeat(3_000))));
    });
    let ran = node.run(&node.deploy_request("one", &config("settings", "a: b")));
    let report = ran.report();
    let deploy_ssm::node::Cause::Error(error) = report.cause.expect("a cause") else { panic!("{ran:?}") };
    assert!(error.message.contains(words), "{error:?}");
    assert!(
        ran.stdout.lines().next().is_some_and(|line| line.len() < 18_100) && ran.stdout.len() <= 24_000,
        "{}",
        ran.stdout.len()
    );

    // Bytes that are no text: the shim's words go through a real file.
    let node = Node::new();
    node.tool("kubectl", "#!/bin/sh\ncase $* in *readyz*) exit 0 ;; *apply*) printf 'bad \\377\\300\\200 \\355\\240\\200 ok \\303\\251\\n' >&2; exit 1 ;; esac\n");
    let ran = node.run(&node.deploy_request("one", &config("settings", "a: b")));
    let deploy_ssm::node::Cause::Error(error) = ran.report().cause.expect("a cause") else {
        panic!("{ran:?}")
    };
    assert!(error.message.starts_with("bad \u{fffd}") && error.message.ends_with("ok é"), "{error:?}");
}

#[test]
fn a_long_result_is_cut_for_stdout_and_whole_in_its_file() {
    let node = Node::new();
    let many: Vec<String> =
        (0..150).map(|i| config(&format!("a-config-map-with-a-rather-long-name-{i}"), "a: b")).collect();
    let ran = node.run(&node.deploy_request("one", &many.join("---\n")));
    assert_eq!(ran.report().status, deploy_ssm::node::RunStatus::Healthy);
    assert!(ran.stdout.len() <= 24_000, "{}", ran.stdout.len());
    assert!(ran.report().notes.iter().any(|note| note.contains("cut")), "{:?}", ran.report().notes);
    assert_eq!(node.result("one").objects.len(), 150);
}
