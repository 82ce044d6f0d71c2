//! Times, lists and labels as people read them.

use jiff::Timestamp;
use serde_json::Value;

use crate::controllers::object::{list, text, time};
use crate::selector;

pub(super) const NONE: &str = "<none>";
pub(super) const UNSET: &str = "<unset>";
pub(super) const UNKNOWN: &str = "<unknown>";

/// How long ago: two or three figures of it (`apimachinery/pkg/util/duration`).
pub(super) fn duration(since: Timestamp, until: Timestamp) -> String {
    let seconds = until.duration_since(since).as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let with = |large: i64, unit: char, small: i64, smaller: char| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{smaller}"),
    };
    match seconds {
        ..-1 => "<invalid>".into(),
        -1 => "0s".into(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => with(minutes, 'm', seconds % 60, 's'),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => with(hours, 'h', minutes % 60, 'm'),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 24 * 8 => with(hours / 24, 'd', hours % 24, 'h'),
        _ if hours < 24 * 365 * 2 => format!("{}d", hours / 24),
        _ if hours < 24 * 365 * 8 => with(hours / 24 / 365, 'y', hours / 24 % 365, 'd'),
        _ => format!("{}y", hours / 24 / 365),
    }
}

/// How long a moment of an object is ago.
pub(super) fn since(object: &Value, pointer: &str, now: Timestamp) -> String {
    time(object, pointer).map_or_else(|| UNKNOWN.into(), |moment| duration(moment, now))
}

pub(super) fn age(object: &Value, now: Timestamp) -> Value {
    since(object, "/metadata/creationTimestamp", now).into()
}

/// A text of an object, or what stands for none.
pub(super) fn or<'a>(object: &'a Value, pointer: &str, none: &'a str) -> &'a str {
    match text(object, pointer) {
        "" => none,
        text => text,
    }
}

/// The names and the images of containers, in the template at this place.
pub(super) fn containers(object: &Value, template: &str) -> [Value; 2] {
    let containers = list(object, &format!("{template}/spec/containers"));
    let all = |field: &str| -> String {
        let texts: Vec<&str> = containers.iter().map(|container| text(container, field)).collect();
        texts.join(",")
    };
    [all("/name").into(), all("/image").into()]
}

/// `a=b,c=d`
pub(super) fn labels(labels: Option<&Value>) -> String {
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    let mut shown: Vec<String> =
        labels.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    shown.sort();
    if shown.is_empty() { NONE.into() } else { shown.join(",") }
}

/// A selector of labels and expressions, by its keys.
pub(super) fn selector(selector: Option<&Value>) -> String {
    let shown = selector.map(selector::text).unwrap_or_default();
    if shown.is_empty() { NONE.into() } else { shown }
}

/// The first of them, and how many more there are.
pub(super) fn first(shown: &[String], most: usize, all: usize, separator: &str) -> String {
    let text = shown.get(..most.min(shown.len())).unwrap_or_default().join(separator);
    if all > most { format!("{text} + {} more...", all - most) } else { text }
}
