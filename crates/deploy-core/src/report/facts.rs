//! What a report says of an outcome, before it is Markdown or HTML.

use serde_json::Value;

use super::lanes::Tone;
use super::text;
use crate::clock::Timestamp;
use crate::outcome::{Cause, ObjectOutcome, Outcome, Status};
use crate::plan::Action;
use crate::target::Waiting;

/// How deep a value is searched for containers; a pod template lies far above it.
const MAX_DEPTH: usize = 16;
/// The most images of one object.
const MAX_IMAGES: usize = 32;

/// An image that a container gets, loses, or changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImageChange {
    pub(super) container: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

pub(super) fn tone(status: Status) -> Tone {
    match status {
        Status::Planned => Tone::Plain,
        Status::Healthy => Tone::Good,
        Status::RolledBack | Status::Incomplete => Tone::Warn,
        Status::Failed | Status::RollbackFailed => Tone::Bad,
    }
}

/// How it ended, in words.
pub(super) fn verdict(outcome: &Outcome) -> String {
    let failed = match &outcome.cause {
        Some(Cause::Cancelled) => "cancelled",
        Some(Cause::TimedOut { .. }) => "timed out",
        _ => "failed",
    };
    match outcome.status {
        Status::Planned => "planned, nothing was written".to_owned(),
        Status::Healthy => "healthy".to_owned(),
        Status::Incomplete => "healthy, but not completed".to_owned(),
        Status::RolledBack => format!("{failed}, the old state is back"),
        Status::Failed => format!("{failed}, and left as it is"),
        Status::RollbackFailed => format!("{failed}, and the way back failed"),
    }
}

/// The name of the run, or of the only object, or how many objects there are.
pub(super) fn subject(outcome: &Outcome) -> String {
    match (&outcome.name, outcome.objects.as_slice()) {
        (Some(name), _) => text::line(name),
        (None, [only]) => text::line(&only.object.to_string()),
        (None, objects) => text::plural(objects.len(), "object"),
    }
}

/// What identifies the run, as label and value.
pub(super) fn identity(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Target", text::line(&outcome.target))];
    facts.extend(outcome.git_revision.as_ref().map(|revision| ("Git revision", text::line(revision))));
    // To the second: the clock has nanoseconds.
    let started = Timestamp::from_unix_seconds(outcome.started.as_millis().div_euclid(1000));
    facts.push(("Started", started.to_string()));
    facts.push(("Took", text::duration(outcome.took)));
    facts.push(("Run", text::line(outcome.deployment.as_str())));
    facts.push(("Bundle", text::line(&outcome.bundle)));
    facts
}

/// Each cause by itself: what it is about, and why in full words.
pub(super) fn causes(cause: &Cause) -> Vec<(Option<String>, String)> {
    match cause {
        Cause::Failed { failures } => failures
            .iter()
            .map(|failure| (Some(text::line(&failure.object.to_string())), text::line(&failure.to_string())))
            .collect(),
        Cause::TimedOut { waiting } => {
            let words = |Waiting { progress, suspect, .. }: &Waiting| match suspect {
                Some(suspect) => format!("{progress} (suspect: {suspect})"),
                None => progress.clone(),
            };
            let one = |each: &Waiting| (Some(text::line(&each.object.to_string())), text::line(&words(each)));
            waiting.iter().map(one).collect()
        }
        Cause::Refuted { check, why } => vec![(Some(text::line(check)), text::line(why))],
        Cause::Cancelled => vec![(None, "the run was cancelled".to_owned())],
        Cause::Error { error } => {
            let mut words = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(inner) = source {
                words = format!("{words}: {inner}");
                source = inner.source();
            }
            vec![(None, text::line(&words))]
        }
    }
}

/// The objects that are not as they were, and how many others there are.
pub(super) fn changed(outcome: &Outcome) -> (Vec<&ObjectOutcome>, usize) {
    let (same, changed): (Vec<_>, Vec<_>) =
        outcome.objects.iter().partition(|each| each.action == Action::Unchanged);
    (changed, same.len())
}

