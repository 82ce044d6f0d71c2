//! As much of kubectl as the node's script uses, for the embedded cluster where there is no kubectl: the same arguments, exit codes and first
//! words. On a live cluster the same tests run with the real one.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use http::Request;
use kube::core::GroupVersionKind;
use kube::discovery::{ApiCapabilities, ApiResource, Scope, pinned_kind};
use kube::{Client, Config};
use serde_json::{Value, json};

/// What was asked for.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of kubectl's")]
struct Arguments {
    words: Vec<String>,
    files: Vec<String>,
    namespace: Option<String>,
    raw: Option<String>,
    container: Option<String>,
    manager: String,
    validate: String,
    tail: Option<String>,
    output: String,
    previous: bool,
    force: bool,
    ignore_not_found: bool,
    leaves: bool,
}

type Answer<T> = Result<T, String>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        Ok(said) => {
            // A reader that left wants no more.
            let _ = std::io::stdout().write_all(said.as_bytes());
            ExitCode::SUCCESS
        }
        Err(said) => {
            let _ = writeln!(std::io::stderr(), "{said}");
            ExitCode::FAILURE
        }
    }
}

async fn run(given: impl Iterator<Item = String>) -> Answer<String> {
    let arguments = read(given)?;
    let config = Config::infer().await.map_err(|error| format!("error: {error}"))?;
    let client = Client::try_from(config).map_err(|error| format!("error: {error}"))?;
    match arguments.words.first().map(String::as_str) {
        Some("get") => match &arguments.raw {
            Some(path) => send(&client, "GET", path, "", Vec::new()).await,
            None => get(&client, &arguments).await,
        },
        Some("apply") => {
            let validation = match arguments.validate.as_str() {
                "ignore" => "Ignore",
                "warn" => "Warn",
                _ => "Strict",
            };
            let query = format!(
                "fieldManager={}&force={}&fieldValidation={validation}",
                arguments.manager, arguments.force
            );
            each(&client, &arguments, "PATCH", &query).await
        }
        Some("replace") => each(&client, &arguments, "PUT", "").await,
        Some("create") => each(&client, &arguments, "POST", "").await,
        Some("delete") => delete(&client, &arguments).await,
        Some("logs") => logs(&client, &arguments).await,
        other => Err(format!("error: this stand-in does not know {other:?}")),
    }
}

fn read(given: impl Iterator<Item = String>) -> Answer<Arguments> {
    let mut arguments = Arguments::default();
    let mut given = given.peekable();
    while let Some(argument) = given.next() {
        let (name, mut value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (argument.clone(), None),
        };
        if matches!(name.as_str(), "-f" | "-o" | "--raw") && value.is_none() {
            value = given.next();
        }
        let value = || value.clone().unwrap_or_default();
        match name.as_str() {
            "-f" => arguments.files.push(value()),
            "-o" => arguments.output = value(),
            "--raw" => arguments.raw = Some(value()),
            "--namespace" => arguments.namespace = Some(value()),
            "--container" => arguments.container = Some(value()),
            "--tail" => arguments.tail = Some(value()),
            "--field-manager" => arguments.manager = value(),
            "--validate" => arguments.validate = value(),
            "--force-conflicts" => arguments.force = true,
            "--ignore-not-found" => arguments.ignore_not_found = true,
            "--previous" => arguments.previous = true,
            "--wait" => arguments.leaves = value() == "false",
            "--server-side" | "--timeout" | "--request-timeout" => {}
            other if other.starts_with('-') => return Err(format!("error: unknown flag: {other}")),
            _ => arguments.words.push(argument),
        }
    }
    Ok(arguments)
}

/// One object, and where it is.
struct Place {
    resource: ApiResource,
    scope: Scope,
    namespace: String,
    name: String,
}

