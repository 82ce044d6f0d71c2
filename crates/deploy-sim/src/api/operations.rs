//! JSON patch (RFC 6902), within bounds: a patch of some bytes must not make an object of gigabytes, nor one too deep to go through.

use json_patch::{AddOperation, CopyOperation, MoveOperation, PatchOperation, ReplaceOperation};
use serde_json::{Value, json};

use crate::request::MAX_BODY;
use crate::server;
use crate::status::Status;

/// Values in values, as deep as JSON is read.
const DEEPEST: usize = 128;
/// Values looked at to know how deep they are, in one patch.
const MOST_VISITS: usize = 10_000_000;

/// Does all of a patch.
///
/// # Errors
/// 422, without why, as the API server says it; 413 where it copies more than a request may bring.
pub(super) fn carry_out(object: &mut Value, operations: json_patch::Patch) -> Result<(), Status> {
    let (mut copied, mut visits) = (0_usize, 0_usize);
    for operation in operations.0 {
        let operation = match operation {
            // What is not there is replaced, too, as Go's library does.
            PatchOperation::Replace(ReplaceOperation { path, value }) if path.resolve(&*object).is_err() => {
                PatchOperation::Add(AddOperation { path, value })
            }
            operation => operation,
        };
        if let PatchOperation::Copy(CopyOperation { from, .. }) = &operation
            && let Ok(value) = from.resolve(&*object)
        {
            copied = copied.saturating_add(server::written(value).len());
            if copied > MAX_BODY {
                let why = format!(
                    "Request entity is too large: Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit {MAX_BODY}"
                );
                return Err(Status::new(413, "RequestEntityTooLarge", why));
            }
        }
        let put = match &operation {
            PatchOperation::Add(AddOperation { path, value })
            | PatchOperation::Replace(ReplaceOperation { path, value }) => Some((path, value)),
            PatchOperation::Copy(CopyOperation { from, path })
            | PatchOperation::Move(MoveOperation { from, path }) => {
                from.resolve(&*object).ok().map(|value| (path, value))
            }
            _ => None,
        };
        if let Some((path, value)) = put {
            let left = DEEPEST.checked_sub(path.tokens().count()).ok_or_else(refused)?;
            if !is_within(value, left, &mut visits) {
                return Err(refused());
            }
            if visits > MOST_VISITS {
                let why = "Request entity is too large: the patch moves too much";
                return Err(Status::new(413, "RequestEntityTooLarge", why));
            }
        }
        json_patch::patch(object, &[operation]).map_err(|_| refused())?;
    }
    // An operation may replace the whole document.
    if object.is_object() { Ok(()) } else { Err(refused()) }
}

fn refused() -> Status {
    let why = "the server rejected our request due to an error in our request";
    Status { details: Some(json!({})), ..Status::new(422, "Invalid", why) }
}

/// Whether a value has no more values in values than this.
fn is_within(value: &Value, left: usize, visits: &mut usize) -> bool {
    *visits += 1;
    let mut below = |value: &Value| left.checked_sub(1).is_some_and(|left| is_within(value, left, visits));
    match value {
        Value::Array(items) => items.iter().all(&mut below),
        Value::Object(fields) => fields.values().all(&mut below),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(before: Value, operations: Vec<Value>) -> u16 {
        let mut object = before;
        let operations = serde_json::from_value(operations.into()).unwrap();
        carry_out(&mut object, operations).err().map_or(200, |status| status.code)
    }

    #[test]
    fn copies_have_an_end() {
        let copy = json!({"op": "copy", "from": "/data", "path": "/data/x"});
        let add = |at: usize| json!({"op": "copy", "from": "/data/a", "path": format!("/data/{at}")});
        let large = json!({"data": {"a": "x".repeat(MAX_BODY / 4)}});
        // Each is twice as large as the last one.
        assert_eq!(code(large.clone(), vec![copy.clone(); 10]), 413);
        assert_eq!(code(large.clone(), (0..3).map(add).collect()), 200);
        assert_eq!(code(large, (0..4).map(add).collect()), 413);
        assert_eq!(code(json!({"data": {}}), vec![copy; 3]), 200);
    }

    #[test]
    fn depth_has_an_end() {
        let into = |op: &str, from: &str, path: String| json!({"op": op, "from": from, "path": path});
        let deeper = |at: usize| into("copy", "/data", format!("/data{}", "/x".repeat((1 << at).min(200))));
        assert_eq!(code(json!({"data": {}}), (0..5).map(deeper).collect()), 200);
        assert_eq!(code(json!({"data": {}}), (0..20).map(deeper).collect()), 422);
        // Each map into the next, by short paths.
        let maps: serde_json::Map<String, Value> =
            (0..1_000).map(|at| (format!("m{at}"), json!({}))).collect();
        let chain = |at: usize| into("move", &format!("/m{at}"), format!("/m{}/x", at + 1));
        assert_eq!(code(maps.clone().into(), (0..100).map(chain).collect()), 200);
        assert_eq!(code(maps.into(), (0..999).map(chain).collect()), 422);
        let add = json!({"op": "add", "path": "/x".repeat(1_000_000), "value": 1});
        assert_eq!(code(json!({}), vec![add]), 422);
    }

    #[test]
    fn what_is_not_there_is_replaced() {
        let replace = json!({"op": "replace", "path": "/a", "value": 1});
        assert_eq!(code(json!({}), vec![replace]), 200);
        assert_eq!(code(json!({}), vec![json!({"op": "replace", "path": "", "value": 1})]), 422);
        assert_eq!(code(json!({}), vec![json!({"op": "remove", "path": "/a"})]), 422);
    }
}
