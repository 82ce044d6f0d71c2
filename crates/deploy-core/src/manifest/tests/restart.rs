//! Which changes restart which workloads.

use super::*;
use crate::error::{ErrorKind, Result};
use crate::secret::SecretText;

/// A Deployment whose one container or pod says this.
fn deployment(container: &str, pod: &str) -> String {
    workload("apps/v1, kind: Deployment", container, pod)
}

fn workload(kind: &str, container: &str, pod: &str) -> String {
    format!(
        "{{apiVersion: {kind}, metadata: {{name: api}}, spec: {{template: {{spec: {{{pod} containers: [{{name: api, image: 'a:v1', {container}}}]}}}}}}}}"
    )
}

fn secret(data: &str) -> String {
    format!("{{apiVersion: v1, kind: Secret, metadata: {{name: db}}, stringData: {{{data}}}}}")
}

fn config_map(data: &str) -> String {
    format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: db}}, {data}}}")
}

fn bundle(documents: &[&str]) -> Bundle {
    let objects = good(&documents.join("\n---\n"));
    Bundle::builder().objects(objects).namespace("shop").build().unwrap()
}

fn restarting(documents: &[&str]) -> Result<Bundle> {
    bundle(documents).restarting_on_change(Some(&SecretText::new("0123456789abcdef")))
}

/// The digest on the first object's template.
fn digest(documents: &[&str]) -> Option<String> {
    let bundle = restarting(documents).unwrap();
    let annotations = bundle.objects()[0].get("/spec/template/metadata/annotations")?;
    Some(annotations.get(CONFIG_DIGEST)?.as_str().unwrap().to_owned())
}

const ENV_FROM: &str = "envFrom: [{secretRef: {name: db}}]";
const ONE_KEY: &str = "env: [{name: A, valueFrom: {secretKeyRef: {name: db, key: a}}}]";
const BOTH: &str = "a: x, b: v";

#[test]
fn a_change_of_what_is_used_is_another_digest() {
    let check = |container: &str, pod: &str, data: &str, restarts: bool| {
        let workload = deployment(container, pod);
        let before = digest(&[&workload, &secret(BOTH)]).expect("it is used");
        assert_eq!(before, digest(&[&workload, &secret(BOTH)]).unwrap(), "the same values");
        assert_eq!(
            digest(&[&workload, &secret(data)]).unwrap() != before,
            restarts,
            "{container} {pod} {data}"
        );
    };
    let volume = "volumes: [{name: v, secret: {secretName: db}}],";
    let projected = "volumes: [{name: v, projected: {sources: [{secret: {name: db}}]}}],";
    let init = "initContainers: [{name: i, image: 'a:v1', envFrom: [{secretRef: {name: db}}]}],";
    let ephemeral = "ephemeralContainers: [{name: i, image: 'a:v1', envFrom: [{secretRef: {name: db}}]}],";
    for (container, pod) in [(ENV_FROM, ""), ("", volume), ("", projected), ("", init), ("", ephemeral)] {
        for data in ["a: x, b: z", "a: x", "a: x, b: v, c: ''", "a: v, b: x", "ax: '', b: v"] {
            check(container, pod, data, true);
        }
        check(container, pod, "b: v, a: x", false);
    }
    // Of single keys only these count.
    let volume = "volumes: [{name: v, secret: {secretName: db, items: [{key: a, path: p}]}}],";
    let projected =
        "volumes: [{name: v, projected: {sources: [{secret: {name: db, items: [{key: a, path: p}]}}]}}],";
    for (container, pod) in [(ONE_KEY, ""), ("", volume), ("", projected)] {
        check(container, pod, "a: x, b: z, c: w", false);
        check(container, pod, "a: z, b: v", true);
        check(container, pod, "b: v", true);
    }
    // All keys in one place, one of them in another.
    check(ONE_KEY, "volumes: [{name: v, secret: {secretName: db}}],", "a: x, b: z", true);
}

#[test]
fn config_maps_count_as_secrets_do() {
    let env_from = deployment("envFrom: [{configMapRef: {name: db}}]", "");
    let volume = deployment("", "volumes: [{name: v, configMap: {name: db}}],");
    let projected = deployment("", "volumes: [{name: v, projected: {sources: [{configMap: {name: db}}]}}],");
    for workload in [&env_from, &volume, &projected] {
        let of = |data: &str| digest(&[workload, &config_map(data)]).expect("it is used");
        assert_ne!(of("data: {a: x}"), of("data: {a: v}"));
        assert_ne!(of("data: {a: x}"), of("data: {a: x}, binaryData: {b: eA==}"));
        // The same bytes, written otherwise.
        assert_eq!(of("data: {a: x}"), of("binaryData: {a: eA==}"));
    }
    let one = deployment("env: [{name: A, valueFrom: {configMapKeyRef: {name: db, key: a}}}]", "");
    let of = |data: &str| digest(&[&one, &config_map(data)]).unwrap();
    assert_eq!(of("data: {a: x}"), of("data: {a: x, b: v}"));
    // A ConfigMap is not the Secret of the same name.
    assert_eq!(digest(&[&env_from, &secret(BOTH)]), None);
}

