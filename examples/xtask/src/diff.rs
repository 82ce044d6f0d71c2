//! A plan as a person reads it: one line for each field that changes.

use deploy_core::outcome::Outcome;
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
        let guess =
            if each.simulated { " (not asked of the API server: what it needs comes with it)" } else { "" };
        out += &format!("{verb} {}{guess}\n", each.object);
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
    use deploy_core::plan::diff;
    use serde_json::json;

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
