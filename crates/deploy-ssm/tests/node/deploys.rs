//! Deployments to their end.

use deploy_core::event::{Event, EventKind};
use deploy_core::plan::Action;
use deploy_core::run::OnFailure;
use deploy_ssm::node::{Cause, Report, RunStatus, Validate, Verb};

use crate::cluster::Fault;
use crate::harness::{Node, app, config};

#[track_caller]
fn ended(node: &Node, report: &Report, status: RunStatus) {
    assert_eq!(report.status, status, "{report:#?}\n{}", node.log(&report.id));
}

fn actions(report: &Report) -> Vec<(String, Action)> {
    report.objects.iter().map(|written| (written.object.to_string(), written.action)).collect()
}

#[test]
fn a_first_install_and_an_upgrade_are_healthy() {
    let node = Node::new();
    let ran = node.run(&node.deploy_request("one", &app("api:v1")).git_revision("it's \"1\" \\"));
    let report = ran.report();
    ended(&node, &report, RunStatus::Healthy);
    assert_eq!(ran.code, Some(0));
    assert!(ran.stdout.contains("Deployment shop/api is healthy"), "the log follows: {}", ran.stdout);
    let (settings, api) = ("ConfigMap shop/settings".to_owned(), "Deployment shop/api".to_owned());
    assert_eq!(actions(&report), [(settings.clone(), Action::Create), (api.clone(), Action::Create)]);

    let report = node.deploy("two", &app("api:v2"));
    ended(&node, &report, RunStatus::Healthy);
    assert_eq!((report.number, report.previous), (Some(2), Some(1)));
    assert_eq!(actions(&report), [(settings, Action::Unchanged), (api, Action::Update)]);
    assert_eq!(node.image().as_deref(), Some("api:v2"));
    let leftovers: Vec<_> = std::fs::read_dir(node.path("tmp")).expect("a folder").collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[test]
fn a_bad_image_is_undone_and_told_of_as_it_happens() {
    let node = Node::new();
    node.deploy("one", &app("api:v1"));
    let ran = node.run(&node.deploy_request("two", &app("api:bad")));
    let report = ran.report();
    ended(&node, &report, RunStatus::Undone);
    assert_eq!(ran.code, Some(1));
    let Some(Cause::Failed { failures }) = &report.cause else { panic!("{report:?}") };
    assert_eq!(failures[0].reason.name(), "ImageNotFound");
    assert_eq!(node.image().as_deref(), Some("api:v1"));
    assert_eq!(report.evidence.pods.len(), 1, "{report:?}");
    let events: Vec<Event> = node
        .events("two")
        .into_iter()
        .map(|event| serde_json::from_value(event).expect("an event"))
        .collect();
    let names: Vec<&str> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Applied { .. } => Some("applied"),
            EventKind::Hopeless { .. } => Some("hopeless"),
            EventKind::RollingBack { .. } => Some("rolling back"),
            EventKind::Restored { .. } => Some("restored"),
            EventKind::RolledBack => Some("rolled back"),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["applied", "applied", "hopeless", "rolling back", "restored", "rolled back"]);
}

#[test]
fn a_first_install_that_fails_is_removed() {
    let node = Node::new();
    let report = node.deploy("one", &app("api:bad"));
    ended(&node, &report, RunStatus::Undone);
    assert!(node.world(|world| world.objects.is_empty()));
    assert!(!node.path("state").join("shop/current").exists());
}

#[test]
fn what_stood_before_comes_back() {
    let node = Node::new();
    // Somebody else's, with the same name.
    node.world(|world| {
        let object = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"level": "debug", "text": "a {\n \"b\" ["},
            "metadata": {"name": "settings", "namespace": "shop", "uid": "u", "resourceVersion": "5"}});
        world.objects.insert("ConfigMap./shop/settings".into(), object);
        world.version = 5;
    });
    let report = node.deploy("one", &app("api:bad"));
    ended(&node, &report, RunStatus::Undone);
    node.world(|world| {
        let keys: Vec<_> = world.objects.keys().collect();
        assert_eq!(keys, ["ConfigMap./shop/settings"]);
        let data = &world.objects["ConfigMap./shop/settings"]["data"];
        assert_eq!(*data, serde_json::json!({"level": "debug", "text": "a {\n \"b\" ["}));
    });
}

#[test]
fn a_failure_is_left_if_asked() {
    let node = Node::new();
    node.deploy("one", &app("api:v1"));
    let request = node.deploy_request("two", &app("api:bad")).on_failure(OnFailure::Leave);
    let report = node.run(&request).report();
    ended(&node, &report, RunStatus::Left);
    assert_eq!(node.image().as_deref(), Some("api:bad"));
}

