//! The manifest of a revision: YAML documents, each headed by where it came from, without the marks of the release.

use std::fmt::Write as _;

use deploy_core::error::{Error, Result};
use deploy_core::manifest::{Object, read, to_yaml};

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

/// Reads the objects of a revision.
///
/// # Errors
/// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for what is no manifest; the values in it are not told.
pub(super) fn objects(release: &str, revision: u64, manifest: &str) -> Result<Vec<Object>> {
    if manifest
        .lines()
        .all(|line| line.trim().is_empty() || line.starts_with('#') || line.trim_end() == "---")
    {
        return Ok(Vec::new());
    }
    let name = format!("revision {revision} of release {release}");
    read(&name, manifest.as_bytes())
        .map_err(|error| Error::invalid("its recorded manifest cannot be read").on(name).source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = b"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {on: \"yes\", n: \"0777\", t: \"x\\n y\\n\"}}\n---\n\
            {apiVersion: v1, kind: Service, metadata: {name: b}}";
        let objects = read("shop/app.yaml", text).unwrap();
        let written = write(&objects);
        assert!(written.starts_with("---\n# Source: shop/app.yaml\napiVersion: v1\n"), "{written}");
        assert_eq!(super::objects("shop", 1, &written).unwrap(), objects);
    }

    #[test]
    fn nothing_is_a_manifest_too() {
        for empty in ["", "\n", "---\n# Source: shop/templates/empty.yaml\n", "---\n---\n"] {
            assert_eq!(objects("shop", 1, empty).unwrap(), [], "{empty:?}");
        }
        assert!(objects("shop", 1, "a: [").is_err());
    }
}
