//! The embedded API server beside the real one: the same requests, the same answers.
//!
//! A step of a script is a method, a path, and a content type where it is not JSON's own; headers and the body stand on the lines below.
//! `BOTH` does not compare, `WAIT PATH TEXT` waits until a GET has the text. What changes nothing (a GET, a dry run) is asked again until the answers are the same, because the real server's controllers and caches come later; of writes the first answers count. Compared are the status codes, the warnings and the bodies, but for what no two servers have in common: uids, resourceVersions, times.

use std::time::{Duration, SystemTime};

use deploy_sim::SimCluster;
use deploy_tests::live_scenario;
use http::{Request, header};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

const SCRIPTS: [(&str, &str); 18] = [
    ("tables", include_str!("same/tables.http")),
    ("forms", include_str!("same/forms.http")),
    ("strategic", include_str!("same/strategic.http")),
    ("fields", include_str!("same/fields.http")),
    ("custom", include_str!("same/custom.http")),
    ("status", include_str!("same/status.http")),
    ("options", include_str!("same/options.http")),
    ("updates", include_str!("same/updates.http")),
    ("quota", include_str!("same/quota.http")),
    ("refused", include_str!("same/refused.http")),
    ("scale", include_str!("same/scale.http")),
    ("kinds", include_str!("same/kinds.http")),
    ("apply", include_str!("same/apply.http")),
    ("discovery", include_str!("same/discovery.http")),
    ("config_maps", include_str!("same/config_maps.http")),
    ("finalizers", include_str!("same/finalizers.http")),
    ("lists", include_str!("same/lists.http")),
    ("access", include_str!("same/access.http")),
];

