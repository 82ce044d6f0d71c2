//! The paths of a kind: which verbs it has, of what kind they are, and what parameters those take that write an object. That is all that clients
//! ask of them; more is left out, because helm and kubectl read all of a document anew each time.

use serde_json::{Map, Value, json};

use super::{Style, path};
use crate::api::{elsewhere, subresource_of, verbs};
use crate::kinds::Kind;

/// `VERB METHOD ACTION NAMED PARAMETER…`; what is no text has its type behind a colon.
const VERBS: &str = "
get get get named
list get list all
create post post all dryRun fieldManager fieldValidation
update put put named dryRun fieldManager fieldValidation
patch patch patch named dryRun fieldManager fieldValidation force:boolean
delete delete delete named
deletecollection delete deletecollection all
";

/// Of what kind an operation is.
#[derive(Clone, Copy)]
struct Of<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
}

/// Adds the paths of a kind.
pub(super) fn add(paths: &mut Map<String, Value>, kind: &Kind, style: Style) {
    let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let root = path(&kind.group, &kind.version);
    let base = format!("/{root}{scope}/{}", kind.plural);
    let of = Of { group: &kind.group, version: &kind.version, kind: &kind.kind };
    let verbs = verbs(kind);
    if kind.namespaced && verbs.contains(&"list") {
        put(paths, format!("/{root}/{}", kind.plural), "all", &["list"], of, style);
    }
    put(paths, base.clone(), "all", verbs, of, style);
    put(paths, format!("{base}/{{name}}"), "named", verbs, of, style);
    for subresource in &kind.subresources {
        let (name, verbs) = subresource_of(kind, subresource);
        let (group, version) = elsewhere(subresource).unwrap_or((&kind.group, &kind.version));
        let of = Of { group, version, kind: name };
        let named = if verbs.contains(&"create") { "all" } else { "named" };
        put(paths, format!("{base}/{{name}}/{subresource}"), named, verbs, of, style);
    }
}

/// The verbs of one path.
fn put(paths: &mut Map<String, Value>, at: String, named: &str, verbs: &[&str], of: Of<'_>, style: Style) {
    let mut item = Map::new();
    for line in VERBS.lines() {
        let mut words = line.split(' ');
        let (Some(verb), Some(method), Some(action), Some(whose)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        if whose == named && verbs.contains(&verb) {
            let parameters: Vec<Value> = words.map(|word| parameter(word, "query", style)).collect();
            item.insert(method.to_owned(), operation(action, parameters, of));
        }
    }
    if item.is_empty() {
        return;
    }
    let of_path = ["name", "namespace"].into_iter().filter(|name| at.contains(&format!("{{{name}}}")));
    let parameters: Vec<Value> = of_path.map(|name| parameter(name, "path", style)).collect();
    if !parameters.is_empty() {
        item.insert("parameters".into(), parameters.into());
    }
    paths.insert(at, item.into());
}

fn parameter(word: &str, place: &str, style: Style) -> Value {
    let (name, of) = word.split_once(':').unwrap_or((word, "string"));
    let mut parameter = json!({"name": name, "in": place});
    match style {
        Style::V2 => parameter["type"] = of.into(),
        Style::V3 => parameter["schema"] = json!({"type": of}),
    }
    if place == "path" {
        parameter["required"] = true.into();
    }
    parameter
}

fn operation(action: &str, parameters: Vec<Value>, of: Of<'_>) -> Value {
    let mut operation = json!({
        "x-kubernetes-action": action, "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": {"group": of.group, "version": of.version, "kind": of.kind},
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation
}
