//! Volumes of Pods.

use std::collections::HashSet;

use super::at::At;
use super::container::check_inner_path;
use super::names;
use crate::status::Cause;

/// In the order in which the server looks for them.
const TYPES: [&str; 28] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "projected",
    "csi",
    "ephemeral",
];
const HOST_PATH_TYPES: [&str; 8] =
    ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// Answers the names that can be mounted.
pub(super) fn check<'a>(volumes: &At<'a>, out: &mut Vec<Cause>) -> HashSet<&'a str> {
    let mut seen = HashSet::new();
    for volume in volumes.items() {
        let mut set = TYPES.iter().map(|kind| (*kind, volume.field(kind))).filter(|(_, at)| at.is_set());
        if let Some((kind, source)) = set.next() {
            check_source(kind, &source, out);
        }
        out.extend(set.map(|(_, other)| other.forbidden("may not specify more than 1 volume type")));
        let name = volume.field("name");
        if name.text().is_empty() {
            out.push(name.required(""));
            continue;
        }
        let wrong = names::label(name.text());
        if wrong.is_empty() && !seen.insert(name.text()) {
            out.push(name.duplicate());
        }
        out.extend(name.invalid_for(wrong));
    }
    seen
}

fn check_source(kind: &str, source: &At<'_>, out: &mut Vec<Cause>) {
    match kind {
        "hostPath" => {
            if source.field("path").text().is_empty() {
                out.push(source.field("path").required(""));
            }
            source.field("type").one_of(&HOST_PATH_TYPES, out);
        }
        "secret" => check_files(source, "secretName", out),
        "configMap" => check_files(source, "name", out),
        "downwardAPI" => check_mode(&source.field("defaultMode"), out),
        "persistentVolumeClaim" if source.field("claimName").text().is_empty() => {
            out.push(source.field("claimName").required(""));
        }
        "projected" => {
            check_mode(&source.field("defaultMode"), out);
            for source in source.field("sources").items() {
                for kind in ["secret", "configMap"] {
                    if source.field(kind).is_set() {
                        check_files(&source.field(kind), "name", out);
                    }
                }
            }
        }
        _ => {}
    }
}

/// Of a ConfigMap or Secret.
fn check_files(source: &At<'_>, name: &str, out: &mut Vec<Cause>) {
    if source.field(name).text().is_empty() {
        out.push(source.field(name).required(""));
    }
    check_mode(&source.field("defaultMode"), out);
    for item in source.field("items").items() {
        for field in ["key", "path"] {
            if item.field(field).text().is_empty() {
                out.push(item.field(field).required(""));
            }
        }
        check_inner_path(&item.field("path"), out);
        check_mode(&item.field("mode"), out);
    }
}

fn check_mode(mode: &At<'_>, out: &mut Vec<Cause>) {
    if mode.number().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        out.push(mode.invalid("must be a number between 0 and 0777 (octal), both inclusive"));
    }
}
