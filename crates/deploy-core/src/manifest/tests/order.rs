use proptest::prelude::*;

use super::good;
use crate::manifest::Object;
use crate::manifest::order::{DEPENDS_ON, stages};

/// An object from `apiVersion Kind [namespace/]name`, with what it depends on.
fn object(text: &str, needs: &str) -> Object {
    let mut words = text.split(' ');
    let (version, kind, name) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    let object = good(&format!(
        "{{apiVersion: {version}, kind: {kind}, metadata: {{name: {name}, namespace: '{namespace}'}}}}"
    ))
    .remove(0);
    if needs.is_empty() { object } else { object.with_annotation(DEPENDS_ON, needs) }
}

fn check(objects: &[(&str, &str)], expect: &[(&[usize], &[usize])]) {
    let objects: Vec<Object> = objects.iter().map(|(text, needs)| object(text, needs)).collect();
    let found = stages(&objects).unwrap();
    let found: Vec<(&[usize], &[usize])> =
        found.iter().map(|stage| (stage.objects.as_slice(), stage.await_ready.as_slice())).collect();
    assert_eq!(found, expect);
}

#[test]
fn phases() {
    check(&[], &[]);
    check(
        &[
            ("admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration w", ""),
            ("networking.k8s.io/v1 Ingress s/i", ""),
            ("x.io/v1 Widget s/w", ""),
            ("apps/v1 Deployment s/d", ""),
            ("batch/v1 CronJob s/c", ""),
            ("v1 Service s/s", ""),
            ("v1 ConfigMap s/c", ""),
            ("rbac.authorization.k8s.io/v1 ClusterRole r", ""),
            ("apiextensions.k8s.io/v1 CustomResourceDefinition ws.x.io", ""),
            ("v1 Namespace s", ""),
            ("v1 PersistentVolumeClaim s/p", ""),
        ],
        &[
            (&[9], &[9]),
            (&[8], &[8]),
            (&[6, 7, 10], &[]),
            (&[5], &[]),
            (&[3, 4], &[]),
            (&[1, 2], &[]),
            (&[0], &[]),
        ],
    );
}

#[test]
fn depends_on_moves_behind() {
    // Inside a phase, and out of it: the job migrates before the service and what runs appear.
    check(
        &[
            ("apps/v1 Deployment s/api", "batch/namespaces/s/Job/migrate"),
            ("batch/v1 Job s/migrate", ""),
            ("v1 Service s/api", "batch/namespaces/s/Job/migrate, /namespaces/s/ConfigMap/c"),
            ("v1 ConfigMap s/c", "/Namespace/s"),
            ("v1 Namespace s", ""),
        ],
        &[(&[4], &[4]), (&[3], &[3]), (&[1], &[1]), (&[0, 2], &[])],
    );
    // A custom resource whose namespace is not defaulted yet.
    check(
        &[("x.io/v1 Widget b", "x.io/namespaces/s/Widget/a"), ("x.io/v1 Widget a", "")],
        &[(&[1], &[1]), (&[0], &[])],
    );
}

#[test]
fn says_what_is_wrong() {
    let check = |objects: &[(&str, &str)], message: &str| {
        let objects: Vec<Object> = objects.iter().map(|(text, needs)| object(text, needs)).collect();
        assert_eq!(stages(&objects).unwrap_err().message(), message);
    };
    check(
        &[
            ("v1 Pod s/a", "/namespaces/s/Pod/b"),
            ("v1 Pod s/b", "/namespaces/s/Pod/c"),
            ("v1 Pod s/c", "/namespaces/s/Pod/b"),
        ],
        "these objects depend on each other: Pod s/b -> Pod s/c -> Pod s/b",
    );
    check(&[("v1 Pod s/a", "/namespaces/s/Pod/a")], "these objects depend on each other: Pod s/a -> Pod s/a");
    check(
        &[("v1 Namespace s", "/namespaces/s/Pod/a"), ("v1 Pod s/a", "")],
        "these objects depend on each other: Namespace s -> Pod s/a -> Namespace s",
    );
    check(
        &[("v1 Pod s/a", "/namespaces/s/Pod/b")],
        "Pod s/a: depends on Pod s/b, which is not among the objects",
    );
    check(
        &[("v1 Pod s/a", "/namespaces/t/Pod/a")],
        "Pod s/a: depends on Pod t/a, which is not among the objects",
    );
    for bad in ["x", "a/b", "a/b/", "a/namespaces//b/c", "a/b/c/d", "a/b/c,"] {
        let message = stages(&[object("v1 Pod s/a", bad)]).unwrap_err().message().to_owned();
        assert!(message.contains("cannot read"), "{bad}: {message}");
    }
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    config.kubernetes.io/depends-on: x\n";
    assert!(
        stages(&good(text)).unwrap_err().to_string().starts_with("t.yaml:6:38: Pod a: cannot read \"x\"")
    );
}

#[test]
fn a_definition_goes_before_its_objects_even_when_moved() {
    let definition = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: ws.x.io, \
                      annotations: {config.kubernetes.io/depends-on: /namespaces/s/Service/s}}, \
                      spec: {group: x.io, names: {kind: W}}}\n---\n{apiVersion: x.io/v1, kind: W, metadata: {name: w}}\n---\n\
                      {apiVersion: v1, kind: Service, metadata: {name: s, namespace: s}}\n";
    let found: Vec<Vec<usize>> =
        stages(&good(definition)).unwrap().into_iter().map(|stage| stage.objects).collect();
    assert_eq!(found, [vec![2], vec![0], vec![1]]);
}

proptest! {
    /// Whatever depends on whatever: every object once, behind all it needs, which are waited for; or a cycle.
    #[test]
    fn nothing_goes_before_what_it_needs(edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..20)) {
        let kinds = ["v1 ConfigMap", "apps/v1 Deployment", "x.io/v1 W", "v1 Service"];
        let identity = |index: usize| kinds[index % kinds.len()];
        let objects: Vec<Object> = (0..12).map(|index| {
            let needs: Vec<String> = edges.iter().filter(|(from, _)| *from == index).map(|(_, to)| {
                let (version, kind) = identity(*to).split_once(' ').unwrap();
                let group = version.split_once('/').map_or("", |(group, _)| group);
                format!("{group}/namespaces/s/{kind}/o{to}")
            }).collect();
            object(&format!("{} s/o{index}", identity(index)), &needs.join(","))
        }).collect();
        if let Ok(stages) = stages(&objects) {
            let mut stage_of = vec![None; objects.len()];
            for (number, stage) in stages.iter().enumerate() {
                for &index in &stage.objects {
                    prop_assert!(stage_of[index].replace(number).is_none());
                }
            }
            prop_assert!(stage_of.iter().all(Option::is_some));
            for (from, to) in edges {
                prop_assert!(stage_of[from] > stage_of[to]);
                prop_assert!(stages[stage_of[to].unwrap()].await_ready.contains(&to));
            }
        } else {
            prop_assert!(edges.iter().any(|(from, to)| from >= to));
        }
    }
}
