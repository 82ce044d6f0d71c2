//! A stand-in for kubectl: this test program itself, called by a script on the node's PATH. Its cluster is a JSON file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The cluster, and how it misbehaves.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct World {
    /// Written so often.
    pub(crate) version: u64,
    /// By `kind.group/namespace/name`.
    pub(crate) objects: BTreeMap<String, Value>,
    /// What goes wrong, the first that fits.
    pub(crate) faults: Vec<Fault>,
    /// The command lines so far.
    pub(crate) calls: Vec<String>,
    /// What was recorded, and is shown instead of what would be.
    pub(crate) replay: Option<Replay>,
}

/// A recording, and the clock it is shown by.
#[derive(Serialize, Deserialize)]
pub(crate) struct Replay {
    pub(crate) file: String,
    /// A file with seconds since 1970.
    pub(crate) clock: String,
    /// When the recording begins.
    pub(crate) start: u64,
}

impl Replay {
    /// What there was of these kinds by now.
    fn live(&self, kinds: &[String]) -> Vec<Value> {
        let now: u64 = fs::read_to_string(&self.clock).expect("a clock").trim().parse().expect("seconds");
        let since = Duration::from_secs(now - self.start).as_secs_f64();
        let text = fs::read_to_string(&self.file).expect("a recording");
        let mut objects = BTreeMap::new();
        for line in text.lines() {
            let mut line: Value = serde_json::from_str(line).expect("JSON");
            if line["t"].as_f64().expect("a time") > since {
                break;
            }
            let object = line["object"].take();
            match line["type"].as_str() {
                Some("APPLY") => None,
                Some("DELETED") => objects.remove(&key(&object)),
                _ => objects.insert(key(&object), object),
            };
        }
        objects.into_values().filter(|object| kinds.contains(&key_of(object))).collect()
    }
}

/// Something that goes wrong with calls that begin with `on`.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub(crate) on: String,
    /// How often still; `None` for always.
    pub(crate) times: Option<u32>,
    pub(crate) millis: u64,
    pub(crate) stderr: String,
    /// Whether it is only slow.
    pub(crate) passes: bool,
}

impl Fault {
    pub(crate) fn always(on: &str, stderr: &str) -> Self {
        Self { on: on.into(), stderr: stderr.into(), ..Self::default() }
    }

    pub(crate) fn slow(on: &str, millis: u64) -> Self {
        Self { on: on.into(), millis, passes: true, ..Self::default() }
    }
}

/// The script that stands for kubectl in `bin`.
pub(crate) fn shim(world: &Path) -> String {
    let exe = std::env::current_exe().expect("this program has a path");
    format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\nd=$(mktemp -d)\nprintf '%s\\n' \"$@\" >$d/args\n\
         STAND_IN=$d WORLD='{}' '{}' --exact cluster::kubectl --test-threads=1 >$d/test 2>&1\n\
         cat $d/stderr >&2; c=$(cat $d/code || cat $d/test >&2); cat $d/stdout || c=1; rm -rf $d; exit ${{c:-99}}\n",
        world.display(),
        exe.display()
    )
}

/// Reads or changes the world, alone.
pub(crate) fn with_world<T>(path: &Path, act: impl FnOnce(&mut World) -> T) -> T {
    let lock = File::create(path.with_extension("lock")).expect("a lock");
    lock.lock().expect("is locked");
    let mut world = fs::read(path)
        .map_or_else(|_| World::default(), |bytes| serde_json::from_slice(&bytes).expect("a world"));
    let done = act(&mut world);
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec(&world).expect("is JSON")).expect("is written");
    fs::rename(new, path).expect("is replaced");
    done
}

/// The stand-in, when the shim calls; otherwise a look at itself.
#[test]
#[expect(clippy::disallowed_methods, reason = "the shim says by its environment that this is a call")]
fn kubectl() {
    let (Ok(folder), Ok(world)) = (std::env::var("STAND_IN"), std::env::var("WORLD")) else {
        let mut world = World::default();
        let said = answer(&mut world, &["get".into(), "--raw".into(), "/readyz".into()]);
        assert_eq!(said, Ok("ok".into()));
        return;
    };
    let folder = PathBuf::from(folder);
    let args = fs::read_to_string(folder.join("args")).expect("arguments");
    let args: Vec<String> =
        args.lines().filter(|arg| !arg.starts_with("--request-timeout")).map(str::to_owned).collect();
    let line = args.join(" ");
    let fault = with_world(Path::new(&world), |world| {
        world.calls.push(line.clone());
        let fault =
            world.faults.iter_mut().find(|fault| line.starts_with(&fault.on) && fault.times != Some(0));
        fault.map(|fault| {
            fault.times = fault.times.map(|times| times - 1);
            fault.clone()
        })
    });
    if let Some(fault) = &fault {
        std::thread::sleep(Duration::from_millis(fault.millis));
    }
    let said = match fault.filter(|fault| !fault.passes) {
        Some(fault) => Err(fault.stderr),
        None => with_world(Path::new(&world), |world| answer(world, &args)),
    };
    let (out, error, code) = match said {
        Ok(out) => (out, String::new(), "0"),
        Err(error) => (String::new(), error, "1"),
    };
    fs::write(folder.join("stdout"), out).expect("is written");
    fs::write(folder.join("stderr"), error).expect("is written");
    fs::write(folder.join("code"), code).expect("is written");
}

