//! What Helm prints, split by the templates that it came from.
//!
//! Each manifest stands below a line `---` and a line `# Source: CHART/templates/FILE`.

use std::collections::HashMap;

use deploy_core::error::Result;
use deploy_core::manifest::{self, Object};

const HEAD: &str = "# Source: ";

/// One manifest as it was rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manifest<'a> {
    /// The template, as in `shop/templates/app.yaml`.
    pub(super) source: &'a str,
    pub(super) text: &'a str,
}

/// The manifests in what Helm printed. What stands before the first one has no template.
pub(super) fn split(printed: &str) -> Vec<Manifest<'_>> {
    let mut manifests = Vec::new();
    let (mut source, mut start) = ("", 0);
    let mut separator = None;
    let mut position = 0;
    for line in printed.split_inclusive('\n') {
        let end = position + line.len();
        let text = line.trim_end();
        if let (Some(before), Some(name)) = (separator, text.strip_prefix(HEAD)) {
            manifests.push(Manifest { source, text: printed.get(start..before).unwrap_or_default() });
            (source, start) = (name.trim(), end);
        }
        separator = (text == "---").then_some(position);
        position = end;
    }
    manifests.push(Manifest { source, text: printed.get(start..).unwrap_or_default() });
    manifests.retain(|manifest| !(manifest.source.is_empty() && manifest.text.trim().is_empty()));
    manifests
}

/// The objects of the manifests, in their order.
///
/// The manifests of a template are read together, so that a line is told as one of the whole template, rendered.
pub(super) fn objects(manifests: &[Manifest<'_>]) -> Result<Vec<Object>> {
    let mut files: Vec<File<'_>> = Vec::new();
    let mut by_source: HashMap<&str, usize> = HashMap::new();
    for (place, manifest) in manifests.iter().enumerate() {
        let index = *by_source.entry(manifest.source).or_insert_with(|| {
            files.push(File { source: manifest.source, text: String::new(), lines: 0, starts: Vec::new() });
            files.len() - 1
        });
        if let Some(file) = files.get_mut(index) {
            file.add(manifest.text, place);
        }
    }
    let mut objects = Vec::new();
    for file in files {
        for object in manifest::read(file.source, file.text.as_bytes())? {
            let line = object.origin().map_or(0, |origin| origin.line);
            objects.push((file.place(line), object));
        }
    }
    objects.sort_by_key(|(place, _)| *place);
    Ok(objects.into_iter().map(|(_, object)| object).collect())
}

/// The manifests of one template.
struct File<'a> {
    source: &'a str,
    text: String,
    lines: usize,
    /// After which line a manifest starts, and which one of all it is.
    starts: Vec<(usize, usize)>,
}

impl File<'_> {
    fn add(&mut self, text: &str, place: usize) {
        if !self.starts.is_empty() {
            self.text += "---\n";
            self.lines += 1;
        }
        self.starts.push((self.lines, place));
        self.text += text;
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
        self.lines += text.lines().count().max(1);
    }

    /// Which of all manifests a line belongs to.
    fn place(&self, line: usize) -> usize {
        let after = self.starts.partition_point(|(start, _)| *start < line);
        after.checked_sub(1).and_then(|last| self.starts.get(last)).map_or(0, |(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn splits_by_template() {
        let check = |printed: &str, expect: &[(&str, &str)]| {
            let found: Vec<_> = split(printed).iter().map(|each| (each.source, each.text)).collect();
            assert_eq!(found, expect, "{printed}");
        };
        check("", &[]);
        check("---\n", &[("", "---\n")]);
        check("---\n# Source: a/t/x.yaml\nx: 1\n", &[("a/t/x.yaml", "x: 1\n")]);
        check("---\n# Source: a\nx: 1\n---\n# Source: b\ny: 2", &[("a", "x: 1\n"), ("b", "y: 2")]);
        check("---\r\n# Source: a\r\nx: 1\r\n", &[("a", "x: 1\r\n")]);
        check("---\n# Source: a\n", &[("a", "")]);
        // Only below a line of dashes.
        check(
            "---\n# Source: a\nx: |\n  ---\n  # Source: b\n# Source: c\n",
            &[("a", "x: |\n  ---\n  # Source: b\n# Source: c\n")],
        );
        // A document without a heading belongs to the template before it.
        check("---\n# Source: a\nx: 1\n---\ny: 1\n", &[("a", "x: 1\n---\ny: 1\n")]);
        check("x: 1\n---\n# Source: a\n", &[("", "x: 1\n"), ("a", "")]);
        check("---\n---\n# Source: a\n", &[("", "---\n"), ("a", "")]);
    }

    fn manifest(source: &str, name: &str) -> String {
        format!("---\n# Source: {source}\napiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n")
    }

    fn read(printed: &str) -> Vec<String> {
        let objects = objects(&split(printed)).unwrap();
        objects.iter().map(|object| format!("{} {}", object.name(), object.origin().unwrap())).collect()
    }

    #[test]
    fn an_object_knows_the_line_of_its_template() {
        let printed = [manifest("a", "x"), manifest("b", "w"), manifest("a", "z")].concat();
        assert_eq!(read(&printed), ["x a:1:1", "w b:1:1", "z a:6:1"]);
        let list = "---\n# Source: a\nkind: List\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: one}}\n- {apiVersion: v1, kind: A, metadata: {name: two}}\n";
        let printed = format!("{list}---\n# Source: b\n# nothing\n{}", manifest("a", "z"));
        assert_eq!(read(&printed), ["one a:3:3", "two a:4:3", "z a:6:1"]);
        let json =
            "---\n# Source: j\n{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"one\"}}\n";
        assert_eq!(read(&[json, json].concat()), ["one j:1:1", "one j:3:1"]);
    }

    #[test]
    fn bad_manifests_are_named_by_template() {
        let printed = manifest("a/t/x.yaml", "x") + "---\n# Source: a/t/x.yaml\napiVersion: v1\nkind: A\n";
        let error = objects(&split(&printed)).unwrap_err();
        assert!(error.to_string().starts_with("a/t/x.yaml:6:1: A: metadata.name is missing"), "{error}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(lines in prop::collection::vec("(---|# Source: [a-c]|x: 1|  \\PC{0,4}|)\r?\n", 0..30)) {
            let printed = lines.concat();
            let manifests = split(&printed);
            let kept: usize = manifests.iter().map(|manifest| manifest.text.len()).sum();
            let heads: usize = manifests.iter().filter(|manifest| !manifest.source.is_empty()).count();
            prop_assert!(kept <= printed.len());
            prop_assert!(heads == 0 || kept + heads * HEAD.len() < printed.len());
            prop_assert_eq!(
                printed.matches("x: 1").count(),
                manifests.iter().map(|manifest| manifest.text.matches("x: 1").count()).sum::<usize>()
            );
            // Whatever it is, it is read or refused.
            let _ = objects(&manifests);
        }

        #[test]
        fn objects_keep_their_order(sources in prop::collection::vec("[a-d]/templates/[a-d].yaml", 1..20)) {
            let named = |index: usize| format!("n{index}");
            let printed: String =
                sources.iter().enumerate().map(|(index, source)| manifest(source, &named(index))).collect();
            let found = objects(&split(&printed)).unwrap();
            prop_assert_eq!(found.len(), sources.len());
            for (index, (object, source)) in found.iter().zip(&sources).enumerate() {
                prop_assert_eq!(object.name(), named(index));
                prop_assert_eq!(&*object.origin().unwrap().file, source.as_str());
            }
        }
    }
}
