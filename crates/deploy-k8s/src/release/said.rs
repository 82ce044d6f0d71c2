//! What the manifests of many revisions say of images and commits. Revisions differ in a document or two: each text is read once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use deploy_core::manifest::{GIT_REVISION, Object, ObjectId, images, read_lenient};

use super::record::Record;

/// Reads manifests, and remembers what it read.
#[derive(Default)]
pub(super) struct Reader {
    /// By the text of a document; `None` for what cannot be read.
    read: HashMap<String, Option<Arc<[Said]>>>,
}

/// What an object says.
struct Said {
    id: ObjectId,
    /// `None` if one of them is no reference.
    images: Option<Vec<String>>,
    git_revision: Option<String>,
}

impl Reader {
    /// The images and the git revision that a manifest names. A chart may render what nobody can read: then it names none.
    pub(super) fn contents(&mut self, record: &Record) -> (Vec<String>, Option<String>) {
        let read: Option<Vec<Arc<[Said]>>> =
            documents(&record.manifest).map(|document| self.document(document)).collect();
        let Some(read) = read else { return (Vec::new(), None) };
        let mut said: Vec<&Said> = read.iter().flat_map(|document| document.iter()).collect();
        // Of an object that stands twice the last one was applied.
        let mut seen = HashSet::new();
        said.reverse();
        said.retain(|Said { id, .. }| {
            let namespace = id.namespace.as_ref().unwrap_or(&record.namespace);
            seen.insert((&id.group, &id.kind, namespace, &id.name))
        });
        let git_revision = said.iter().rev().find_map(|one| one.git_revision.clone());
        let images: Option<Vec<&Vec<String>>> = said.iter().map(|one| one.images.as_ref()).collect();
        let images: BTreeSet<&String> = images.into_iter().flatten().flatten().collect();
        (images.into_iter().cloned().collect(), git_revision)
    }

    fn document(&mut self, text: &str) -> Option<Arc<[Said]>> {
        if let Some(known) = self.read.get(text) {
            return known.clone();
        }
        let objects = read_lenient("a recorded manifest", text.as_bytes()).ok();
        let said = objects.map(|objects| objects.iter().map(Said::of).collect());
        self.read.entry(text.to_owned()).or_insert(said).clone()
    }
}

impl Said {
    fn of(object: &Object) -> Self {
        let images = images(object).ok();
        Self {
            id: object.id(),
            images: images.map(|images| images.iter().map(|used| used.image.to_string()).collect()),
            git_revision: object.annotation(GIT_REVISION).map(str::to_owned),
        }
    }
}

/// The texts between the lines that separate documents. Such a line stands in no value: YAML forbids it even in a block of text.
fn documents(manifest: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(manifest);
    std::iter::from_fn(move || {
        let text = rest?;
        let starts = text.match_indices("\n---").map(|(at, _)| at + 1);
        let separates = |at: &usize| {
            let after = text.get(at + 3..).unwrap_or_default();
            after.is_empty() || after.starts_with(char::is_whitespace)
        };
        let (document, more) = match starts.into_iter().find(separates) {
            Some(at) => (text.get(..at)?, text.get(at..)),
            None => (text, None),
        };
        rest = more;
        Some(document)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(reader: &mut Reader, manifest: &str, images: &[&str], git_revision: Option<&str>) {
        let record = json!({"name": "api", "namespace": "shop", "version": 7, "manifest": manifest});
        let record = serde_json::from_value(record).unwrap();
        let found = reader.contents(&record);
        assert_eq!(
            found,
            (images.iter().map(|&image| image.into()).collect(), git_revision.map(Into::into)),
            "{manifest}"
        );
    }

    fn pod(name: &str, namespace: &str, image: &str, git_revision: &str) -> String {
        format!(
            "---\n# Source: a.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}{namespace}\n  annotations: {{{GIT_REVISION}: '{git_revision}'}}\n\
             spec: {{containers: [{{name: a, image: '{image}'}}]}}\n"
        )
    }

    #[test]
    fn what_manifests_name() {
        let mut reader = Reader::default();
        for _ in 0..2 {
            let reader = &mut reader;
            check(reader, "", &[], None);
            check(reader, "---\n# Source: empty.yaml\n---\n", &[], None);
            check(reader, &pod("a", "", "api:v1", "4f1c2d9"), &["api:v1"], Some("4f1c2d9"));
            let two = [pod("a", "", "api:v2", "4f1c2d9"), pod("b", "", "api:v1", "77aa001")].concat();
            check(reader, &two, &["api:v1", "api:v2"], Some("4f1c2d9"));
            // One of them cannot be read, or has an image that is no reference.
            check(reader, &format!("{two}---\na: [\n"), &[], None);
            check(reader, &format!("{two}{}", pod("c", "", "NO", "")), &[], Some("4f1c2d9"));
        }
    }

    #[test]
    fn of_an_object_that_stands_twice_the_last_one_counts() {
        let mut reader = Reader::default();
        let twice = [pod("a", "", "api:v1", "4f1c2d9"), pod("a", "\n  namespace: shop", "api:v2", "77aa001")];
        check(&mut reader, &twice.concat(), &["api:v2"], Some("77aa001"));
        let elsewhere =
            [pod("a", "", "api:v1", "4f1c2d9"), pod("a", "\n  namespace: other", "api:v2", "77aa001")];
        check(&mut reader, &elsewhere.concat(), &["api:v1", "api:v2"], Some("4f1c2d9"));
    }

    #[test]
    fn only_a_separator_separates() {
        let check = |manifest: &str, expect: &[&str]| {
            assert_eq!(documents(manifest).collect::<Vec<_>>(), expect, "{manifest:?}");
        };
        check("", &[""]);
        check("a: 1", &["a: 1"]);
        check("---\na: 1\n---\nb: 2\n", &["---\na: 1\n", "---\nb: 2\n"]);
        check("a: 1\n--- # more\nb: 2\n---", &["a: 1\n", "--- # more\nb: 2\n", "---"]);
        check("a: |\n  x\n  ---\n  y\n---b: 2\n", &["a: |\n  x\n  ---\n  y\n---b: 2\n"]);
        check("a: 1\r\n---\r\nb: 2", &["a: 1\r\n", "---\r\nb: 2"]);
    }
}
