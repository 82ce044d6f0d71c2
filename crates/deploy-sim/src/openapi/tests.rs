use serde_json::Value;

use super::*;

fn document(path: &str) -> Value {
    read(&Kinds::built_in(), path)
}

fn read(kinds: &Kinds, path: &str) -> Value {
    let Some(Found::Document(text)) = answer(kinds, path, None) else { panic!("{path} is no document") };
    serde_json::from_str(&text).unwrap()
}

/// Every reference in it leads somewhere.
fn check_references(document: &Value, style: Style) {
    let schemas =
        if style == Style::V2 { &document["definitions"] } else { &document["components"]["schemas"] };
    for reference in document.to_string().split(r#""$ref":""#).skip(1) {
        let name = reference.split('"').next().unwrap().strip_prefix(style.reference());
        assert!(schemas.get(name.unwrap()).is_some(), "{reference:.80}");
    }
}

#[test]
fn all_that_is_served_is_there() {
    let index = document("v3");
    for (path, at) in index["paths"].as_object().unwrap() {
        assert!(at["serverRelativeURL"].as_str().unwrap().starts_with(&format!("/openapi/v3/{path}?hash=")));
        check_references(&document(&format!("v3/{path}")), Style::V3);
    }
    let text = schemas::text();
    let schemas = Schemas::read(&text);
    for kind in Kinds::built_in().all() {
        let named = schemas.of(&kind.group, &kind.version, &kind.kind).next();
        assert!(named.is_some() || kind.version != "v1" && kind.version != "v2", "{}", kind.resource);
    }
    check_references(&document("v2"), Style::V2);
    assert!(schemas.all().all(|(_, schema)| serde_json::from_str::<Value>(schema).is_ok()));
    for nowhere in ["", "v1", "v3/api/v2", "v3/apis/nothing/v1", "v3/apis/apps"] {
        assert!(answer(&Kinds::built_in(), nowhere, None).is_none(), "{nowhere}");
    }
}

/// What kubectl looks for: how a kind is patched, and how its lists are merged.
#[test]
fn what_clients_look_for() {
    let apps = document("v3/apis/apps/v1");
    let patch = &apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
    let parameters = patch["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|parameter| parameter["name"] == "fieldValidation"));
    let pod = &apps["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
    assert_eq!(pod["x-kubernetes-patch-merge-key"], "name");
    let scale = &apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["get"];
    assert_eq!(scale["x-kubernetes-group-version-kind"]["group"], "autoscaling");
    let core = document("v3/api/v1");
    assert!(core["paths"]["/api/v1/namespaces/{name}/finalize"]["put"].is_object());
}

#[test]
fn definitions_are_there() {
    let mut kinds = Kinds::built_in();
    let version = serde_json::json!({"schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
    }}});
    let before = index(&kinds);
    let [core, old] = ["api/v1", "apis/apps/v1"].map(|path| hash_in(&before, path));
    kinds.add(Kind {
        group: "shop.example.com".into(),
        version: "v1".into(),
        kind: "Widget".into(),
        plural: "widgets".into(),
        singular: "widget".into(),
        short: Vec::new(),
        categories: Vec::new(),
        namespaced: true,
        subresources: vec!["status".into()],
        resource: "widgets.shop.example.com".into(),
        custom: true,
        empty: false,
        definition: Some(Arc::new(version)),
    });
    let document = read(&kinds, "v3/apis/shop.example.com/v1");
    check_references(&document, Style::V3);
    let schema = &document["components"]["schemas"]["com.example.shop.v1.Widget"];
    assert_eq!(schema["properties"]["spec"]["properties"]["size"]["type"], "integer");
    let after = index(&kinds);
    assert!(after["paths"].as_object().unwrap().len() > before["paths"].as_object().unwrap().len());
    // What others serve is what it was.
    assert_eq!([core, old], ["api/v1", "apis/apps/v1"].map(|path| hash_in(&after, path)));
}

/// The hash in the address of a document.
fn hash_in(index: &Value, path: &str) -> String {
    let at = index["paths"][path]["serverRelativeURL"].as_str().unwrap();
    at.split_once("?hash=").unwrap().1.to_owned()
}

#[test]
fn who_has_a_document_need_not_ask_again() {
    let kinds = Kinds::built_in();
    let index = document("v3");
    let hash = hash_in(&index, "apis/batch/v1");
    let Some(Found::Lasting(text)) = answer(&kinds, "v3/apis/batch/v1", Some(&hash)) else {
        panic!("the hash of the index is not that of the document")
    };
    assert_eq!(answer(&kinds, "v3/apis/batch/v1", None), Some(Found::Document(text)));
    let at = index["paths"]["apis/batch/v1"]["serverRelativeURL"].as_str().unwrap();
    assert_eq!(answer(&kinds, "v3/apis/batch/v1", Some("old")), Some(Found::Moved(at.to_owned())));
    assert_eq!(answer(&kinds, "v3/apis/nothing/v1", Some("old")), None);
}

/// What a subresource takes is described by its own kind, in its own group.
#[test]
fn subresources_have_their_own_kinds() {
    let document = document("v3/api/v1");
    let check = |path: &str, group: &str, kind: &str| {
        let path = format!("/api/v1/namespaces/{{namespace}}/{path}");
        let asked = &document["paths"][&path]["post"]["x-kubernetes-group-version-kind"];
        assert_eq!((&asked["group"], &asked["kind"]), (&group.into(), &kind.into()), "{path} {asked}");
    };
    check("serviceaccounts/{name}/token", "authentication.k8s.io", "TokenRequest");
    check("pods/{name}/eviction", "policy", "Eviction");
}