impl Place {
    fn collection(&self) -> String {
        let base = if self.resource.group.is_empty() { "/api/" } else { "/apis/" };
        let place = match self.scope {
            Scope::Namespaced => format!("namespaces/{}/", self.namespace),
            Scope::Cluster => String::new(),
        };
        format!("{base}{}/{place}{}", self.resource.api_version, self.resource.plural)
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    /// As kubectl names it.
    fn shown(&self) -> String {
        let dot = if self.resource.group.is_empty() { "" } else { "." };
        format!("{}{dot}{}/{}", self.resource.kind.to_lowercase(), self.resource.group, self.name)
    }
}

/// `Kind.version.group`, as the script writes it.
async fn resource(client: &Client, kind: &str) -> Answer<(ApiResource, ApiCapabilities)> {
    let mut parts = kind.splitn(3, '.');
    let (kind, version, group) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    find(client, group, version, kind).await
}

async fn find(
    client: &Client,
    group: &str,
    version: &str,
    kind: &str,
) -> Answer<(ApiResource, ApiCapabilities)> {
    let kind = GroupVersionKind::gvk(group, version, kind);
    let found = pinned_kind(client, &kind).await;
    found
        .map_err(|error| format!("error: the server doesn't have a resource type \"{}\": {error}", kind.kind))
}

/// The objects of the files, with their places.
async fn objects(client: &Client, arguments: &Arguments) -> Answer<Vec<(Place, Value)>> {
    let mut found = Vec::new();
    for file in &arguments.files {
        let text = std::fs::read(file).map_err(|error| format!("error: {file}: {error}"))?;
        let mut list: Value =
            serde_json::from_slice(&text).map_err(|error| format!("error: {file}: {error}"))?;
        let items = match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => vec![list],
        };
        for item in items {
            let text =
                |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let api_version = text("/apiVersion");
            let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
            let (resource, capabilities) = find(client, group, version, &text("/kind")).await?;
            let namespace = Some(text("/metadata/namespace")).filter(|namespace| !namespace.is_empty());
            let namespace = namespace.unwrap_or_else(|| "default".to_owned());
            let place =
                Place { resource, scope: capabilities.scope, namespace, name: text("/metadata/name") };
            found.push((place, item));
        }
    }
    Ok(found)
}

/// Writes each object; goes on over those that fail, and fails with what was said of them.
async fn each(client: &Client, arguments: &Arguments, method: &str, query: &str) -> Answer<String> {
    let (mut written, mut names, mut refused) = (Vec::new(), String::new(), Vec::new());
    for (place, object) in objects(client, arguments).await? {
        let path = if method == "POST" { place.collection() } else { place.path() };
        match send(client, method, &path, query, object.to_string().into_bytes()).await {
            Ok(answer) => {
                names = names + &place.shown() + "\n";
                written.push(serde_json::from_str(&answer).map_err(|error| format!("error: {error}"))?);
            }
            Err(said) => refused.push(said),
        }
    }
    if !refused.is_empty() {
        return Err(refused.join("\n"));
    }
    if arguments.output == "json" { Ok(pretty(&listed(written))) } else { Ok(names) }
}

async fn get(client: &Client, arguments: &Arguments) -> Answer<String> {
    let mut found = Vec::new();
    for place in places(client, arguments).await? {
        let answer = match &place {
            (place, true) => send(client, "GET", &place.path(), "", Vec::new()).await,
            (place, false) => send(client, "GET", &place.collection(), "", Vec::new()).await,
        };
        let answer = match answer {
            Err(said) if arguments.ignore_not_found && said.contains("(NotFound)") => continue,
            answer => answer?,
        };
        let answer: Value = serde_json::from_str(&answer).map_err(|error| format!("error: {error}"))?;
        let place = place.0;
        match answer.get("items").and_then(Value::as_array) {
            Some(items) => found.extend(items.iter().map(|item| typed(item, &place.resource))),
            None => found.push(answer),
        }
    }
    if found.is_empty() && arguments.ignore_not_found {
        return Ok(String::new());
    }
    Ok(pretty(&listed(found)))
}