/// What was to be done, as a verb.
pub(super) fn verb(object: &ObjectOutcome) -> &'static str {
    match object.action {
        Action::Create => "create",
        Action::Update => "change",
        Action::Unchanged => "leave",
        Action::Recreate => "create anew",
        Action::Delete => "delete",
    }
}

/// The images of an object's containers that change, as its diff has them.
pub(super) fn images(object: &ObjectOutcome) -> Vec<ImageChange> {
    let mut images = Vec::new();
    for field in &object.diff {
        let (before, after) = (field.before.as_ref(), field.after.as_ref());
        if let Some(parent) = field.path.strip_suffix(".image") {
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(text::line);
            let (before, after) = (text(before), text(after));
            let name = parent.rsplit_once("[name=\"").and_then(|(_, name)| name.strip_suffix("\"]"));
            if before.is_some() || after.is_some() {
                let container = text::line(name.unwrap_or_default());
                images.push(ImageChange { container, before, after });
            }
        } else {
            let all = |value: Option<&Value>| {
                let mut found = Vec::new();
                if let Some(value) = value {
                    containers(value, MAX_DEPTH, &mut found);
                }
                found
            };
            let (before, mut after) = (all(before), all(after));
            for (container, image) in before {
                let same = after.iter().position(|(name, _)| *name == container);
                let new = same.map(|index| after.remove(index).1);
                if new.as_ref() != Some(&image) {
                    images.push(ImageChange { container, before: Some(image), after: new });
                }
            }
            let added = |(container, image)| ImageChange { container, before: None, after: Some(image) };
            images.extend(after.into_iter().map(added));
        }
    }
    images.truncate(MAX_IMAGES);
    images
}

/// What has a name and an image is a container.
fn containers(value: &Value, depth: usize, found: &mut Vec<(String, String)>) {
    if depth == 0 || found.len() >= MAX_IMAGES {
        return;
    }
    match value {
        Value::Object(map) => {
            let text = |key| map.get(key).and_then(Value::as_str);
            if let (Some(name), Some(image)) = (text("name"), text("image")) {
                found.push((text::line(name), text::line(image)));
            }
            map.values().for_each(|value| containers(value, depth - 1, found));
        }
        Value::Array(list) => list.iter().for_each(|value| containers(value, depth - 1, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::Object;
    use crate::plan::Change;

    /// A Deployment whose pods have these containers.
    fn deployment(containers: &Value) -> Object {
        Object::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
            "spec": {"template": {"spec": {"containers": containers}}},
        }))
        .unwrap()
    }

    #[test]
    fn finds_the_images_that_change() {
        let check = |change: Change, expect: &[(&str, Option<&str>, Option<&str>)]| {
            let object = ObjectOutcome {
                object: change.id,
                action: change.action,
                simulated: false,
                diff: change.diff,
                yielded: Vec::new(),
                unified: None,
            };
            let found = images(&object);
            let found: Vec<_> = found
                .iter()
                .map(|one| (one.container.as_str(), one.before.as_deref(), one.after.as_deref()))
                .collect();
            assert_eq!(found, expect);
        };
        let one = || deployment(&json!([{"name": "api", "image": "api:v1"}]));
        let other = || deployment(&json!([{"name": "api", "image": "api:v2", "args": ["x"]}]));
        let two =
            || deployment(&json!([{"name": "api", "image": "api:v1"}, {"name": "log", "image": "log:1"}]));
        check(Change::create(one(), one()), &[("api", None, Some("api:v1"))]);
        check(Change::delete(one()), &[("api", Some("api:v1"), None)]);
        check(Change::update(other(), one(), other()), &[("api", Some("api:v1"), Some("api:v2"))]);
        check(Change::update(two(), one(), two()), &[("log", None, Some("log:1"))]);
        check(Change::update(one(), two(), one()), &[("log", Some("log:1"), None)]);
        check(Change::unchanged(one(), one()), &[]);
        // Lists without names are compared by position: whole values change.
        let nameless = || deployment(&json!([{"image": "x"}, {"name": "api", "image": "api:v1"}]));
        let nameless2 = || deployment(&json!([{"image": "x"}, [{"name": "api", "image": "api:v3"}]]));
        check(
            Change::update(nameless2(), nameless(), nameless2()),
            &[("api", Some("api:v1"), Some("api:v3"))],
        );
    }
}
