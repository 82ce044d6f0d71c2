//! The node's side: what kubectl would print, and awk over it, poll by poll.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use deploy_core::clock::Timestamp;
use deploy_core::health::{Failure, Patience};
use deploy_core::manifest::ObjectId;
use deploy_ssm::node::rules;
use serde_json::Value;
use tempfile::TempDir;

/// A line `V` of what awk prints.
#[derive(Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) state: String,
    pub(crate) progress: String,
    pub(crate) failure: Option<Failure>,
    pub(crate) suspect: Option<Failure>,
}

/// One poll: when, and what was listed.
pub(crate) struct Poll {
    pub(crate) now: Timestamp,
    pub(crate) text: String,
}

impl Poll {
    pub(crate) fn of(now: Timestamp, objects: &[Value]) -> Self {
        Self { now, text: listed(objects) }
    }
}

/// A folder with the judge's files.
pub(crate) struct Node {
    folder: TempDir,
    awk: String,
}

impl Node {
    /// A node whose awk is `awk`.
    pub(crate) fn new(awk: &str, patience: &Patience, targets: &[ObjectId]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut lines = String::new();
        for target in targets {
            let ObjectId { group, kind, namespace, name } = target;
            let api = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
            let namespace = namespace.as_deref().unwrap_or_default();
            let _ = writeln!(lines, "00\t1\t{api}\t{kind}\t{group}\t{namespace}\t{name}");
        }
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("is written");
        write("targets", &lines);
        write("rules.awk", &rules::rules(patience));
        write("judge.awk", &rules::judge());
        write("evidence.awk", &rules::evidence());
        write("json.awk", include_str!("../../src/node/json.awk"));
        Self { folder, awk: awk.to_owned() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a script in the folder, `$AWK` being awk; gives its standard output.
    #[expect(clippy::disallowed_methods, reason = "what is tested runs under sh")]
    pub(crate) fn sh(&self, script: &str) -> String {
        let mut command = Command::new("sh");
        let command = command.args(["-euc", script]).current_dir(self.folder.path());
        let ran = command.env("LC_ALL", "C").env("AWK", &self.awk).output().expect("sh runs");
        let (out, error) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success() && error.is_empty(), "{}: {error}\n{out}", self.awk);
        String::from_utf8(ran.stdout).expect("is UTF-8")
    }

    /// What awk prints at each poll, its memory carried from one to the next.
    pub(crate) fn polls(&self, polls: &[Poll]) -> Vec<String> {
        let mut times = String::new();
        for (number, poll) in polls.iter().enumerate() {
            let seconds = poll.now.since(Timestamp::UNIX_EPOCH);
            let _ = writeln!(times, "{number} {}.{:03}", seconds.as_secs(), seconds.subsec_millis());
            fs::write(self.path().join(format!("poll.{number}")), &poll.text).expect("is written");
        }
        fs::write(self.path().join("times"), times).expect("is written");
        self.sh("while read -r n now; do $AWK -f rules.awk -f judge.awk -v now=$now -v state=state -v targets=targets <poll.$n >said.$n; mv state.new state; done <times");
        let read = |number| {
            let bytes = fs::read(self.path().join(format!("said.{number}"))).expect("was written");
            String::from_utf8(bytes).expect("is UTF-8")
        };
        (0..polls.len()).map(read).collect()
    }
}

/// What awk said about each target.
pub(crate) fn verdicts(text: &str) -> Vec<Said> {
    let lines = text.lines().filter(|line| line.starts_with("V\t"));
    let said = lines.enumerate().map(|(index, line)| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, number, state, progress, failure, suspect] = fields.as_slice() else {
            panic!("six fields: {line}")
        };
        assert_eq!(number.parse(), Ok(index + 1));
        let failed = |text: &str| -> Option<Failure> {
            let parsed = |text| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
            (text != "-").then(|| parsed(text))
        };
        let progress =
            serde_json::from_str(&format!("\"{progress}\"")).expect("is the inside of a JSON string");
        Said { state: (*state).to_owned(), progress, failure: failed(failure), suspect: failed(suspect) }
    });
    said.collect()
}

/// What awk said is new of pods: target, pod, phase, reason.
pub(crate) fn pods(text: &str) -> Vec<(usize, String, String, Option<String>)> {
    let lines = text.lines().filter(|line| line.starts_with("P\t"));
    let told = lines.map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, number, pod, phase, reason] = fields.as_slice() else { panic!("five fields: {line}") };
        let reason = (*reason != "-").then(|| (*reason).to_owned());
        (number.parse().expect("a number"), (*pod).to_owned(), (*phase).to_owned(), reason)
    });
    told.collect()
}

/// `kubectl get … -o json`.
pub(crate) fn listed(objects: &[Value]) -> String {
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": objects});
    let mut out = String::new();
    print(&list, 0, &mut out);
    out.push('\n');
    out
}

/// As Go's encoder indents: sorted keys, four spaces, `<`, `>`, `&` and the two line separators escaped.
fn print(value: &Value, depth: usize, out: &mut String) {
    let indent = "    ".repeat(depth + 1);
    let items: Vec<(Option<&str>, &Value)> = match value {
        Value::Object(map) => {
            let mut items: Vec<_> = map.iter().map(|(key, value)| (Some(key.as_str()), value)).collect();
            items.sort_by_key(|(key, _)| *key);
            items
        }
        Value::Array(items) => items.iter().map(|value| (None, value)).collect(),
        Value::String(text) => return out.push_str(&escaped(text)),
        other => return out.push_str(&other.to_string()),
    };
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    out.push(open);
    for (index, (key, value)) in items.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&indent);
        if let Some(key) = key {
            let _ = write!(out, "{}: ", escaped(key));
        }
        print(value, depth + 1, out);
    }
    if !items.is_empty() {
        let _ = write!(out, "\n{}", "    ".repeat(depth));
    }
    out.push(close);
}

fn escaped(text: &str) -> String {
    let json = Value::from(text).to_string();
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}
