//! The judge that runs on the node: awk, with the tables and bounds of `deploy_core::health` as awk source, so that no phrase and no number
//! is written twice.
//!
//! It says what `deploy_core::health::Judge` says of the same polls, word for word; `tests/judge` holds it to that over the recordings and
//! over random worlds. Every POSIX awk runs it (mawk, gawk, busybox, original-awk), with `LC_ALL=C`.
//!
//! | file | what |
//! | --- | --- |
//! | `read.awk` | kubectl's JSON, line by line, as facts; strings stay escaped from there to the output |
//! | `memory.awk` | since when things are so, from poll to poll, by the node's clock |
//! | `pods.awk` | one pod, and the new pods of a workload together |
//! | `workloads.awk` | the kinds that have pods |
//! | `judge.awk` | every other kind, pods' phases, what is printed |
//! | `evidence.awk` | which logs to fetch; the evidence |
//!
//! Two differences are meant: what has no status to wait for need not be listed, and Events count for as long as the cluster lists them.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use deploy_core::health::{Patience, signs};

/// What judges, to be given to awk after [`rules`]; and first of all what [`evidence`] builds on.
pub fn judge() -> String {
    bare(&[
        include_str!("read.awk"),
        include_str!("memory.awk"),
        include_str!("pods.awk"),
        include_str!("workloads.awk"),
        include_str!("judge.awk"),
    ])
}

/// What gathers evidence, to be given to awk after `json.awk`, [`rules`] and [`judge`].
pub fn evidence() -> String {
    bare(&[include_str!("evidence.awk")])
}

/// One source without indentation, empty lines and lines that only comment, which need not travel. No script has a string over several lines.
pub(super) fn bare(sources: &[&str]) -> String {
    let lines = sources.iter().flat_map(|source| source.lines()).map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect()
}

/// The tables of [`signs`] and the bounds of `patience` as awk source.
///
/// Strings are written as kubectl writes them into JSON, since the judge reads them so.
pub fn rules(patience: &Patience) -> String {
    let mut out = String::from("BEGIN {\n");
    let mut set = |name: &str, value: &dyn Display| {
        let _ = writeln!(out, "{name} = {value}");
    };
    map(&mut set, "WAITING", signs::WAITING.iter().map(|(word, means)| (*word, format!("{means:?}"))));
    map(&mut set, "ENDED", signs::ENDED.iter().map(|(word, means)| (*word, format!("{means:?}"))));
    map(&mut set, "BUILT_IN", signs::BUILT_IN.iter().map(|own| (format!("{own}.k8s.io"), "1")));
    list(&mut set, "PULL_PHRASE", "pull_errors", signs::PULL_ERRORS.iter().map(|(phrase, _)| *phrase));
    list(
        &mut set,
        "PULL_ERROR",
        "pull_errors",
        signs::PULL_ERRORS.iter().map(|(_, error)| format!("{error:?}")),
    );
    list(&mut set, "REFERENCE", "references", signs::REFERENCES.iter().map(|(word, _)| *word));
    list(&mut set, "REFERENCE_KIND", "references", signs::REFERENCES.iter().map(|(_, kind)| *kind));
    list(&mut set, "QUOTA", "quotas", signs::QUOTA);
    list(&mut set, "DEFINITE", "definites", signs::DEFINITE);
    for (name, words) in [
        ("SCALES_UP", signs::SCALES_UP),
        ("VOLUME_TROUBLE", signs::VOLUME_TROUBLE),
        ("VOLUMES_DONE", signs::VOLUMES_DONE),
        ("CLAIM_WAITS", signs::CLAIM_WAITS),
    ] {
        set(name, &quoted(&format!(" {} ", words.join(" "))));
    }
    for (name, phrase) in [
        ("NOT_FOUND", signs::NOT_FOUND),
        ("MISSING_KEY", signs::MISSING_KEY),
        ("NON_EXISTENT", signs::NON_EXISTENT),
        ("NON_EXISTENT_KEY", signs::NON_EXISTENT_KEY),
        ("VOLUME_NAMED", signs::VOLUME_NAMED),
        ("PULL_FAILED", signs::PULL_FAILED),
    ] {
        set(name, &quoted(phrase));
    }
    for (name, bound) in [
        ("IMAGE_NOT_FOUND", patience.image_not_found),
        ("PULL", patience.pull),
        ("CONTAINER_START", patience.container_start),
        ("MISSING_REFERENCE", patience.missing_reference),
        ("UNSCHEDULABLE", patience.unschedulable),
        ("QUOTA_PATIENCE", patience.quota),
        ("ADMISSION", patience.admission),
        ("WEBHOOK", patience.webhook),
        ("SETTLING", patience.settling),
        ("STALLED", patience.stalled),
        ("CLOCK_SKEW", signs::CLOCK_SKEW),
    ] {
        set(name, &seconds(bound));
    }
    set("PULL_ATTEMPTS", &patience.pull_attempts);
    set("CONTAINER_ENDS", &patience.container_ends);
    out.push_str("}\n");
    out
}

