//! Whether an object is small enough to be written.

use std::io;

use serde_json::Value;

use super::Object;
use crate::error::Result;

/// The largest object, in bytes of its JSON: etcd refuses a request over 1.5 MiB.
pub const MAX_OBJECT_BYTES: usize = 1_572_864;

/// The most that the values of one ConfigMap or Secret may hold together, in bytes: the API server refuses more.
pub const MAX_DATA_BYTES: usize = 1024 * 1024;

/// Refuses an object that the API server would refuse for its size.
pub(super) fn check_size(object: &Object) -> Result<()> {
    let mut count = Count(0);
    // Writing JSON that came from JSON into a counter cannot fail.
    let _ = serde_json::to_writer(&mut count, object.value());
    if count.0 > MAX_OBJECT_BYTES {
        let message = format!("{} is {} bytes, over the limit of {MAX_OBJECT_BYTES}", object.id(), count.0);
        return Err(object.error(message).help("etcd refuses larger objects: split it"));
    }
    let secret = object.kind() == "Secret";
    if object.group().is_empty() && (secret || object.kind() == "ConfigMap") {
        let bytes = |field: &str, base64: bool| -> usize {
            let values = object.get(field).and_then(Value::as_object).into_iter().flatten();
            values
                .filter_map(|(_, value)| value.as_str())
                .map(|text| if base64 { text.len() / 4 * 3 } else { text.len() })
                .sum()
        };
        let total = bytes("/data", secret) + bytes("/binaryData", true) + bytes("/stringData", false);
        // Padding makes the size of base64 uncertain by two bytes a value: the API server decides about those.
        if total > MAX_DATA_BYTES + 3 * 1024 {
            let message = format!("{} holds {total} bytes, over the limit of {MAX_DATA_BYTES}", object.id());
            return Err(object.error(message).help("the API server refuses larger ones: split it"));
        }
    }
    Ok(())
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