#[test]
fn time_runs_out_on_what_it_waits_for() {
    let node = Node::new();
    let request = node.deploy_request("one", &app("api:slow")).timeout(std::time::Duration::from_secs(3));
    let report = node.run(&request).report();
    ended(&node, &report, RunStatus::Undone);
    let Some(Cause::TimedOut { waiting }) = &report.cause else { panic!("{report:?}") };
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].object.to_string(), "Deployment shop/api");
    assert!(!waiting[0].progress.is_empty());
}

#[test]
fn what_is_gone_from_the_bundle_is_pruned_only_if_asked() {
    let node = Node::new();
    let both = |image: &str| format!("{}---\n{}", app(image), config("extra", "a: b"));
    node.deploy("one", &both("api:v1"));
    let there = || node.world(|world| world.objects.contains_key("ConfigMap./shop/extra"));
    node.deploy("two", &app("api:v1"));
    assert!(there());
    node.deploy("three", &both("api:v1"));
    let report = node.run(&node.deploy_request("four", &app("api:v1")).prune(true)).report();
    ended(&node, &report, RunStatus::Healthy);
    assert!(!there());
    assert!(actions(&report).contains(&("ConfigMap shop/extra".into(), Action::Delete)));
}

#[test]
fn an_older_bundle_is_deployed_again_by_its_number() {
    let node = Node::new();
    for (id, image) in [("one", "api:v1"), ("two", "api:v2")] {
        node.deploy(id, &app(image));
    }
    let report = node.run(&node.request(Verb::Rollback, "three").number(1)).report();
    ended(&node, &report, RunStatus::Healthy);
    assert_eq!(report.number, Some(3));
    assert_eq!(node.image().as_deref(), Some("api:v1"));
    let ran = node.run(&node.request(Verb::Rollback, "four").number(99)).report();
    assert_eq!(ran.status, RunStatus::Refused);
}

#[test]
fn so_many_bundles_are_kept() {
    let node = Node::new();
    for id in ["one", "two", "three"] {
        let report = node.run(&node.deploy_request(id, &app(&format!("api:{id}"))).keep(1)).report();
        ended(&node, &report, RunStatus::Healthy);
    }
    let kept: Vec<_> =
        std::fs::read_dir(node.path("state").join("shop/bundles")).expect("a folder").collect();
    assert_eq!(kept.len(), 1);
    assert!(!node.run_file("one", "").exists());
    // Delivered once more, long after: it stays ended.
    let late = node.run(&node.deploy_request("one", &app("api:one"))).report();
    ended(&node, &late, RunStatus::Refused);
    let Some(Cause::Error(error)) = &late.cause else { panic!("{late:?}") };
    assert_eq!(error.kind, "alreadyExists", "{error:?}");
    assert_eq!(node.image().as_deref(), Some("api:three"));
    ended(&node, &node.run(&node.request(Verb::Cancel, "one")).report(), RunStatus::Refused);
}

#[test]
fn a_refused_object_is_named_and_the_rest_undone() {
    let check = |stderr: &str, kind: &str, object: Option<&str>| {
        let node = Node::new();
        node.world(|world| world.faults.push(Fault::always("apply", stderr)));
        let report = node.deploy("one", &config("settings", "level: info"));
        let Some(Cause::Error(error)) = &report.cause else { panic!("{report:?}\n{}", node.log("one")) };
        assert_eq!((error.kind.as_str(), error.object.as_deref()), (kind, object), "{error:?}");
        assert!(error.message.contains(stderr.lines().next().expect("a line").trim()), "{error:?}");
        assert!(node.world(|world| world.objects.is_empty()));
    };
    let settings = Some("ConfigMap shop/settings");
    check(
        "Error from server (Forbidden): configmaps \"settings\" is forbidden: User \"ci\" cannot patch\n",
        "forbidden",
        settings,
    );
    check(
        "The ConfigMap \"settings\" is invalid: data: Invalid value: \"a \\ b\"\n",
        "invalidInput",
        settings,
    );
    check(
        "Error from server: failed to create typed patch object (shop/settings; /v1, Kind=ConfigMap): .foo: field not declared in schema\n",
        "invalidInput",
        settings,
    );
    check("error: Apply failed with 1 conflict: conflict with \"helm\": .data.level\n", "conflict", None);
    check("error: something new\n", "internal", None);
}

#[test]
fn a_lost_api_server_is_asked_again() {
    let node = Node::new();
    node.world(|world| {
        let refused = "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n";
        world.faults.push(Fault { times: Some(1), ..Fault::always("get --raw", refused) });
        world.faults.push(Fault { times: Some(1), ..Fault::always("apply", refused) });
    });
    let report = node.run(&node.deploy_request("one", &app("api:v1")).validate(Validate::False)).report();
    ended(&node, &report, RunStatus::Healthy);
}

