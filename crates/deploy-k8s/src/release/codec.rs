//! A record as text: JSON, gzipped, in base64 (`pkg/storage/driver/util.go`). The API has the text in base64 once more, as it has all
//! that Secrets hold.
//!
//! Whoever may write Secrets in the namespace may write anything there: caps on what is read, and an error instead of a guess.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deploy_core::error::{Error, ErrorKind, Result};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::record::Record;

/// What a Secret can hold, in bytes of all its values (`core/v1`, `MaxSecretSize`).
pub(crate) const MAX_TEXT: usize = 1 << 20;
/// A record larger than this is refused before it is read whole: gzip makes of 1 MiB a GiB at most.
const MAX_JSON: u64 = 64 << 20;
/// What is left free of a Secret when a revision is planned, in bytes: the reason why it failed packs to less.
const ROOM: usize = 8 << 10;
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Whether there is room for a record, and for what will be said of it when it fails.
///
/// # Errors
/// As [`encode`].
pub(crate) fn check_room(record: &Record) -> Result<()> {
    within(&pack(record)?, record, MAX_TEXT - ROOM)
}

/// Writes a record.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) for one that no Secret can hold.
pub(crate) fn encode(record: &Record) -> Result<String> {
    let text = pack(record)?;
    within(&text, record, MAX_TEXT)?;
    Ok(text)
}

fn pack(record: &Record) -> Result<String> {
    let failed = |error| Error::new(ErrorKind::Internal, "cannot write the release's record").source(error);
    let json = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let packed = gzip.write_all(&json).and_then(|()| gzip.finish()).map_err(failed)?;
    Ok(STANDARD.encode(packed))
}

fn within(text: &str, record: &Record, max: usize) -> Result<()> {
    if text.len() <= max {
        return Ok(());
    }
    let (revision, bytes) = (record.version, text.len());
    let why =
        format!("the record of revision {revision} takes {bytes} bytes, and a Secret has room for {max}");
    Err(Error::invalid(why).help("split the release into several"))
}

/// Reads a record.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) for what is none, or too large.
pub(crate) fn decode(text: &[u8]) -> Result<Record> {
    let packed = STANDARD.decode(text).map_err(|error| unreadable("it is not base64").source(error))?;
    // Helm of long ago did not compress.
    let json = if packed.starts_with(&GZIP) { unpack(&packed)? } else { packed };
    let record: Record = serde_json::from_slice(&json).map_err(|error| unreadable(&place_of(&error)))?;
    Ok(record)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let mut json = Vec::new();
    let mut reader = MultiGzDecoder::new(packed).take(MAX_JSON + 1);
    let read = reader.read_to_end(&mut json).map_err(|error| unreadable("it is not gzip").source(error))?;
    if read as u64 > MAX_JSON {
        return Err(unreadable(&format!("it is larger than {} MiB", MAX_JSON >> 20)));
    }
    Ok(json)
}

/// Where the JSON is wrong, without what stands there: values may be secret, and serde's messages quote them.
fn place_of(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "not a release" } else { "not JSON" };
    format!("it is {what} at line {} column {}", error.line(), error.column())
}

