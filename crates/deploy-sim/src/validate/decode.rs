//! What cannot be read into the server's types: a bad request, before anything is validated.

use serde_json::Value;

use super::at::At;
use crate::defaults::quantity::Quantity;
use crate::kinds::Kind;
use crate::status::Status;

const QUANTITY: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// Refuses quantities and base64 that are none. The caller asks before it fills in defaults.
///
/// # Errors
/// 400 in the server's words.
pub(crate) fn decode(kind: &Kind, object: &Value) -> Result<(), Status> {
    if kind.custom {
        return Ok(());
    }
    let refuse = |why: &str| {
        let (version, kind) = (&kind.version, &kind.kind);
        Err(Status::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
        )))
    };
    let root = At::root(object);
    if !maps(kind, &root).iter().all(are_quantities) {
        return refuse(QUANTITY);
    }
    let binary = match kind.kind.as_str() {
        "Secret" => root.field("data"),
        "ConfigMap" => root.field("binaryData"),
        _ => return Ok(()),
    };
    for (_, at) in binary.entries() {
        if let Some(index) = base64_error(at.text()) {
            return refuse(&format!("illegal base64 data at input byte {index}"));
        }
    }
    Ok(())
}

/// The maps of quantities of a kind.
fn maps<'a>(kind: &Kind, root: &At<'a>) -> Vec<At<'a>> {
    let spec = root.field("spec");
    let of = |resources: &At<'a>| [resources.field("requests"), resources.field("limits")];
    let pod = match kind.kind.as_str() {
        "ResourceQuota" => return vec![spec.field("hard")],
        "PersistentVolumeClaim" => return of(&spec.field("resources")).into(),
        "PersistentVolume" => return vec![spec.field("capacity")],
        "Pod" => spec.clone(),
        "CronJob" => spec.fields(["jobTemplate", "spec", "template", "spec"]),
        "PodTemplate" => root.fields(["template", "spec"]),
        _ => spec.fields(["template", "spec"]),
    };
    let mut maps = vec![pod.field("overhead")];
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        maps.extend(pod.field(list).items().flat_map(|container| of(&container.field("resources"))));
    }
    let claims = spec.field("volumeClaimTemplates");
    maps.extend(claims.items().flat_map(|claim| of(&claim.fields(["spec", "resources"]))));
    maps
}

fn are_quantities(map: &At<'_>) -> bool {
    map.entries().all(|(_, amount)| !amount.is_set() || Quantity::of(amount.value).is_some())
}

/// Where base64 stops to be any, as Go's decoder counts.
fn base64_error(text: &str) -> Option<usize> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let bytes: Vec<u8> = text.bytes().filter(|byte| *byte != b'\n' && *byte != b'\r').collect();
    let letters = bytes.iter().take_while(|byte| is_letter(**byte)).count();
    let padding = bytes.iter().skip(letters).take_while(|byte| **byte == b'=').count();
    let complete = (letters + padding) % 4 == 0 && padding <= 2 && letters + padding == bytes.len();
    if complete { None } else { Some(letters.min(bytes.len())) }
}
