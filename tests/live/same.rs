//! The embedded API server beside the real one: the same requests, the same answers.
//!
//! A step of a script is a method, a path, and a content type where it is not JSON's own; the body stands on the line below. Compared are
//! the status codes and the bodies, but for what no two servers have in common: uids, resourceVersions, times.

use deploy_sim::SimCluster;
use deploy_tests::live;
use http::{Request, header};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

const SCRIPTS: [(&str, &str); 8] = [
    ("refused", include_str!("same/refused.http")),
    ("scale", include_str!("same/scale.http")),
    ("kinds", include_str!("same/kinds.http")),
    ("apply", include_str!("same/apply.http")),
    ("discovery", include_str!("same/discovery.http")),
    ("config_maps", include_str!("same/config_maps.http")),
    ("finalizers", include_str!("same/finalizers.http")),
    ("lists", include_str!("same/lists.http")),
];

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn the_embedded_api_server_answers_as_the_real_one() {
    live("same", async |env| {
        let embedded = SimCluster::builder().start();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": env.namespace}});
        send(&embedded.client(), "POST /api/v1/namespaces?fieldManager=unknown", &namespace.to_string())
            .await;
        let mut different = Vec::new();
        for (name, script) in SCRIPTS {
            for (number, (line, body)) in steps(&script.replace("$NS", &env.namespace)).enumerate() {
                let real = send(&env.kube, &line, &body).await;
                let ours = send(&embedded.client(), &line, &body).await;
                if real != ours {
                    different.push(format!(
                        "{name} {}: {line}\n  real: {} {}\n  ours: {} {}",
                        number + 1,
                        real.0,
                        real.1,
                        ours.0,
                        ours.1
                    ));
                }
            }
        }
        assert!(different.is_empty(), "{} answers differ\n{}", different.len(), different.join("\n"));
    })
    .await;
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

async fn send(client: &kube::Client, line: &str, body: &str) -> (u16, Value) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [method, path, content_type @ ..] = words.as_slice() else { panic!("no request: {line}") };
    let request = Request::builder()
        .method(*method)
        .uri(*path)
        .header(header::CONTENT_TYPE, content_type.first().copied().unwrap_or("application/json"))
        .header(header::USER_AGENT, "same/1")
        .body(Body::from(body.as_bytes().to_vec()))
        .expect("a request");
    let response = client.send(request).await.expect("an answer");
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let mut body =
        serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into());
    blur(&mut body);
    (code, body)
}

/// Takes out what no two servers have in common.
fn blur(value: &mut Value) {
    const BLURRED: [&str; 7] = [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "time",
        "continue",
        "lastTransitionTime",
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
            }
        }
        Value::Array(list) => list.iter_mut().for_each(blur),
        Value::String(text) => *text = without_uids(text),
        _ => {}
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
