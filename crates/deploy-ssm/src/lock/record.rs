//! What the object of a lock says.

use std::time::Duration;

use deploy_core::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The longest time that a lock may ask a taker to watch it.
pub(super) const LONGEST: Duration = Duration::from_secs(60);
/// The shortest time that a lock lasts.
pub(super) const SHORTEST: Duration = Duration::from_millis(100);
/// The longest name of a holder, in characters.
pub(super) const HOLDER: usize = 256;
/// The largest object that is read, in bytes.
pub(super) const LARGEST: u64 = 8 * 1024;

/// A lock that is held, or was given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    format: u8,
    /// Who holds it; nobody, where it was given back.
    pub(super) holder: Option<String>,
    /// Tells two runs apart that give the same name for themselves.
    pub(super) token: String,
    /// Heartbeats so far, so that each makes another object.
    pub(super) beat: u64,
    lasts_millis: u64,
    /// When it was taken, for people.
    pub(super) since: String,
}

impl Record {
    pub(super) fn new(
        holder: Option<String>,
        token: &str,
        beat: u64,
        lasts: Duration,
        since: String,
    ) -> Self {
        let lasts_millis = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
        Self { format: 1, holder, token: token.to_owned(), beat, lasts_millis, since }
    }

    pub(super) fn lasts(&self) -> Duration {
        Duration::from_millis(self.lasts_millis).clamp(SHORTEST, LONGEST)
    }

    pub(super) fn write(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|source| Error::invalid("the lock cannot be written").source(source))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let record: Option<Self> = serde_json::from_slice(bytes).ok();
        record.filter(|record| record.format == 1).ok_or_else(|| {
            Error::invalid("the object is no lock that is understood here").help(
                "see what wrote it; a newer release, or somebody else: use another prefix, or delete it",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_again() {
        let record =
            Record::new(Some("ci".into()), "t", 3, Duration::from_secs(15), "2026-11-22T18:00:00Z".into());
        assert_eq!(Record::read(&record.write().unwrap()).unwrap(), record);
        let endless = Record::new(None, "t", 0, Duration::MAX, String::new());
        assert_eq!(endless.lasts(), LONGEST);
    }

    #[test]
    fn what_is_no_lock_is_not_taken_for_one() {
        for text in
            ["", "{}", "null", "{\"format\":2,\"token\":\"\",\"beat\":0,\"lastsMillis\":0,\"since\":\"\"}"]
        {
            assert!(Record::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