/// What is named by files, by `KIND/NAME`, or by kinds alone; whether each has a name.
async fn places(client: &Client, arguments: &Arguments) -> Answer<Vec<(Place, bool)>> {
    let mut places: Vec<(Place, bool)> =
        objects(client, arguments).await?.into_iter().map(|(place, _)| (place, true)).collect();
    let namespace = arguments.namespace.clone().unwrap_or_else(|| "default".to_owned());
    for word in arguments.words.iter().skip(1) {
        for word in word.split(',') {
            let (kind, name) = word.split_once('/').map_or((word, None), |(kind, name)| (kind, Some(name)));
            let (resource, capabilities) = resource(client, kind).await?;
            let (scope, namespace) = (capabilities.scope, namespace.clone());
            let place = Place { resource, scope, namespace, name: name.unwrap_or_default().to_owned() };
            places.push((place, name.is_some()));
        }
    }
    Ok(places)
}

async fn delete(client: &Client, arguments: &Arguments) -> Answer<String> {
    let places = places(client, arguments).await?;
    let mut names = String::new();
    for (place, _) in &places {
        let body = json!({"propagationPolicy": "Background"}).to_string().into_bytes();
        match send(client, "DELETE", &place.path(), "", body).await {
            Err(said) if arguments.ignore_not_found && said.contains("(NotFound)") => {}
            answer => {
                answer?;
                names = names + &place.shown() + " deleted\n";
            }
        }
    }
    for (place, _) in places.iter().filter(|_| !arguments.leaves) {
        while send(client, "GET", &place.path(), "", Vec::new()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(names)
}

async fn logs(client: &Client, arguments: &Arguments) -> Answer<String> {
    let (namespace, pod) = (arguments.namespace.clone().unwrap_or_default(), arguments.words.get(1).cloned());
    let mut query = format!("container={}", arguments.container.clone().unwrap_or_default());
    if let Some(tail) = &arguments.tail {
        query = query + "&tailLines=" + tail;
    }
    if arguments.previous {
        query.push_str("&previous=true");
    }
    let path = format!("/api/v1/namespaces/{namespace}/pods/{}/log", pod.unwrap_or_default());
    send(client, "GET", &path, &query, Vec::new()).await
}

async fn send(client: &Client, method: &str, path: &str, query: &str, body: Vec<u8>) -> Answer<String> {
    let mark = if query.is_empty() { "" } else { "?" };
    let kind = if method == "PATCH" { "application/apply-patch+yaml" } else { "application/json" };
    let request = Request::builder()
        .method(method)
        .uri(format!("{path}{mark}{query}"))
        .header("content-type", kind)
        .body(body)
        .map_err(|error| format!("error: {error}"))?;
    client.request_text(request).await.map_err(|error| match error {
        kube::Error::Api(status) => format!("Error from server ({}): {}", status.reason, status.message),
        error => format!("Unable to connect to the server: {error}"),
    })
}

/// Items of a list name neither version nor kind.
fn typed(item: &Value, resource: &ApiResource) -> Value {
    let mut item = item.clone();
    item["apiVersion"] = resource.api_version.clone().into();
    item["kind"] = resource.kind.clone().into();
    item
}

/// One object is printed as it is, several as a list.
fn listed(mut objects: Vec<Value>) -> Value {
    for object in &mut objects {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
    }
    match objects.len() {
        1 => objects.remove(0),
        _ => {
            json!({"apiVersion": "v1", "kind": "List", "items": objects, "metadata": {"resourceVersion": ""}})
        }
    }
}

/// As kubectl prints JSON: four blanks, and what HTML would read escaped.
fn pretty(value: &Value) -> String {
    let mut bytes = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, form);
    // Writing to memory does not fail.
    let _ = serde::Serialize::serialize(value, &mut serializer);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026") + "\n"
}
