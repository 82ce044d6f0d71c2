//! The paths of a kind: which verbs it has, what they take and give.

use serde_json::{Map, Value, json};

use super::schemas::{REFERENCE, Schemas, custom_name};
use super::{Style, path};
use crate::api::{elsewhere, subresource_of, verbs};
use crate::kinds::Kind;

const OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";

/// `VERB METHOD ACTION NAMED PARAMETER…`; what is no text has its type behind a colon.
const VERBS: &str = "
get get get named
list get list all allowWatchBookmarks:boolean continue fieldSelector labelSelector limit:integer resourceVersion resourceVersionMatch sendInitialEvents:boolean timeoutSeconds:integer watch:boolean
create post post all dryRun fieldManager fieldValidation
update put put named dryRun fieldManager fieldValidation
patch patch patch named dryRun fieldManager fieldValidation force:boolean
delete delete delete named dryRun gracePeriodSeconds:integer orphanDependents:boolean propagationPolicy
deletecollection delete deletecollection all dryRun fieldSelector gracePeriodSeconds:integer labelSelector propagationPolicy
";

/// What is asked for, and what is answered.
struct Asked<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
    /// The schema of the kind; nothing where there is none.
    schema: Option<&'a str>,
    strategic: bool,
    tag: String,
    /// What tells the operation apart.
    subject: String,
}

/// Adds the paths of a kind.
pub(super) fn add(paths: &mut Map<String, Value>, kind: &Kind, schemas: &Schemas<'_>, style: Style) {
    let custom = kind.custom.then(|| custom_name(kind));
    let tag = path(kind.group.split('.').next().unwrap_or_default(), &kind.version);
    let tag = tag.trim_start_matches("apis/").replace("api/", "core/").replace('/', "_");
    let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let base = format!("/{}{scope}/{}", path(&kind.group, &kind.version), kind.plural);
    let schema = custom.as_deref().or_else(|| schemas.name_of(&kind.group, &kind.version, &kind.kind));
    let asked = Asked {
        group: &kind.group,
        version: &kind.version,
        kind: &kind.kind,
        schema,
        strategic: !kind.custom,
        subject: format!("{tag}_{}", kind.plural),
        tag,
    };
    let verbs = verbs(kind);
    if kind.namespaced && verbs.contains(&"list") {
        let everywhere =
            Asked { subject: format!("{}_everywhere", asked.subject), tag: asked.tag.clone(), ..asked };
        put(
            paths,
            format!("/{}/{}", path(&kind.group, &kind.version), kind.plural),
            "all",
            &["list"],
            &everywhere,
            style,
        );
    }
    put(paths, base.clone(), "all", verbs, &asked, style);
    put(paths, format!("{base}/{{name}}"), "named", verbs, &asked, style);
    for subresource in &kind.subresources {
        let (name, verbs) = subresource_of(kind, subresource);
        let (group, version) = elsewhere(subresource).unwrap_or((&kind.group, &kind.version));
        let schema = if name == kind.kind { schema } else { schemas.name_of(group, version, name) };
        let subject = format!("{}_{subresource}", asked.subject);
        let asked = Asked { group, version, kind: name, schema, subject, tag: asked.tag.clone(), ..asked };
        let at = format!("{base}/{{name}}/{subresource}");
        let named = if verbs.contains(&"create") { "all" } else { "named" };
        put(paths, at, named, verbs, &asked, style);
    }
}

/// The verbs of one path.
fn put(
    paths: &mut Map<String, Value>,
    at: String,
    named: &str,
    verbs: &[&str],
    asked: &Asked<'_>,
    style: Style,
) {
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
            item.insert(method.to_owned(), operation(action, parameters, asked, style));
        }
    }
    if item.is_empty() {
        return;
    }
    let of_path = ["name", "namespace"].into_iter().filter(|name| at.contains(&format!("{{{name}}}")));
    let mut parameters: Vec<Value> = of_path.map(|name| parameter(name, "path", style)).collect();
    parameters.push(parameter("pretty", "query", style));
    item.insert("parameters".into(), parameters.into());
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

fn operation(action: &str, mut parameters: Vec<Value>, asked: &Asked<'_>, style: Style) -> Value {
    let to = |schema: &str| json!({"$ref": format!("{REFERENCE}{schema}")});
    let own = asked.schema.map(str::to_owned);
    let (takes, gives) = match action {
        "post" | "put" => (own.clone(), own),
        "patch" => (Some(PATCH.to_owned()), own),
        "delete" | "deletecollection" => (Some(OPTIONS.to_owned()), Some(STATUS.to_owned())),
        "list" => (None, own.map(|schema| format!("{schema}List"))),
        _ => (None, own),
    };
    let types: &[&str] = match action {
        "patch" if asked.strategic => &[
            "application/apply-patch+yaml",
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/strategic-merge-patch+json",
        ],
        "patch" => {
            &["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]
        }
        _ => &["application/json", "application/yaml"],
    };
    let content = |schema: &str, types: &[&str]| -> Map<String, Value> {
        types.iter().map(|of| ((*of).to_owned(), json!({"schema": to(schema)}))).collect()
    };
    let mut answer = json!({"description": "OK"});
    let mut operation = json!({
        "operationId": format!("{action}_{}", asked.subject), "tags": [asked.tag], "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": asked.group, "version": asked.version, "kind": asked.kind},
    });
    match style {
        Style::V3 => {
            if let Some(schema) = &gives {
                answer["content"] = content(schema, &["application/json", "application/yaml"]).into();
            }
            if let Some(schema) = &takes {
                operation["requestBody"] = json!({"content": content(schema, types)});
            }
        }
        Style::V2 => {
            if let Some(schema) = &gives {
                answer["schema"] = to(schema);
            }
            if let Some(schema) = &takes {
                parameters.push(json!({"name": "body", "in": "body", "schema": to(schema)}));
                operation["consumes"] = types.into();
            }
            operation["produces"] = json!(["application/json", "application/yaml"]);
        }
    }
    operation["parameters"] = parameters.into();
    operation["responses"] = json!({"200": answer});
    operation
}
