//! What is deployed, what others do meanwhile, and what goes wrong, as data.

use std::time::Duration;

use deploy_sim::Fault;
use proptest::prelude::*;
use proptest::sample::subsequence;

/// The objects of a bundle: its Deployments by their image, its ConfigMaps by their value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) workloads: Vec<(&'static str, &'static str, u8)>,
    pub(crate) maps: Vec<(&'static str, u8)>,
}

/// What somebody else does at some time after the run began.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) after: Duration,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// A field that is nobody's.
    Annotate(&'static str),
    /// A field of ours.
    Set(&'static str),
    DeleteMap(&'static str),
    DeletePods,
    Scale(&'static str, u8),
}

/// Something that goes wrong with requests.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    what: usize,
    skip: u32,
    times: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) before: Wanted,
    pub(crate) after: Wanted,
    pub(crate) edits: Vec<Edit>,
    pub(crate) troubles: Vec<Trouble>,
    /// When the API server is down, and for how long.
    pub(crate) down: Option<(Duration, Duration)>,
    pub(crate) seed: u64,
}

const WORKLOADS: [&str; 3] = ["api", "web", "worker"];
const MAPS: [&str; 3] = ["settings", "routes", "flags"];

impl Trouble {
    pub(crate) fn fault(&self) -> Fault {
        let second = Duration::from_secs(1);
        let all = [
            Fault::latency(Duration::from_millis(700)),
            Fault::overloaded(second),
            Fault::server_error(),
            Fault::request_lost(),
            Fault::answer_lost(),
            Fault::answer_lost().on("PATCH", ""),
            Fault::request_lost().on("PATCH", ""),
            Fault::server_error().on("PATCH", ""),
            Fault::answer_lost().on("POST", ""),
            Fault::watch_broken(Duration::from_millis(300)),
            Fault::expired(),
        ];
        let fault = all.into_iter().nth(self.what).unwrap_or_else(Fault::server_error);
        fault.skip(self.skip).times(self.times)
    }
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let down = prop::option::weighted(0.2, (millis(0..4000), millis(100..20_000)));
    let edits = prop::collection::vec(edit(), 0..3);
    let troubles = prop::collection::vec(trouble(), 0..5);
    (
        wanted(&["v1", "v2"]),
        wanted(&["v1", "v2", "v3", "v2", "crash", "does-not-exist"]),
        edits,
        troubles,
        down,
        any::<u64>(),
    )
        .prop_map(|(before, after, edits, troubles, down, seed)| Case {
            before,
            after,
            edits,
            troubles,
            down,
            seed,
        })
}

fn wanted(images: &'static [&'static str]) -> impl Strategy<Value = Wanted> {
    let workload = subsequence(WORKLOADS.to_vec(), 0..=2).prop_flat_map(move |names| {
        let each = names.into_iter().map(|name| (Just(name), prop::sample::select(images), 0..3_u8));
        each.collect::<Vec<_>>()
    });
    let maps = subsequence(MAPS.to_vec(), 1..=3)
        .prop_flat_map(|names| names.into_iter().map(|name| (Just(name), 0..4_u8)).collect::<Vec<_>>());
    (workload, maps).prop_map(|(workloads, maps)| Wanted { workloads, maps })
}

fn edit() -> impl Strategy<Value = Edit> {
    let what = prop_oneof![
        prop::sample::select(&MAPS[..]).prop_map(What::Annotate),
        prop::sample::select(&MAPS[..]).prop_map(What::Set),
        prop::sample::select(&MAPS[..]).prop_map(What::DeleteMap),
        Just(What::DeletePods),
        (prop::sample::select(&WORKLOADS[..]), 0..4_u8).prop_map(|(name, count)| What::Scale(name, count)),
    ];
    (millis(0..6000), what).prop_map(|(after, what)| Edit { after, what })
}

fn trouble() -> impl Strategy<Value = Trouble> {
    (0..11_usize, 0..60_u32, 1..4_u32).prop_map(|(what, skip, times)| Trouble { what, skip, times })
}

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

impl Wanted {
    /// As manifests.
    pub(crate) fn manifests(&self, registry: &str) -> String {
        let mut text = String::new();
        for (name, value) in &self.maps {
            let value = value.to_string();
            text += &[
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ",
                name,
                "}\ndata: {v: \"",
                &value,
                "\"}\n---\n",
            ]
            .concat();
        }
        let workloads = self.workloads.iter().map(|(name, image, replicas)| {
            format!(
                "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {{name: {name}, image: '{registry}/api:{image}', readinessProbe: {{httpGet: {{path: /healthz, port: 8080}}, periodSeconds: 1}}}}
---
"
            )
        });
        text.extend(workloads);
        text
    }

    /// Whether nothing of it can run.
    pub(crate) fn is_bad(&self) -> bool {
        self.workloads.iter().any(|(_, image, replicas)| *replicas > 0 && !image.starts_with('v'))
    }
}
