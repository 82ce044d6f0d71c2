use serde_json::Value;

use super::*;

fn document(path: &str) -> Value {
    serde_json::from_str(&answer(&Kinds::built_in(), path).unwrap()).unwrap()
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
        assert!(answer(&Kinds::built_in(), nowhere).is_none(), "{nowhere}");
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
    let document: Value =
        serde_json::from_str(&answer(&kinds, "v3/apis/shop.example.com/v1").unwrap()).unwrap();
    check_references(&document, Style::V3);
    let schema = &document["components"]["schemas"]["com.example.shop.v1.Widget"];
    assert_eq!(schema["properties"]["spec"]["properties"]["size"]["type"], "integer");
    assert!(index(&kinds)["paths"].as_object().unwrap().len() > before["paths"].as_object().unwrap().len());
}

/// What a subresource takes is described by its own kind, in its own group.
#[test]
fn subresources_have_their_own_kinds() {
    let document: Value = serde_json::from_str(&answer(&Kinds::built_in(), "v3/api/v1").unwrap()).unwrap();
    let check = |path: &str, group: &str, kind: &str| {
        let path = format!("/api/v1/namespaces/{{namespace}}/{path}");
        let asked = &document["paths"][&path]["post"]["x-kubernetes-group-version-kind"];
        assert_eq!((&asked["group"], &asked["kind"]), (&group.into(), &kind.into()), "{path} {asked}");
    };
    check("serviceaccounts/{name}/token", "authentication.k8s.io", "TokenRequest");
    check("pods/{name}/eviction", "policy", "Eviction");
}
