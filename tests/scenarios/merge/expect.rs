//! Whether the server's answer is the predicted one.

use k8s_fields::server::Conflicts;
use k8s_fields::{Entry, FieldPath, FieldSet, ManagedFields, Operation, without};
use kube::core::Status;
use serde_json::{Map, Value, json};

/// That the object is as predicted, but for what the server defaults and normalises.
pub(super) fn object(predicted: &Value, live: Option<&Value>, after: &Value) -> Result<(), String> {
    let wrong = |why: String| format!("{why}\npredicted: {predicted:#}");
    let mut managed = ManagedFields::of(predicted).map_err(|error| error.to_string())?;
    // Nothing but times had changed once it was normalised: the entries stay as they were.
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    if let Some(live) = live.filter(|live| version(live) == version(after)) {
        let before = ManagedFields::of(live).map_err(|error| error.to_string())?;
        if timeless(&managed) == timeless(&before) {
            managed = before;
        }
    }
    // Both times are of the moment, which may be the end of a second.
    let seen = ManagedFields::of(after).map_err(|error| error.to_string())?;
    let is_first = |entry: &&Entry| entry.is("before-first-apply", Operation::Update, None);
    if let Some(first) = seen.entries.iter().find(is_first)
        && let Some(entry) = managed.entries.iter_mut().find(|entry| is_first(&&**entry))
    {
        entry.time.clone_from(&first.time);
    }
    entries(&managed, after).map_err(wrong)?;
    let apart =
        SET_FREELY.iter().chain(NEVER_SENT).filter(|(kind, _)| kind.is_empty() || after["kind"] == *kind);
    let apart: FieldSet = apart.map(|(_, names)| FieldPath::fields(names.iter().copied())).collect();
    covers(&without(after, &apart), &without(predicted, &apart), "").map_err(wrong)
}

fn timeless(managed: &ManagedFields) -> Vec<String> {
    let mut entries: Vec<_> = managed.to_value().as_array().cloned().unwrap_or_default();
    for entry in &mut entries {
        entry["time"].take();
    }
    let mut entries: Vec<_> = entries.iter().map(Value::to_string).collect();
    entries.sort();
    entries
}

/// That the entries are the predicted ones, in their order. Times are compared where both have them.
pub(super) fn entries(predicted: &ManagedFields, after: &Value) -> Result<(), String> {
    let seen = ManagedFields::of(after).map_err(|error| error.to_string())?;
    if *predicted == seen {
        return Ok(());
    }
    let list = |set: &FieldSet| set.iter().map(|path| path.to_string()).collect::<Vec<_>>();
    let show = |entry: &Entry| {
        let Entry { manager, operation, api_version, time, subresource, fields, .. } = entry;
        format!("{manager} {operation} {subresource:?} {api_version} {time:?} {:?}", list(fields))
    };
    let all = |managed: &ManagedFields| managed.entries.iter().map(show).collect::<Vec<_>>().join("\n");
    Err(format!("other entries, predicted:\n{}\nseen:\n{}", all(predicted), all(&seen)))
}

/// That the server names the same fields and owners, and says it in the same words.
pub(super) fn conflicts(predicted: &Conflicts, status: &Status) -> Result<(), String> {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let mut seen: Vec<_> = causes.iter().map(|cause| (cause.field.clone(), cause.message.clone())).collect();
    let mut ours: Vec<_> = predicted.iter().map(|c| (c.path.to_string(), c.to_string())).collect();
    seen.sort();
    ours.sort();
    if ours != seen || predicted.to_string() != status.message {
        return Err(format!(
            "other conflicts\npredicted: {ours:#?}\n{predicted}\nseen: {seen:#?}\n{}",
            status.message
        ));
    }
    Ok(())
}