fn answer(world: &mut World, args: &[String]) -> Result<String, String> {
    let flag = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name));
    let files: Vec<&String> = args
        .iter()
        .zip(args.iter().skip(1))
        .filter(|(flag, _)| *flag == "-f")
        .map(|(_, file)| file)
        .collect();
    let namespace = flag("--namespace=").unwrap_or_default();
    let plain: Vec<&String> =
        args.iter().skip(1).filter(|arg| !arg.starts_with('-') && *arg != "json" && *arg != "name").collect();
    match args.first().map(String::as_str) {
        Some("get") if args.iter().any(|arg| arg == "/readyz") => Ok("ok".into()),
        Some("get") if !files.is_empty() => {
            let found: Vec<Value> =
                items(&files).iter().filter_map(|item| world.objects.get(&key(item)).cloned()).collect();
            Ok(if found.is_empty() { String::new() } else { listed(&found) })
        }
        Some("get") if plain.iter().any(|name| name.contains('/')) => {
            let found = plain.iter().filter_map(|name| world.objects.get(&named(name, namespace)).cloned());
            Ok(listed(&found.collect::<Vec<_>>()))
        }
        Some("get") => {
            let kinds: Vec<String> = plain.iter().flat_map(|kinds| kinds.split(',')).map(kind_key).collect();
            Ok(match &world.replay {
                Some(replay) => listed(&replay.live(&kinds)),
                None => listed(&live(world, namespace, &kinds)),
            })
        }
        Some("apply" | "replace" | "create") => {
            let mut out = Vec::new();
            for item in items(&files) {
                out.push(write(world, item)?);
            }
            Ok(if args.iter().any(|arg| arg == "json") { listed(&out) } else { String::new() })
        }
        Some("delete") => {
            let mut stuck = String::new();
            for name in plain {
                let name = named(name, namespace);
                if world
                    .objects
                    .get(&name)
                    .is_some_and(|object| object.pointer("/metadata/finalizers").is_some())
                {
                    stuck = format!("error: timed out waiting for the condition on {name}\n");
                } else {
                    world.objects.remove(&name);
                }
            }
            if stuck.is_empty() { Ok(stuck) } else { Err(stuck) }
        }
        Some("logs") => Ok("boom \"quoted\" \\ \u{1b}[31m\n".into()),
        Some("version") => {
            Ok("{\n    \"clientVersion\": {\n        \"gitVersion\": \"v1.36.2\"\n    }\n}\n".into())
        }
        other => Err(format!("error: unknown command {other:?}\n")),
    }
}

/// `Deployment.v1.apps` as `Deployment.apps`.
fn kind_key(resource: &str) -> String {
    let mut parts = resource.splitn(3, '.');
    let kind = parts.next().unwrap_or_default();
    format!("{kind}.{}", parts.nth(1).unwrap_or_default())
}

fn named(name: &str, namespace: &str) -> String {
    let (resource, name) = name.split_once('/').expect("a kind and a name");
    format!("{}/{namespace}/{name}", kind_key(resource))
}