#[test]
fn an_api_server_that_does_not_answer_is_waited_for_in_vain() {
    let node = Node::new();
    node.world(|world| {
        world.faults.push(Fault::always("get --raw", "Unable to connect to the server: EOF\n"));
    });
    let report = node
        .run(&node.deploy_request("one", &app("api:v1")).timeout(std::time::Duration::from_secs(8)))
        .report();
    ended(&node, &report, RunStatus::Refused);
    let Some(Cause::Error(error)) = &report.cause else { panic!("{report:?}") };
    assert_eq!(error.kind, "unavailable");
    assert!(error.message.contains("EOF"), "{error:?}");
}

#[test]
fn a_way_back_that_fails_says_what_is_left() {
    let node = Node::new();
    node.deploy("one", &app("api:v1"));
    node.world(|world| {
        let forbidden = "Error from server (Forbidden): deployments.apps \"api\" is forbidden\n";
        world.faults.push(Fault { times: Some(0), ..Fault::always("apply", forbidden) });
        world.faults.push(Fault::always(
            "apply --server-side --field-manager=deploy-ssm --force-conflicts",
            forbidden,
        ));
    });
    let report = node.deploy("two", &app("api:bad"));
    ended(&node, &report, RunStatus::UndoFailed);
    let undo = report.undo.expect("it was tried");
    assert!(
        undo.left.iter().any(|left| left.object.name == "api" && left.error.contains("forbidden")),
        "{undo:?}"
    );
}

#[test]
fn a_command_with_arguments_can_be_kubectl() {
    let node = Node::new();
    std::fs::rename(node.path("bin/kubectl"), node.path("real")).expect("is moved");
    node.tool(
        "k3s",
        &format!(
            "#!/bin/sh\n[ \"$1\" = kubectl ] || exit 9\nshift\nexec {} \"$@\"\n",
            node.path("real").display()
        ),
    );
    // Found by itself, and as said.
    ended(&node, &node.deploy("one", &app("api:v1")), RunStatus::Healthy);
    ended(
        &node,
        &node.run(&node.deploy_request("two", &app("api:v2")).kubectl("k3s kubectl")).report(),
        RunStatus::Healthy,
    );
}

#[test]
fn systemd_runs_the_unit_where_it_runs() {
    let mut node = Node::new();
    node.env = vec![("DEPLOY_SSM_SYSTEMD".into(), node.path("state").to_string_lossy().into())];
    let record = node.path("systemd");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >{}\nwhile [ \"$1\" != sh ]; do case $1 in -p) shift ;; esac; shift; done\nsetsid \"$@\" >/dev/null 2>&1 &\n",
        record.display()
    );
    node.tool("systemd-run", &script);
    ended(&node, &node.deploy("one", &app("api:v1")), RunStatus::Healthy);
    let args = std::fs::read_to_string(&record).expect("it was called");
    for wanted in ["--unit=deploy-ssm-one", "--collect", "KillMode=mixed", "RuntimeMaxSec=280"] {
        assert!(args.lines().any(|arg| arg == wanted), "{wanted} in {args}");
    }
    // One that fails is not the end.
    node.tool("systemd-run", "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n");
    ended(&node, &node.deploy("two", &app("api:v2")), RunStatus::Healthy);
}

#[test]
fn a_bare_environment_is_enough() {
    let mut node = Node::new();
    node.shell = "/usr/bin/env".into();
    let request = node.deploy_request("one", &app("api:v1"));
    let lines = request.commands().expect("a command").join("\n");
    std::fs::write(node.path("script"), lines).expect("is written");
    let bin = node.path("bin");
    let wrapper = format!(
        "-i PATH={} TMPDIR={} DEPLOY_SSM_SYSTEMD=/nowhere sh {}",
        bin.display(),
        node.path("tmp").display(),
        node.path("script").display()
    );
    node.tool("bare", &format!("#!/bin/sh\nexec /usr/bin/env {wrapper}\n"));
    let ran = node.end(node.start_lines_with("/bin/sh", &[format!("exec {}/bare", bin.display())]));
    ended(&node, &ran.report(), RunStatus::Healthy);
}

#[test]
fn secrets_are_not_told() {
    let node = Node::new();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\nstringData:\n  password: hunter2\n";
    let ran = node.run(&node.deploy_request("one", &format!("{}---\n{secret}", app("api:bad"))));
    ended(&node, &ran.report(), RunStatus::Undone);
    assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));
    let report = std::fs::read_to_string(node.run_file("one", "result.json")).expect("a result");
    assert!(!report.contains("hunter2") && !node.log("one").contains("hunter2"));
    let ran = node.run(&node.deploy_request("two", &format!("{}---\n{secret}", app("api:v1"))));
    ended(&node, &ran.report(), RunStatus::Healthy);
    let shown = node.run(&node.request(Verb::Show, "").number(2)).answer::<deploy_ssm::node::Show>();
    let package = shown.package.expect("is small");
    let text = crate::harness::unpacked(&package);
    assert!(text.contains("settings") && !text.contains("hunter2"), "{text}");
}
