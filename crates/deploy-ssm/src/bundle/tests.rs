use std::collections::BTreeMap;
use std::io::Read as _;

use deploy_core::manifest::{Bundle, Object};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::*;

fn object(kind: &str, name: &str, more: &Value) -> Object {
    let (version, cluster) = match kind {
        "Deployment" => ("apps/v1", false),
        "Namespace" => ("v1", true),
        _ => ("v1", false),
    };
    let mut value =
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
    if cluster {
        value["metadata"]["namespace"].take();
    }
    for (key, part) in more.as_object().into_iter().flatten() {
        value[key] = part.clone();
    }
    Object::new(value).unwrap()
}

fn bundle(objects: Vec<Object>) -> Bundle {
    Bundle::builder().objects(objects).build().unwrap()
}

fn shop() -> Vec<Object> {
    let template = json!({"template": {"spec": {"containers": [{"name": "api", "image": "shop/api:v1"}]}}});
    vec![
        object("Deployment", "api", &json!({"spec": template})),
        object("Secret", "db", &json!({"stringData": {"password": "battery staple"}})),
        object("ConfigMap", "app", &json!({"data": {"a": "1"}})),
        object("Namespace", "shop", &json!({})),
    ]
}

fn unpacked(package: &Package) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(GzDecoder::new(package.bytes()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (path, text)
    });
    entries.collect()
}

#[test]
fn stages_secrets_apart_and_a_table() {
    let files = unpacked(&Package::new(&bundle(shop())).unwrap());
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "meta.json",
            "objects.tsv",
            "stages/00.json",
            "stages/01.json",
            "stages/01.secret.json",
            "stages/02.json"
        ]
    );
    assert_eq!(
        files["objects.tsv"],
        "00\t1\tv1\tNamespace\t\t\tshop\n01\t0\tv1\tSecret\t\tshop\tdb\n01\t0\tv1\tConfigMap\t\tshop\tapp\n\
         02\t0\tapps/v1\tDeployment\tapps\tshop\tapi\n"
    );
    let showing: Vec<&String> =
        files.iter().filter(|file| file.1.contains("battery")).map(|file| file.0).collect();
    assert_eq!(showing, ["stages/01.secret.json"]);
    let meta: Value = serde_json::from_str(&files["meta.json"]).unwrap();
    assert_eq!(meta["images"], json!(["shop/api:v1"]));
    assert!(meta["bundle"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn the_same_bundle_gives_the_same_bytes() {
    let package = Package::new(&bundle(shop())).unwrap();
    assert_eq!(package, Package::new(&bundle(shop())).unwrap());
    // As on every other machine: whatever changes these bytes makes every node see another package.
    assert_eq!(package.sha256(), "082358028a1db5eb69cfc8890a60af5a58f9fb86b6172b35ca830cbde6bceaa9");
    assert_eq!(package.secrets(), ["Secret shop/db"]);
    assert!(!format!("{package:?}").contains("battery"));
}

#[test]
fn what_cannot_be_packed() {
    let check = |bundle: &Bundle, says: &str| {
        let error = Package::new(bundle).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    check(&bundle(Vec::new()), "no objects");
    let many = (0..=MAX_OBJECTS).map(|number| object("ConfigMap", &format!("c{number}"), &json!({})));
    check(&bundle(many.collect()), "5001 objects");
    let hook = object("ConfigMap", "hook", &json!({}));
    check(&Bundle::builder().objects(shop()).hooks([hook]).build().unwrap(), "hooks");
    let big = "x".repeat(700_000);
    let large =
        (0..30).map(|number| object("ConfigMap", &format!("c{number}"), &json!({"data": {"a": big}})));
    check(&bundle(large.collect()), "16 MiB");
}

#[test]
fn the_namespace_of_kinds_that_only_the_cluster_knows() {
    let custom = |kind: &str| {
        Object::new(json!({"apiVersion": "x.example/v1", "kind": kind, "metadata": {"name": "x"}})).unwrap()
    };
    let definition = object(
        "ConfigMap",
        "x",
        &json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "x"},
            "spec": {"group": "x.example", "scope": "Cluster", "names": {"kind": "Defined"}},
        }),
    );
    let objects = [custom("Plain"), custom("Defined"), custom("Named"), definition];
    let bundle = Bundle::builder().objects(objects).namespace("shop").build().unwrap();
    let mut known = ClusterScoped::default();
    known.add("x.example".into(), "Named".into());
    let settled = known.settle(bundle).unwrap();
    let namespaces: Vec<Option<&str>> = settled.objects().iter().map(Object::namespace).collect();
    assert_eq!(namespaces, [Some("shop"), None, None, None]);
}
