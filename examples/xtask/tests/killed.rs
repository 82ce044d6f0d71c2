//! `release`, killed at its writes: helm reads whatever is left, and the next run comes to the end that an undisturbed one comes to.
//!
//! The program is a process of its own behind a port that kills it. On the embedded cluster every write is tried, on a live one some are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use deploy_sim::{Moment, Mortal};
use deploy_tests::{Env, Helm, Port, embedded, live};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::process::{config, deployment, end, start};

/// What is done with the release `app`: words and manifests.
type Step = (&'static str, fn() -> String);

struct Case {
    name: &'static str,
    before: &'static [Step],
    step: Step,
    /// The exit code.
    code: i32,
}

/// How a case ends when nobody disturbs it, and after how many writes.
struct End {
    state: Value,
    writes: u64,
    /// How many of them may be renewals of the lock, which a faster run does without.
    renewals: u64,
}

const UPGRADE: &str = "release upgrade app -f -";

const CASES: [Case; 4] = [
    Case { name: "xk-install", before: &[], step: (UPGRADE, old), code: 0 },
    Case { name: "xk-upgrade", before: &[(UPGRADE, old)], step: (UPGRADE, new), code: 0 },
    Case { name: "xk-failing", before: &[(UPGRADE, old)], step: (UPGRADE, bad), code: 1 },
    Case {
        name: "xk-back",
        before: &[(UPGRADE, old), (UPGRADE, new)],
        step: ("release rollback app 1", String::new),
        code: 0,
    },
];

/// Deaths at a time: each mostly waits.
const AT_ONCE: usize = 16;
/// Of so many deaths one is tried on a live cluster.
const SAMPLED: usize = 9;
/// The lock is renewed this often, in seconds: a run writes more the longer it takes.
const RENEWAL: u64 = 3;

fn old() -> String {
    deployment("api:v1", "/healthz") + &config("settings", "old") + &config("old", "x") + HOOKS
}

fn new() -> String {
    deployment("api:v2", "/healthz") + &config("settings", "new") + &config("new", "x") + HOOKS
}

fn bad() -> String {
    deployment("api:does-not-exist", "/healthz") + &config("settings", "bad") + &config("new", "x") + HOOKS
}

/// A Job takes a second or two: one is enough.
const HOOKS: &str = "---
apiVersion: batch/v1
kind: Job
metadata:
  name: before
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: hook-succeeded}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: before, command: [/bin/true], image: $REGISTRY/api:v1}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: before, annotations: {helm.sh/hook: 'pre-install,pre-rollback'}}
";

#[tokio::test]
#[ignore = "needs helm: tests/cluster/up"]
async fn at_every_write() {
    for case in &CASES {
        let mut first = None;
        embedded(case.name, async |env| first = Some(undisturbed(case, &env).await)).await;
        let wanted = first.expect("it ended");
        let left = Mutex::new(BTreeMap::<String, usize>::new());
        stream::iter(deaths(wanted.writes))
            .for_each_concurrent(AT_ONCE, async |death| {
                let mut status = String::new();
                embedded(case.name, async |env| status = is_killed(case, &env, death, &wanted).await).await;
                *left.lock().expect("alive").entry(status).or_default() += 1;
            })
            .await;
        let left = left.into_inner().expect("alive");
        println!("{}: the newest revision after each death: {left:?}", case.name);
        assert!(
            left.keys().any(|status| status.starts_with("pending-")),
            "no death left one under way: {left:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn at_some_writes_on_a_live_cluster() {
    stream::iter(&CASES)
        .for_each_concurrent(None, async |case| {
            let mut first = None;
            live(case.name, async |env| first = Some(undisturbed(case, &env).await)).await;
            let wanted = first.expect("it ended");
            for (number, death) in
                deaths(wanted.writes).into_iter().enumerate().skip(case.name.len() % SAMPLED).step_by(SAMPLED)
            {
                let name = format!("{}-{number}", case.name);
                live(&name, async |env| drop(is_killed(case, &env, death, &wanted).await)).await;
            }
        })
        .await;
}

/// Before and after each write.
fn deaths(writes: u64) -> Vec<(u64, Moment)> {
    (0..writes).flat_map(|write| [(write, Moment::Before), (write, Moment::After)]).collect()
}

async fn undisturbed(case: &Case, env: &Arc<Env>) -> End {
    let port = Port::open(env.kube.clone()).await;
    let whole = env.at(&port);
    begin(case, &whole).await;
    let process = Mortal::at_write(u64::MAX, Moment::Before);
    let port = Port::open(process.client(env.kube.clone())).await;
    let started = env.clock.now();
    run(case.step, &env.at(&port), case.code).await;
    let renewals = env.clock.now().since(started).as_secs() / RENEWAL + 2;
    End { state: state(&whole).await, writes: process.requests(), renewals }
}

/// Returns the status of the newest revision that it left.
async fn is_killed(case: &Case, env: &Arc<Env>, (write, moment): (u64, Moment), wanted: &End) -> String {
    let port = Port::open(env.kube.clone()).await;
    let whole = env.at(&port);
    begin(case, &whole).await;
    let process = Mortal::at_write(write, moment);
    let fatal = Port::open(process.client(env.kube.clone())).await;
    let (words, manifests) = case.step;
    let mut child = start(&env.at(&fatal), words, &manifests()).await;
    let ended = process.until_death(child.wait()).await;
    child.kill().await.expect("it is gone");
    assert!(ended.is_none() || write + wanted.renewals >= wanted.writes, "{}: no write {write}", case.name);

    let releases = whole.helm_json(Helm::Four, &["list"]).await;
    let left = if releases.as_array().is_some_and(Vec::is_empty) {
        None
    } else {
        statuses(&whole.helm_json(Helm::Four, &["history", "app"]).await).pop()
    };
    env.hurry_lease("deploy.app").await;
    run(case.step, &whole, case.code).await;
    assert_eq!(state(&whole).await, wanted.state, "{}, {process}", case.name);
    env.assert_no_records().await;
    left.unwrap_or_default()
}

async fn begin(case: &Case, env: &Env) {
    for step in case.before {
        run(*step, env, 0).await;
    }
}

async fn run((words, manifests): Step, env: &Env, code: i32) {
    end(start(env, words, &manifests()).await).await.with(code);
}

/// As helm tells them, the oldest first.
fn statuses(history: &Value) -> Vec<String> {
    let revisions = history.as_array().into_iter().flatten();
    revisions.filter_map(|one| one["status"].as_str()).map(str::to_owned).collect()
}

/// What stands, and how helm lists it.
async fn state(env: &Env) -> Value {
    let history = env.helm_json(Helm::Four, &["history", "app"]).await;
    let statuses = statuses(&history);
    let count = |word: &str| statuses.iter().filter(|status| status.contains(word)).count();
    let mut maps = Vec::new();
    for map in env.all("v1", "ConfigMap").await {
        if map["metadata"]["name"] != "kube-root-ca.crt" {
            maps.push(json!([map["metadata"]["name"], map["data"]]));
        }
    }
    json!({
        "newest": statuses.last(), "deployed": count("deployed"), "pending": count("pending"),
        "image": env.image("Deployment").await, "ready": env.ready_images().await, "maps": maps,
        "jobs": env.all("batch/v1", "Job").await.len(),
    })
}