#[test]
fn the_form_of_a_value_does_not_count() {
    let workload = deployment(ENV_FROM, "");
    let coded = "{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {a: eA==, b: dg==}}";
    let both =
        "{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {a: bm8=, b: dg==}, stringData: {a: x}}";
    for other in [coded, both] {
        assert_eq!(digest(&[&workload, &secret(BOTH)]), digest(&[&workload, other]));
    }
}

#[test]
fn which_workloads_restart() {
    let check = |kind: &str, restarts: bool| {
        assert_eq!(digest(&[&workload(kind, ENV_FROM, ""), &secret(BOTH)]).is_some(), restarts, "{kind}");
    };
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] {
        check(&format!("apps/v1, kind: {kind}"), true);
    }
    check("argoproj.io/v1alpha1, kind: Rollout", true);
    check("batch/v1, kind: Job", false);
    let others = [
        "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: {containers: \
         [{name: a, image: a, envFrom: [{secretRef: {name: db}}]}]}}}}}}",
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: a, envFrom: [{secretRef: {name: db}}]}]}}",
        &secret(BOTH),
    ];
    assert_eq!(restarting(&others).unwrap(), bundle(&others), "these stay as they are");
}

#[test]
fn only_the_bundles_own_count_in_their_namespace() {
    let workload = deployment(ENV_FROM, "");
    let placed = |namespace: &str| {
        format!(
            "{{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: {namespace}}}, stringData: {{a: x}}}}"
        )
    };
    assert!(digest(&[&workload, &placed("shop")]).is_some());
    assert_eq!(digest(&[&workload, &placed("other")]), None);
    assert_eq!(digest(&[&workload]), None);
    assert_eq!(digest(&[&deployment("", ""), &secret(BOTH)]), None);
}

#[test]
fn other_annotations_stay() {
    let annotated = |metadata: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: api}}, spec: {{template: {{{metadata} spec: {{containers: \
             [{{name: api, image: a, {ENV_FROM}}}]}}}}}}}}"
        )
    };
    let of = |metadata: &str| {
        let bundle = restarting(&[&annotated(metadata), &secret(BOTH)]).unwrap();
        let mut annotations = bundle.objects()[0].get("/spec/template/metadata/annotations").unwrap().clone();
        let digest = annotations.as_object_mut().unwrap().remove(CONFIG_DIGEST);
        (digest.unwrap(), annotations)
    };
    let (digest, rest) = of("metadata: {labels: {a: b}, annotations: {x: w}},");
    assert_eq!(rest, serde_json::json!({"x": "w"}));
    for metadata in [
        "",
        "metadata: null,",
        "metadata: {annotations: null},",
        "metadata: {annotations: {deploy-core/config-digest: old}},",
    ] {
        assert_eq!(of(metadata), (digest.clone(), serde_json::json!({})), "{metadata}");
    }
}

#[test]
fn a_secret_takes_a_key() {
    let (uses_secret, uses_map) =
        (deployment(ENV_FROM, ""), deployment("envFrom: [{configMapRef: {name: db}}]", ""));
    let refused = |documents: &[&str], key: Option<&str>, expect: &str| {
        let key = key.map(SecretText::new);
        let error = bundle(documents).restarting_on_change(key.as_ref()).expect_err("must be refused");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(expect) && !error.to_string().contains("hunter2"), "{error}");
    };
    let secret = secret("a: hunter2");
    refused(
        &[&uses_secret, &secret],
        None,
        "Deployment shop/api: it uses Secret shop/db, and there is no key",
    );
    refused(&[&uses_map], Some("hunter2"), "shorter than 16 bytes");
    let map = config_map("data: {a: x}");
    let plain = bundle(&[&uses_map, &map, &secret]).restarting_on_change(None).unwrap();
    assert!(plain.objects()[0].get("/spec/template/metadata/annotations").is_some());
    // Another key, another digest.
    let with = |key: &str| {
        bundle(&[&uses_secret, &secret]).restarting_on_change(Some(&SecretText::new(key))).unwrap()
    };
    assert_ne!(with("0123456789abcdef"), with("fedcba9876543210"));
}
