//! A plan as a person reads it: one line for each field that changes.

use deploy_core::outcome::{ObjectOutcome, Outcome};
use deploy_core::plan::{Action, FieldChange};
use serde_json::Value;

use crate::paint::{Paint, Tone, printable};

pub(crate) fn plan(outcome: &Outcome, paint: Paint) -> String {
    let mut out = String::new();
    for each in outcome.objects.iter().filter(|each| each.action != Action::Unchanged) {
        let verb = match each.action {
            Action::Create => "create",
            Action::Delete => "delete",
            Action::Recreate => "delete and create anew",
            _ => "change",
        };
        let more = if each.simulated {
            " (not asked of the API server: what it needs comes with it)"
        } else if only_owners_change(each) {
            " (only who owns its fields)"
        } else {
            ""
        };
        out += &format!("{verb} {}{more}\n", each.object);
        for change in &each.diff {
            for (tone, line) in lines(change) {
                out += &format!("  {}\n", paint.text(tone, &printable(&line)));
            }
        }
    }
    for note in &outcome.notes {
        out += &format!("{} {}\n", paint.text(Tone::Warn, "note:"), printable(note));
    }
    out
}

/// The changes as unified diffs, as `diff -u` and kubectl show them.
pub(crate) fn unified(outcome: &Outcome, paint: Paint) -> String {
    let mut out = String::new();
    for each in outcome.objects.iter().filter(|each| each.action != Action::Unchanged) {
        match each.action {
            Action::Recreate => out += &format!("# {} is deleted and created anew\n", each.object),
            _ if each.simulated => {
                out +=
                    &format!("# {}: not asked of the API server, what it needs comes with it\n", each.object);
            }
            _ if only_owners_change(each) => {
                out += &format!("# {}: only who owns its fields changes\n", each.object);
            }
            _ => {}
        }
        for line in each.unified.iter().flat_map(|text| text.lines()) {
            let tone = match line.as_bytes() {
                [b'-', b'-', b'-', b' ', ..] | [b'+', b'+', b'+', b' ', ..] | [b'@', b'@', ..] => Tone::Dim,
                [b'-', ..] => Tone::Bad,
                [b'+', ..] => Tone::Good,
                _ => Tone::Plain,
            };
            out += &format!("{}\n", paint.text(tone, &printable(line)));
        }
    }
    for note in &outcome.notes {
        out += &format!("# {}\n", paint.text(Tone::Warn, &printable(note)));
    }
    out
}

/// Whether its fields stay as they are: what is to be written only takes fields over, or lets them go.
fn only_owners_change(each: &ObjectOutcome) -> bool {
    each.action == Action::Update && each.unified.as_ref().is_some_and(String::is_empty)
}

/// What is added or removed as a whole is shown leaf by leaf.
fn lines(change: &FieldChange) -> Vec<(Tone, String)> {
    let mut out = Vec::new();
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            out.push((Tone::Warn, format!("~ {}: {before} -> {after}", change.path)));
        }
        (Some(before), None) => {
            leaves(&change.path, before, &mut |leaf, value| {
                out.push((Tone::Bad, format!("- {leaf}: {value}")));
            });
        }
        (None, Some(after)) => {
            leaves(&change.path, after, &mut |leaf, value| {
                out.push((Tone::Good, format!("+ {leaf}: {value}")));
            });
        }
        (None, None) => {}
    }
    out
}

fn leaves(path: &str, value: &Value, tell: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
                let step = if plain { format!(".{key}") } else { format!("[{key:?}]") };
                leaves(&format!("{path}{step}"), value, tell);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                let step = match value.get("name").and_then(Value::as_str) {
                    Some(name) => format!("[name={name:?}]"),
                    None => format!("[{index}]"),
                };
                leaves(&format!("{path}{step}"), value, tell);
            }
        }
        leaf => tell(path, leaf),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::manifest::Object;
    use deploy_core::memory::MemoryTarget;
    use deploy_core::plan::{diff, unified as text};
    use deploy_core::run::Policy;
    use serde_json::json;

    use crate::sample::{object_outcome, run};

    fn object(data: &Value) -> Object {
        let metadata = json!({"name": "app", "namespace": "shop"});
        Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))
            .unwrap()
    }

    /// A plan of one change.
    fn planned(action: Action, before: Option<&Value>, after: Option<&Value>) -> Outcome {
        let (before, after) = (before.map(object), after.map(object));
        let mut found = run(MemoryTarget::new(), |rollout| rollout.dry_run(true), Policy::default());
        let mut each = object_outcome("app", action);
        each.diff = diff(before.as_ref(), after.as_ref());
        each.unified = Some(text(before.as_ref(), after.as_ref()));
        found.objects = vec![each];
        found
    }

    const UPDATE: &str = "\
--- live/ConfigMap shop/app
+++ planned/ConfigMap shop/app
@@ -1,6 +1,6 @@
 apiVersion: v1
 data:
