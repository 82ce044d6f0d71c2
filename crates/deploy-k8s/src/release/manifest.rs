//! The manifest of a revision: YAML documents, each headed by where it came from, without the marks of the release.

use std::collections::HashSet;
use std::fmt::Write as _;

use deploy_core::error::{Error, Result};
use deploy_core::manifest::{Object, ObjectId, read_lenient, to_yaml};

use super::record::Record;

/// Writes objects down as Helm does (`pkg/action/action.go`).
pub(super) fn write(objects: &[Object]) -> String {
    let mut text = String::new();
    for object in objects {
        let source =
            object.origin().map_or_else(|| object.id().to_string(), |origin| origin.file.to_string());
        // A line break would end the comment. Writing to a String cannot fail.
        let source: String = source.chars().filter(|c| !c.is_control()).collect();
        let _ = write!(text, "---\n# Source: {source}\n{}", to_yaml(object.value()));
    }
    text
}

/// Reads the objects of a revision, or of one of its hooks. It was applied, perhaps by Helm: of a key or an object that stands twice the
/// last one won.
///
/// # Errors
/// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for what is no manifest; the values in it are not told.
pub(super) fn objects(record: &Record, manifest: &str) -> Result<Vec<Object>> {
    if manifest
        .lines()
        .all(|line| line.trim().is_empty() || line.starts_with('#') || line.trim_end() == "---")
    {
        return Ok(Vec::new());
    }
    let Record { name, namespace, version, .. } = record;
    let text = format!("revision {version} of release {namespace}/{name}");
    let mut objects = read_lenient(&text, manifest.as_bytes()).map_err(|error| {
        let place = error.object().unwrap_or(&text).to_owned();
        Error::invalid(format!("its recorded manifest cannot be read: {}", error.message())).on(place).help(format!(
            "`helm get manifest {name} --revision {version}` shows it: take another revision, or let helm go on from this one"
        ))
    })?;
    let mut seen = HashSet::new();
    objects.reverse();
    objects.retain(|object| {
        let namespace = object.namespace().unwrap_or(namespace);
        seen.insert(ObjectId::new(object.group(), object.kind(), Some(namespace), object.name()))
    });
    objects.reverse();
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::manifest::read;
    use serde_json::json;

    fn objects(manifest: &str) -> Result<Vec<Object>> {
        let record =
            serde_json::from_value(json!({"name": "api", "namespace": "shop", "version": 7})).unwrap();
        super::objects(&record, manifest)
    }

    #[test]
    fn what_is_written_is_read() {
        let text = b"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {on: \"yes\", n: \"0777\", t: \"x\\n y\\n\"}}\n---\n\
            {apiVersion: v1, kind: Service, metadata: {name: b}}";
        let expected = read("shop/app.yaml", text).unwrap();
        let written = write(&expected);
        assert!(written.starts_with("---\n# Source: shop/app.yaml\napiVersion: v1\n"), "{written}");
        assert_eq!(objects(&written).unwrap(), expected);
    }

    #[test]
    fn nothing_is_a_manifest_too() {
        for empty in ["", "\n", "---\n# Source: shop/templates/empty.yaml\n", "---\n---\n"] {
            assert_eq!(objects(empty).unwrap(), [], "{empty:?}");
        }
    }

    #[test]
    fn of_what_stands_twice_the_last_one_wins() {
        let check = |manifest: &str, expected: &[(&str, &str)]| {
            let objects = objects(manifest).unwrap();
            let found = objects.iter().map(|object| (object.name(), object.label("l").unwrap()));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{manifest}");
        };
        let one = |name: &str, namespace: &str, label: &str| {
            format!(
                "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, {namespace} labels: {{l: \"{label}\"}}}}\n"
            )
        };
        check(&[one("a", "", "1"), one("b", "", "2"), one("a", "", "3")].concat(), &[("b", "2"), ("a", "3")]);
        // The release's own namespace need not be named, and it is the same object by whatever version of its API.
        check(&[one("a", "namespace: shop,", "1"), one("a", "", "2")].concat(), &[("a", "2")]);
        check(&[one("a", "", "1").replace("/v1", "/v1beta1"), one("a", "", "2")].concat(), &[("a", "2")]);
        check(&[one("a", "namespace: other,", "1"), one("a", "", "2")].concat(), &[("a", "1"), ("a", "2")]);
        check(&one("a", "labels: {l: \"0\"},", "1"), &[("a", "1")]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let check = |manifest: &str, why: &str| {
            let error = objects(manifest).unwrap_err().to_string();
            assert!(error.starts_with(why), "{error}");
            assert!(
                error.contains("`helm get manifest api --revision 7`") && !error.contains("s3cret"),
                "{error}"
            );
        };
        let whole = "its recorded manifest cannot be read";
        check("a: [\n  s3cret\n", &format!("revision 7 of release shop/api:3:1: {whole}: "));
        check("kind: K\na: s3cret\n", &format!("revision 7 of release shop/api:1:1: {whole}: "));
        check("\0", &format!("revision 7 of release shop/api: {whole}: it is a binary file"));
    }
}