type Places = [(&'static str, &'static [&'static str])];

/// Status belongs to others, and the rest to the server.
const NEVER_SENT: &Places = &[
    ("", &["status"]),
    ("", &["metadata", "managedFields"]),
    ("", &["metadata", "generation"]),
    ("", &["metadata", "resourceVersion"]),
    ("", &["metadata", "creationTimestamp"]),
];

/// What the server sets or drops after it has noted who owns what, whatever is sent.
const SET_FREELY: &Places = &[
    ("Service", &["spec", "clusterIP"]),
    ("Service", &["spec", "clusterIPs"]),
    ("Service", &["spec", "ipFamilies"]),
    ("Service", &["spec", "ipFamilyPolicy"]),
    ("Service", &["spec", "healthCheckNodePort"]),
    ("DaemonSet", &["metadata", "annotations", TEMPLATE_GENERATION]),
];

/// What it adds where it is not sent.
const ADDED_LATER: &Places = &[
    ("Job", &["spec", "selector"]),
    ("Job", &["metadata", "labels", "controller-uid"]),
    ("Job", &["metadata", "labels", "job-name"]),
    ("Job", &["metadata", "labels", "batch.kubernetes.io/controller-uid"]),
    ("Job", &["metadata", "labels", "batch.kubernetes.io/job-name"]),
    ("Job", &["spec", "template", "metadata", "labels", "controller-uid"]),
    ("Job", &["spec", "template", "metadata", "labels", "job-name"]),
    ("Job", &["spec", "template", "metadata", "labels", "batch.kubernetes.io/controller-uid"]),
    ("Job", &["spec", "template", "metadata", "labels", "batch.kubernetes.io/job-name"]),
    ("PersistentVolumeClaim", &["metadata", "finalizers"]),
    ("PersistentVolumeClaim", &["spec", "storageClassName"]),
    ("", &["metadata", "managedFields"]),
];

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// The object that the server kept track of: the answer, but for what was set later.
pub(super) fn as_sent(sent: &Value, after: &Value) -> Value {
    let mut object = after.clone();
    for (kind, names) in SET_FREELY.iter().chain(ADDED_LATER) {
        if kind.is_empty() || after["kind"] == *kind {
            copy(&mut object, sent, names);
        }
    }
    match after["kind"].as_str() {
        // A Job without labels has its template's by default.
        Some("Job") if sent["metadata"]["labels"].as_object().is_none_or(Map::is_empty) => {
            let labels = &sent["spec"]["template"]["metadata"]["labels"];
            copy(&mut object, &json!({"metadata": {"labels": labels}}), &["metadata", "labels"]);
        }
        Some("DaemonSet") => {
            let annotations = &mut object["metadata"]["annotations"];
            if annotations[TEMPLATE_GENERATION].is_null() {
                annotations[TEMPLATE_GENERATION] = json!("0");
            }
        }
        Some("Service") => {
            let ports = object.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
            for (i, port) in ports.into_iter().flatten().enumerate() {
                copy(port, &sent["spec"]["ports"][i], &["nodePort"]);
            }
        }
        _ => {}
    }
    object
}

/// Whether all that was sent stands in the answer as it was sent. Otherwise the server has noted another form of it than the
/// answer shows: with nulls, with a quantity as it was written.
pub(super) fn is_as_sent(sent: &Value, after: &Value) -> bool {
    let counted = SET_FREELY.iter().filter(|(kind, _)| *kind == "DaemonSet" && after["kind"] == *kind);
    let apart = counted.chain(NEVER_SENT.iter().filter(|(kind, _)| kind.is_empty()));
    let freely = apart.map(|(_, names)| FieldPath::fields(names.iter().copied())).collect();
    without(sent, &freely) == without(&shared(after, sent), &freely)
}

/// What the whole has where the part has something too.
fn shared(whole: &Value, part: &Value) -> Value {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            let both =
                part.iter().filter_map(|(name, part)| Some((name.clone(), shared(whole.get(name)?, part))));
            Value::Object(both.collect())
        }
        (Value::Array(whole), Value::Array(part)) if whole.len() == part.len() => {
            whole.iter().zip(part).map(|(whole, part)| shared(whole, part)).collect()
        }
        _ => whole.clone(),
    }
}

fn copy(to: &mut Value, from: &Value, names: &[&str]) {
    let Some((last, above)) = names.split_last() else { return };
    let parent = above.iter().try_fold(&mut *to, |value, name| value.get_mut(*name));
    let Some(fields) = parent.and_then(Value::as_object_mut) else { return };
    match names.iter().try_fold(from, |value, name| value.get(*name)).filter(|value| !value.is_null()) {
        Some(value) => drop(fields.insert((*last).to_owned(), value.clone())),
        None => {
            fields.remove(*last);
            if fields.is_empty() && above.last() == Some(&"labels") {
                copy(to, from, above);
            }
        }
    }
}

/// That the value has all of the part, but for what the server drops as empty or writes in other words.
fn covers(whole: &Value, part: &Value, place: &str) -> Result<(), String> {
    // Another name of serviceAccountName, which the server writes there again.
    if place.ends_with(".spec.serviceAccount") {
        return Ok(());
    }
    // Dropped where the Service's other fields do not go with it.
    let optional = [".externalTrafficPolicy", ".sessionAffinityConfig", ".nodePort"];
    if whole.is_null() && optional.iter().any(|field| place.ends_with(field)) {
        return Ok(());
    }
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().try_for_each(|(name, value)| {
            let place = format!("{place}.{name}");
            covers(whole.get(name).unwrap_or(&Value::Null), value, &place)
        }),
        (Value::Array(whole), Value::Array(part)) if whole.len() == part.len() => {
            let mut items = whole.iter().zip(part).enumerate();
            items.try_for_each(|(i, (whole, part))| covers(whole, part, &format!("{place}[{i}]")))
        }
        _ if is_nothing(part)
            || whole == part
            || quantity(whole).is_some_and(|q| Some(q) == quantity(part)) =>
        {
            Ok(())
        }
        _ => Err(format!("{place}: predicted {part}, seen {whole}")),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Array(items) => items.is_empty(),
        scalar => [json!(null), json!(false), json!(0), json!(0.0), json!("")].contains(scalar),
    }
}

/// In thousandths.
fn quantity(value: &Value) -> Option<i128> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale: i128 = match &text[digits.len()..] {
        "m" => 1,
        "" => 1000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        _ => return None,
    };
    let number: f64 = digits.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "thousandths are enough")]
    Some((number * 1000.0) as i128 * scale / 1000)
}