pub(crate) fn key(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let group = text("/apiVersion").split_once('/').map_or("", |(group, _)| group);
    format!("{}.{group}/{}/{}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}

fn items(files: &[&String]) -> Vec<Value> {
    let read = |file: &&String| -> Vec<Value> {
        let bytes = fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        value["items"].as_array().cloned().unwrap_or_else(|| vec![value])
    };
    files.iter().flat_map(read).collect()
}

/// As an API server writes: versions change only if the object does.
fn write(world: &mut World, mut item: Value) -> Result<Value, String> {
    let key = key(&item);
    let name = item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if item.pointer("/data/refuse").is_some() {
        let kind = item["kind"].as_str().unwrap_or_default();
        return Err(format!(
            "The {kind} \"{name}\" is invalid: data.refuse: Invalid value: \"a \\\\ \\\"b\\\"\": as asked\n"
        ));
    }
    if let Some(metadata) = item["metadata"].as_object_mut() {
        metadata.retain(|name, _| !matches!(name.as_str(), "resourceVersion" | "uid" | "generation"));
    }
    let bare = |object: &Value| {
        let mut object = object.clone();
        object.as_object_mut().expect("an object").remove("status");
        for member in ["uid", "resourceVersion", "generation"] {
            object["metadata"].as_object_mut().expect("metadata").remove(member);
        }
        object
    };
    let old = world.objects.get(&key).cloned();
    if old.as_ref().is_some_and(|old| bare(old) == bare(&item)) {
        return Ok(old.expect("is there"));
    }
    world.version += 1;
    let version = world.version;
    let generation = old.as_ref().and_then(|old| old["metadata"]["generation"].as_u64()).unwrap_or(0);
    let changed = old.as_ref().is_none_or(|old| old["spec"] != item["spec"]);
    let uid =
        old.as_ref().map_or_else(|| json!(format!("uid-{version}")), |old| old["metadata"]["uid"].clone());
    item["metadata"]["uid"] = uid;
    item["metadata"]["resourceVersion"] = json!(version.to_string());
    item["metadata"]["generation"] = json!(generation + u64::from(changed));
    world.objects.insert(key, item.clone());
    Ok(item)
}

/// What is there of these kinds, with the pods that Deployments would have.
fn live(world: &World, namespace: &str, kinds: &[String]) -> Vec<Value> {
    let mut out = Vec::new();
    for (key, object) in &world.objects {
        let (kind, rest) = key.split_once('/').expect("a key");
        if rest.split_once('/').is_none_or(|(found, _)| found != namespace) {
            continue;
        }
        if kind == "Deployment.apps" {
            let run = running(object);
            out.extend(run.into_iter().filter(|object| kinds.iter().any(|kind| key_of(object) == *kind)));
        } else if kinds.iter().any(|wanted| wanted == kind) {
            out.push(object.clone());
        }
    }
    out
}

fn key_of(object: &Value) -> String {
    key(object).split_once('/').expect("a key").0.to_owned()
}

/// A Deployment with its status, its ReplicaSet and its pod, by the words in its image.
fn running(deployment: &Value) -> Vec<Value> {
    let mut deployment = deployment.clone();
    let image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let ready = !image.contains("bad") && !image.contains("slow");
    let hash =
        format!("{:x}", image.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31) + u32::from(byte)));
    let (name, namespace) =
        (deployment["metadata"]["name"].clone(), deployment["metadata"]["namespace"].clone());
    let name = name.as_str().expect("a name");
    let count = u64::from(ready);
    deployment["status"] = json!({"observedGeneration": deployment["metadata"]["generation"], "replicas": 1, "updatedReplicas": 1,
        "readyReplicas": count, "availableReplicas": count, "unavailableReplicas": 1 - count});
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    let owner = |kind: &str, name: &str, uid: &Value| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true}]);
    let (set, born) = (format!("{name}-{hash}"), "2026-11-01T00:00:00Z");
    let set_uid = json!(format!("{}-{hash}", deployment["metadata"]["uid"].as_str().unwrap_or_default()));
    let state = if image.contains("bad") {
        json!({"waiting": {"reason": "ImagePullBackOff", "message": format!("Back-off pulling image \"{image}\": ErrImagePull: rpc error: code = NotFound desc = failed to resolve reference \"{image}\": {image}: not found")}})
    } else {
        json!({"running": {"startedAt": born}})
    };
    let set_object = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": set, "namespace": namespace, "uid": set_uid,
        "creationTimestamp": born, "labels": template["metadata"]["labels"], "ownerReferences": owner("Deployment", name, &deployment["metadata"]["uid"])},
        "spec": {"replicas": 1, "selector": deployment["spec"]["selector"], "template": template},
        "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": count, "availableReplicas": count}});
    let flag = if ready { "True" } else { "False" };
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("{set}-x"), "namespace": namespace, "uid": format!("pod-{hash}"),
        "creationTimestamp": born, "labels": template["metadata"]["labels"], "ownerReferences": owner("ReplicaSet", &set, &set_uid)},
        "spec": template["spec"],
        "status": {"phase": if image.contains("bad") { "Pending" } else { "Running" },
            "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": flag}],
            "containerStatuses": [{"name": "api", "image": image, "ready": ready, "restartCount": 0, "started": !image.contains("bad"), "state": state}]}});
    vec![deployment, set_object, pod]
}

/// As kubectl prints: one object alone, more in a List; sorted keys, four spaces a level.
fn listed(objects: &[Value]) -> String {
    let value = match objects {
        [alone] => alone.clone(),
        _ => {
            json!({"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}})
        }
    };
    let mut bytes = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, format);
    value.serialize(&mut writer).expect("is JSON");
    String::from_utf8(bytes).expect("is UTF-8") + "\n"
}
