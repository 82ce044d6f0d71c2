//! Finds the place in a file that an API server's error is about.

use deploy_core::error::{Error, ErrorKind};
use deploy_core::manifest::Object;
use k8s_fields::{FieldPath, PathElement};
use serde_json::Value;

/// The same error with the file, line and column of the field that it names, or else of the object.
pub(super) fn with_place(error: Error, object: &Object) -> Error {
    if error.kind() != ErrorKind::InvalidInput {
        return error;
    }
    let pointer = field(error.message()).and_then(|path| pointer(object.value(), &path)).unwrap_or_default();
    match object.place(&pointer) {
        Some(origin) => {
            let located =
                Error::invalid(format!("{origin}: {}", error.message())).during("plan").on(object.id());
            match error.advice() {
                Some(help) => located.help(help),
                None => located,
            }
        }
        None => error,
    }
}

/// The path that a message begins with: server-side apply writes `.spec.x: why`, validation `Kind "name" is invalid: spec.x: why`.
fn field(message: &str) -> Option<FieldPath> {
    let rest = message.split_once(" is invalid: ").map_or(message, |(_, rest)| rest);
    let (path, _) = rest.trim_start_matches('[').split_once(": ")?;
    path.parse().ok()
}

/// The JSON pointer of a path in `object`, as far as the path is there.
fn pointer(object: &Value, path: &FieldPath) -> Option<String> {
    let mut pointer = String::new();
    let mut value = object;
    for element in path.elements() {
        let (step, next) = match element {
            PathElement::Field(name) => {
                (name.replace('~', "~0").replace('/', "~1"), value.get(name.as_str())?)
            }
            PathElement::Index(index) => (index.to_string(), value.get(*index)?),
            PathElement::Key(keys) => {
                let fits =
                    |item: &&Value| keys.iter().all(|(key, wanted)| item.get(key) == Some(wanted.as_value()));
                position(value, fits)?
            }
            PathElement::Value(wanted) => position(value, |item| *item == wanted.as_value())?,
        };
        pointer = format!("{pointer}/{step}");
        value = next;
    }
    Some(pointer)
}

fn position(list: &Value, fits: impl Fn(&&Value) -> bool) -> Option<(String, &Value)> {
    let (index, item) = list.as_array()?.iter().enumerate().find(|(_, item)| fits(item))?;
    Some((index.to_string(), item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::manifest::read;

    #[test]
    fn names_the_line_of_the_field() {
        let text = b"apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
      - name: api
        imagee: x
";
        let object = read("api.yaml", text).unwrap().remove(0);
        let check = |message: &str, place: &str| {
            let text = with_place(Error::invalid(message), &object).to_string();
            assert!(text.contains(place), "{text}");
        };
        check(
            ".spec.template.spec.containers[name=\"api\"].imagee: field not declared in schema",
            "api.yaml:9:",
        );
        check(
            "Deployment.apps \"api\" is invalid: [spec.template.spec.containers[0].imagee: Required value, x: y]",
            "api.yaml:9:",
        );
        check("Deployment.apps \"api\" is invalid: spec.selector: Required value", "api.yaml:1:1");
        check("no path at all", "api.yaml:1:1");
    }
}
