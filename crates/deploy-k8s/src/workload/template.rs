//! Pod templates: the present one, those that the controllers recorded, and whether two are the same.

use serde_json::{Map, Value};

/// The label that the Deployment controller adds to the template of a ReplicaSet.
const HASH: &str = "pod-template-hash";

/// The workload's present template.
pub(super) fn present(live: &Value) -> Option<Value> {
    tidy(live.pointer("/spec/template")?.clone())
}

/// The template that a ReplicaSet or ControllerRevision recorded, as the workload had it. `None` for a record that holds no
/// whole template: there is no going back to it.
pub(crate) fn recorded(record: &Value) -> Option<Value> {
    let mut template = record
        .pointer("/data/spec/template")
        .or_else(|| record.pointer("/spec/template"))?
        .as_object()?
        .clone();
    if record.get("data").is_some() && template.remove("$patch")?.as_str() != Some("replace") {
        return None;
    }
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut)
        && let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut)
    {
        labels.remove(HASH);
        if labels.is_empty() {
            metadata.remove("labels");
        }
    }
    tidy(Value::Object(template))
}

/// The images of all its containers, each once.
pub(crate) fn images(template: &Value) -> Vec<String> {
    let mut images: Vec<String> = Vec::new();
    for containers in ["/spec/containers", "/spec/initContainers"] {
        let containers = template.pointer(containers).and_then(Value::as_array).into_iter().flatten();
        for image in containers.filter_map(|container| container.get("image")?.as_str()) {
            if !images.iter().any(|known| known == image) {
                images.push(image.to_owned());
            }
        }
    }
    images
}

/// Without the nulls that older API servers write (`creationTimestamp: null`), and only if there is a pod's specification in it.
fn tidy(mut template: Value) -> Option<Value> {
    remove_nulls(&mut template);
    template.get("spec").is_some_and(Value::is_object).then_some(template)
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

/// Sets the value at a path of fields, with the maps above it. What is no map on the way becomes one.
pub(super) fn put(object: &mut Value, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *object = value;
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    if let Some(fields) = object.as_object_mut() {
        put(fields.entry(*first).or_insert(Value::Null), rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_holds_the_template_as_the_workload_had_it() {
        let check = |record: Value, template: Option<Value>| assert_eq!(recorded(&record), template);
        let spec = json!({"containers": [{"name": "a", "image": "a:1"}]});
        check(
            json!({"spec": {"template": {"metadata": {"labels": {"app": "a", HASH: "5d4f"}}, "spec": spec}}}),
            Some(json!({"metadata": {"labels": {"app": "a"}}, "spec": spec})),
        );
        check(
            json!({"spec": {"template": {"metadata": {"creationTimestamp": null, "labels": {HASH: "5d4f"}}, "spec": spec}}}),
            Some(json!({"metadata": {}, "spec": spec})),
        );
        check(
            json!({"data": {"spec": {"template": {"$patch": "replace", "metadata": {"labels": {"app": "a"}}, "spec": spec}}}}),
            Some(json!({"metadata": {"labels": {"app": "a"}}, "spec": spec})),
        );
        // A patch that would be merged with whatever is there is no whole template.
        check(json!({"data": {"spec": {"template": {"spec": spec}}}}), None);
        check(json!({"data": {"spec": {"template": {"$patch": "merge", "spec": spec}}}}), None);
        check(json!({"data": "AAAA"}), None);
        check(json!({"spec": {"template": "AAAA"}}), None);
        check(json!({"spec": {"template": {"spec": 1}}}), None);
        check(json!({}), None);
    }

    #[test]
    fn an_older_servers_nulls_make_no_difference() {
        let old = json!({"data": {"spec": {"template": {"$patch": "replace", "metadata": {"creationTimestamp": null}, "spec": {"volumes": [{"name": "v", "x": null}]}}}}});
        let live = json!({"spec": {"template": {"metadata": {}, "spec": {"volumes": [{"name": "v"}]}}}});
        assert_eq!(recorded(&old), present(&live));
    }

    #[test]
    fn each_image_once() {
        let template = json!({"spec": {
            "initContainers": [{"image": "init:1"}, {"image": "app:1"}, {}],
            "containers": [{"image": "app:1"}, {"image": "proxy:1"}, "x", {"image": 3}],
        }});
        assert_eq!(images(&template), ["app:1", "proxy:1", "init:1"]);
        assert!(images(&json!([])).is_empty());
    }

    #[test]
    fn puts_whatever_is_on_the_way() {
        let check = |mut object: Value, after: Value| {
            put(&mut object, &["a", "b"], json!(1));
            assert_eq!(object, after);
        };
        check(json!({}), json!({"a": {"b": 1}}));
        check(json!({"a": {"b": 0, "c": 2}}), json!({"a": {"b": 1, "c": 2}}));
        check(json!({"a": "text"}), json!({"a": {"b": 1}}));
        check(json!(null), json!({"a": {"b": 1}}));
    }
}