live_scenario!(
    "needs a cluster and a real API server to compare with",
    the_embedded_api_server_answers_as_the_real_one,
    async |env| {
        // Tables have ages.
        let embedded = SimCluster::builder().begins(now()).start();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": env.namespace}});
        send(&embedded.client(), "POST /api/v1/namespaces?fieldManager=unknown", &namespace.to_string())
            .await;
        let mut different = Vec::new();
        for (name, script) in SCRIPTS {
            for (number, (line, body)) in steps(&script.replace("$NS", &env.namespace)).enumerate() {
                if let Some(path) = line.strip_prefix("WAIT ") {
                    served(&env.kube, path).await;
                    served(&embedded.client(), path).await;
                    continue;
                }
                if let Some(line) = line.strip_prefix("BOTH ") {
                    send(&env.kube, line, &body).await;
                    send(&embedded.client(), line, &body).await;
                    continue;
                }
                let changes_nothing = line.starts_with("GET ") || line.contains("dryRun=All");
                let patience = if changes_nothing { Duration::from_secs(30) } else { Duration::ZERO };
                let begin = tokio::time::Instant::now();
                let (real, ours) = loop {
                    let real = send(&env.kube, &line, &body).await;
                    let ours = send(&embedded.client(), &line, &body).await;
                    if real == ours || begin.elapsed() >= patience {
                        break (real, ours);
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                };
                if real != ours {
                    different.push(format!("{name} {}: {line}{}", number + 1, shown(&real, &ours)));
                }
            }
        }
        assert!(different.is_empty(), "{} answers differ\n{}", different.len(), different.join("\n"));
    }
);

/// A status code, the warnings and the body.
type Answer = (u16, Vec<String>, Value);

/// Where two answers differ, a line each.
fn shown(real: &Answer, ours: &Answer) -> String {
    let whole = |(code, warnings, body): &Answer| json!({"code": code, "warnings": warnings, "body": body});
    let mut lines = Vec::new();
    differ("", &whole(real), &whole(ours), &mut lines);
    lines.concat()
}

fn differ(at: &str, real: &Value, ours: &Value, lines: &mut Vec<String>) {
    let nothing = Value::from("(nothing)");
    match (real, ours) {
        (Value::Object(one), Value::Object(other)) => {
            for name in one.keys().chain(other.keys().filter(|name| !one.contains_key(*name))) {
                let [one, other] = [one, other].map(|map| map.get(name).unwrap_or(&nothing));
                differ(&format!("{at}/{name}"), one, other, lines);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differ(&format!("{at}/{index}"), one, other, lines);
            }
        }
        _ if real == ours => {}
        _ => lines.push(format!("\n  {at}\n    real: {real}\n    ours: {ours}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own edge: the live cluster has the machine's time")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Waits until a path is served, and its answer has this text: controllers take a moment.
async fn served(client: &kube::Client, path: &str) {
    let (path, text) = path.split_once(' ').unwrap_or((path, ""));
    let begin = tokio::time::Instant::now();
    loop {
        let (code, _, body) = send(client, &format!("GET {path}"), "").await;
        if code == 200 && body.to_string().contains(text) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{path} without {text}: {code} {body}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The requests of a script: a line and a body.
fn steps(script: &str) -> impl Iterator<Item = (String, String)> {
    let lines: Vec<&str> = script.lines().filter(|line| !line.starts_with('#')).collect();
    let text = lines.join("\n");
    let steps: Vec<(String, String)> = text
        .split("\n\n")
        .map(str::trim)
        .filter(|step| !step.is_empty())
        .map(|step| {
            let (line, body) = step.split_once('\n').unwrap_or((step, ""));
            (line.to_owned(), body.to_owned())
        })
        .collect();
    steps.into_iter()
}

async fn send(client: &kube::Client, line: &str, below: &str) -> Answer {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [method, path, content_type @ ..] = words.as_slice() else { panic!("no request: {line}") };
    let mut request = Request::builder()
        .method(*method)
        .uri(*path)
        .header(header::CONTENT_TYPE, content_type.first().copied().unwrap_or("application/json"))
        .header(header::USER_AGENT, "same/1");
    let mut body = below;
    while let Some((name, value)) = body.lines().next().and_then(|line| line.split_once(": "))
        && name.starts_with(|first: char| first.is_ascii_uppercase())
    {
        request = request.header(name, value);
        body = body.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let request = request.body(Body::from(body.as_bytes().to_vec())).expect("a request");
    let response = client.send(request).await.expect("an answer");
    let code = response.status().as_u16();
    let warnings = response.headers().get_all(header::WARNING).iter();
    let warnings = warnings.map(|warning| warning.to_str().expect("a text").to_owned()).collect();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let mut body = serde_json::from_slice(&body).unwrap_or_else(|_| {
        // A watch is an object a line.
        let lines: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(&body).into_iter().collect();
        lines.map_or_else(|_| String::from_utf8_lossy(&body).into_owned().into(), Value::Array)
    });
    blur(&mut body);
    (code, warnings, body)
}

/// Takes out what no two servers have in common.
fn blur(value: &mut Value) {
    const BLURRED: [&str; 10] = [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "time",
        "continue",
        "token",
        "expirationTimestamp",
        "lastTransitionTime",
        "lastUpdateTime",
    ];
    match value {
        Value::Object(map) => {
            map.remove("storageVersionHash");
            for (key, value) in map {
                if BLURRED.contains(&key.as_str()) && value.is_string() {
                    *value = "*".into();
                } else {
                    blur(value);
                }
                if key == "cells" {
                    value.as_array_mut().into_iter().flatten().for_each(without_age);
                }
                // What columns are for is told by the real one alone.
                if key == "columnDefinitions" {
                    for column in value.as_array_mut().into_iter().flatten() {
                        column["description"] = "*".into();
                    }
                }
                // They stand in the order of their times.
                if key == "managedFields"
                    && let Some(entries) = value.as_array_mut()
                {
                    entries.sort_by_key(Value::to_string);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(blur),
        Value::String(text) if text.starts_with("kube-api-access-") => "kube-api-access-*".clone_into(text),
        Value::String(text) => *text = without_object(&without_uids(text)),
        _ => {}
    }
}

/// A cell of a table without the time in it: how long ago something was, or when.
fn without_age(cell: &mut Value) {
    let Some(text) = cell.as_str() else { return };
    let is_age = text.starts_with(|first: char| first.is_ascii_digit())
        && text.ends_with(['s', 'm', 'h', 'd', 'y'])
        && text.chars().all(|letter| letter.is_ascii_digit() || "smhdy".contains(letter));
    let is_time = text.len() == "2026-01-01T00:00:00Z".len() && text.ends_with('Z') && text.starts_with("20");
    if is_age || is_time {
        *cell = "*".into();
    }
}

/// A message without the uids in it.
fn without_uids(text: &str) -> String {
    let is_of_uid = |c: char| c.is_ascii_hexdigit() || c == '-';
    let words = text.split_inclusive(|c: char| !is_of_uid(c)).map(|word| {
        let bare = word.trim_end_matches(|c: char| !is_of_uid(c));
        let is_uid = bare.len() == 36 && bare.matches('-').count() == 4;
        if is_uid { word.replace(bare, "UID") } else { word.to_owned() }
    });
    words.collect()
}

/// A message without the patched object in it, whose fields the real server writes in the order of its types.
fn without_object(text: &str) -> String {
    let found = text
        .split_once("Invalid value: \"{")
        .and_then(|(start, rest)| Some((start, rest.rsplit_once("}\": ")?.1)));
    found.map_or_else(|| text.to_owned(), |(start, why)| format!("{start}Invalid value: …: {why}"))
}