-  a: \"1\"
+  a: \"2\"
 kind: ConfigMap
 metadata:
   name: app
";

    const DELETE: &str = "\
--- live/ConfigMap shop/app
+++ /dev/null
@@ -1,7 +0,0 @@
-apiVersion: v1
-data:
-  a: \"1\"
-kind: ConfigMap
-metadata:
-  name: app
-  namespace: shop
";

    #[test]
    fn unified_diffs() {
        let check = |found: &Outcome, expect: &str| assert_eq!(unified(found, Paint(false)), expect);
        let (one, two) = (json!({"a": "1"}), json!({"a": "2"}));
        let (one, two) = (Some(&one), Some(&two));
        check(&planned(Action::Update, one, two), UPDATE);
        check(&planned(Action::Unchanged, one, one), "");
        check(&planned(Action::Delete, one, None), DELETE);
        let recreated = format!("# ConfigMap shop/app is deleted and created anew\n{UPDATE}");
        check(&planned(Action::Recreate, one, two), &recreated);
        let owners = "# ConfigMap shop/app: only who owns its fields changes\n";
        check(&planned(Action::Update, one, one), owners);

        let mut guess = planned(Action::Update, one, two);
        guess.objects[0].simulated = true;
        let guessed = "# ConfigMap shop/app: not asked of the API server, what it needs comes with it\n";
        check(&guess, &format!("{guessed}{UPDATE}"));

        let mut noted = planned(Action::Unchanged, one, one);
        noted.notes = vec!["beta stays\x1b[2J".into()];
        check(&noted, "# beta stays\u{fffd}[2J\n");
    }

    #[test]
    fn colours() {
        let mut found = planned(Action::Update, Some(&json!({"a": "1"})), Some(&json!({"a": "2"})));
        found.notes = vec!["mind this".into()];
        let text = unified(&found, Paint(true));
        let (head, rest) = text.split_at(text.find(" apiVersion").unwrap());
        assert_eq!(
            head,
            "\x1b[2m--- live/ConfigMap shop/app\x1b[0m\n\x1b[2m+++ planned/ConfigMap shop/app\x1b[0m\n\x1b[2m@@ -1,6 +1,6 @@\x1b[0m\n"
        );
        assert!(
            rest.contains(" data:\n\x1b[31m-  a: \"1\"\x1b[0m\n\x1b[32m+  a: \"2\"\x1b[0m\n kind:"),
            "{rest}"
        );
        assert!(rest.ends_with("\n# \x1b[33mmind this\x1b[0m\n"), "{rest}");
    }

    #[test]
    fn plans_say_where_only_the_owner_changes() {
        let found = planned(Action::Update, Some(&json!({"a": "1"})), Some(&json!({"a": "1"})));
        assert_eq!(plan(&found, Paint(false)), "change ConfigMap shop/app (only who owns its fields)\n");
    }

    #[test]
    fn a_line_for_each_leaf() {
        let object = |spec: Value| {
            Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}))
                .unwrap()
        };
        let before = object(json!({"nodeName": "n", "a": {"x": 1}}));
        let after = object(
            json!({"nodeName": "m", "containers": [{"name": "api", "args": ["-v"], "env": []}], "l": {"a/b": "c"}}),
        );
        let changes = diff(Some(&before), Some(&after));
        let mut found: Vec<String> = changes.iter().flat_map(lines).map(|(_, line)| line).collect();
        found.sort();
        assert_eq!(
            found,
            [
                "+ .spec.containers[name=\"api\"].args[0]: \"-v\"",
                "+ .spec.containers[name=\"api\"].env: []",
                "+ .spec.containers[name=\"api\"].name: \"api\"",
                "+ .spec.l[\"a/b\"]: \"c\"",
                "- .spec.a.x: 1",
                "~ .spec.nodeName: \"n\" -> \"m\"",
            ]
        );
    }
}