pub(super) fn unreadable(why: &str) -> Error {
    Error::invalid(format!("the release's record cannot be read: {why}"))
        .help("it is left as it is; `helm` may know more, or delete the Secret if its revision is not needed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::record::ReleaseStatus;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn text(json: &Value) -> String {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(json.to_string().as_bytes()).unwrap();
        STANDARD.encode(gzip.finish().unwrap())
    }

    #[test]
    fn what_a_later_helm_adds_stays() {
        let record = json!({
            "name": "shop", "version": 2, "namespace": "default", "manifest": "---\n", "apply_method": "ssa", "later": {"a": 1},
            "info": {"status": "deployed", "first_deployed": "2026-11-21T07:53:25.1+01:00", "resources": {"v1": []}},
            "hooks": [{"name": "test", "kind": "Pod", "weight": 5, "events": ["test"], "last_run": {"phase": "Succeeded"}}],
            "chart": {"metadata": {"name": "shop", "version": "1.0.0"}, "values": {"a": null}},
        });
        let read = decode(text(&record).as_bytes()).unwrap();
        assert_eq!((read.version, &read.info.status), (2, &ReleaseStatus::Deployed));
        assert_eq!(read.chart_metadata("version"), Some("1.0.0"));
        assert_eq!(read.info.first_deployed.timestamp(), "2026-11-21T06:53:25.1Z".parse().ok());
        let again = decode(encode(&read).unwrap().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), record);
    }

    #[test]
    fn null_and_no_time_are_nothing() {
        let record = json!({
            "name": "shop", "hooks": null, "config": null, "chart": null, "manifest": null, "apply_method": null,
            "info": {"deleted": "", "status": "resting", "last_deployed": "0001-01-01T00:00:00Z", "description": null},
        });
        let read = decode(text(&record).as_bytes()).unwrap();
        assert_eq!(read.info.status, ReleaseStatus::Other("resting".into()));
        assert_eq!(read.info.last_deployed.timestamp(), None);
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(
            written,
            json!({"name": "shop", "version": 0, "namespace": "", "info": {"status": "resting"}})
        );
    }

    #[test]
    fn what_is_not_compressed_is_read() {
        let plain = STANDARD.encode(r#"{"name": "shop", "version": 1}"#);
        assert_eq!(decode(plain.as_bytes()).unwrap().version, 1);
    }

    #[test]
    fn what_is_no_record_is_named() {
        let check = |text: &[u8], why: &str| {
            let error = decode(text).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        };
        check(b"?", "it is not base64");
        check(b"", "it is not JSON at line 1 column 0");
        check(STANDARD.encode([0x1f, 0x8b, 0x08, 0]).as_bytes(), "it is not gzip");
        check(text(&json!({"name": 5})).as_bytes(), "it is not a release at line 1");
        check(text(&json!({"name": "shop", "version": -1})).as_bytes(), "it is not a release");
        check(text(&json!({"name": "shop", "version": "s3cret"})).as_bytes(), "it is not a release");
        let deep = format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        check(STANDARD.encode(deep).as_bytes(), "it is not JSON");
        let whole = text(&json!({"name": "shop"}));
        check(&whole.as_bytes()[..whole.len() - 8], "it is not gzip");
        let error = decode(text(&json!({"name": "shop", "version": "s3cret"})).as_bytes()).unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let zeros = vec![b' '; 1 << 20];
        (0..=MAX_JSON >> 20).for_each(|_| gzip.write_all(&zeros).unwrap());
        let error = decode(STANDARD.encode(gzip.finish().unwrap()).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
    }

    #[test]
    fn what_no_secret_can_hold_is_refused() {
        let mut record = decode(text(&json!({"name": "shop", "version": 7})).as_bytes()).unwrap();
        let noise = |count: usize| {
            let mut random = fastrand::Rng::with_seed(1);
            (0..count).map(|_| random.alphanumeric()).collect::<String>()
        };
        record.manifest = noise(1_000_000);
        assert!(
            encode(&record).is_ok(),
            "alphanumeric text packs to three quarters, and base64 makes that whole again"
        );
        // The border, nearly.
        let room = |record: &Record| (check_room(record).is_ok(), encode(record).is_ok());
        let (mut fits, mut too_long) = (900_000, 1_300_000);
        while too_long - fits > 64 {
            let middle = usize::midpoint(fits, too_long);
            record.manifest = noise(middle);
            if room(&record).1 { fits = middle } else { too_long = middle }
        }
        record.manifest = noise(fits);
        let text = encode(&record).unwrap();
        assert!(text.len() <= MAX_TEXT && text.len() > MAX_TEXT - 128, "{}", text.len());
        assert_eq!(
            room(&record),
            (false, true),
            "a record of Helm's is read and written up to the border, and none of ours is planned"
        );
        record.info.description = noise(1_000);
        assert!(encode(&record).is_err());
        let (mut planned, mut refused) = (900_000, fits);
        while refused - planned > 64 {
            let middle = usize::midpoint(planned, refused);
            record.manifest = noise(middle);
            record.info.description = String::new();
            if room(&record).0 { planned = middle } else { refused = middle }
        }
        record.manifest = noise(planned);
        record.info.description = "\u{10ffff}".repeat(1_000);
        assert!(room(&record).1, "the reason of a failure fits");
        record.manifest = noise(2_000_000);
        let error = encode(&record).unwrap_err();
        assert!(error.to_string().starts_with("the record of revision 7 takes "), "{error}");
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), packed: bool) {
            let bytes = if packed {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                gzip.write_all(&bytes).unwrap();
                gzip.finish().unwrap()
            } else {
                bytes
            };
            let _ = decode(STANDARD.encode(&bytes).as_bytes());
            let _ = decode(&bytes);
        }

        #[test]
        fn what_is_written_is_read(name in "[a-z]{1,53}", manifest in ".{0,500}", version in 0_u64..1 << 53, status in "[a-z-]{0,20}") {
            let record = json!({"name": name, "namespace": "a", "version": version, "manifest": manifest, "info": {"status": status}});
            let read = decode(text(&record).as_bytes()).unwrap();
            prop_assert_eq!(decode(encode(&read).unwrap().as_bytes()).unwrap(), read);
        }
    }
}