fn map(
    set: &mut impl FnMut(&str, &dyn Display),
    name: &str,
    entries: impl Iterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
) {
    for (key, value) in entries {
        set(&format!("{name}[{}]", quoted(key.as_ref())), &quoted(value.as_ref()));
    }
}

fn list(
    set: &mut impl FnMut(&str, &dyn Display),
    name: &str,
    length: &str,
    entries: impl IntoIterator<Item = impl AsRef<str>>,
) {
    let mut count = 0;
    for entry in entries {
        count += 1;
        set(&format!("{name}[{count}]"), &quoted(entry.as_ref()));
    }
    set(length, &count);
}

fn seconds(bound: Duration) -> String {
    format!("{}.{:03}", bound.as_secs(), bound.subsec_millis())
}

/// An awk string of `text` as it stands in kubectl's JSON: escaped for JSON, with `<`, `>` and `&` as Go writes them, and then for awk.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let inside = json.get(1..json.len() - 1).unwrap_or_default();
    format!("\"{}\"", inside.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_in_the_rules() {
        let rules =
            rules(&Patience::default().with_settling(Duration::from_millis(2_500)).with_pull_attempts(7));
        let has = |line: String| assert!(rules.lines().any(|each| each == line), "{line}");
        for (word, means) in signs::WAITING {
            has(format!("WAITING[\"{word}\"] = \"{means:?}\""));
        }
        for (word, means) in signs::ENDED {
            has(format!("ENDED[\"{word}\"] = \"{means:?}\""));
        }
        for (number, (phrase, error)) in signs::PULL_ERRORS.iter().enumerate() {
            has(format!("PULL_PHRASE[{}] = \"{phrase}\"", number + 1));
            has(format!("PULL_ERROR[{}] = \"{error:?}\"", number + 1));
        }
        has(format!("pull_errors = {}", signs::PULL_ERRORS.len()));
        has("REFERENCE[1] = \"configmap \\\\\\\"\"".into());
        has("REFERENCE_KIND[3] = \"ServiceAccount\"".into());
        has("references = 3".into());
        for own in signs::BUILT_IN {
            has(format!("BUILT_IN[\"{own}.k8s.io\"] = \"1\""));
        }
        for (number, phrase) in signs::QUOTA.iter().enumerate() {
            has(format!("QUOTA[{}] = \"{phrase}\"", number + 1));
        }
        for (number, phrase) in signs::DEFINITE.iter().enumerate() {
            has(format!("DEFINITE[{}] = \"{phrase}\"", number + 1));
        }
        has("SCALES_UP = \" TriggeredScaleUp Nominated \"".into());
        has("VOLUME_TROUBLE = \" FailedMount FailedAttachVolume FailedCreatePodSandBox \"".into());
        has("VOLUMES_DONE = \" Pulling Pulled Created \"".into());
        has("CLAIM_WAITS = \" FailedBinding WaitForPodScheduled \"".into());
        has("VOLUME_NAMED = \"volume \\\\\\\"\"".into());
        has("SETTLING = 2.500".into());
        has("CLOCK_SKEW = 60.000".into());
        has("PULL_ATTEMPTS = 7".into());
    }

    #[test]
    fn strings_are_json_in_awk() {
        assert_eq!(quoted("a \"b\" \\ <&>\n"), r#""a \\\"b\\\" \\\\ \\u003c\\u0026\\u003e\\n""#);
    }
}
