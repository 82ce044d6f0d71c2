//! What the node keeps, and where the way back leads.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::Object;
use deploy_core::run::{DeploymentId, Run};
use deploy_core::target::Revision;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::SsmK3s;
use super::hand_over::once;
use super::staging::Staging;
use crate::command::START_WITHIN;
use crate::node::{Entry, History, Request, RunStatus, Show, Verb};

/// The most bytes of a bundle that is shown, unpacked.
const MOST: u64 = 16 << 20;

impl SsmK3s {
    /// The objects of a bundle that the node keeps, without its Secrets.
    pub(super) async fn shown(&self, number: u64, run: &Run) -> Result<Vec<Object>> {
        let id = DeploymentId::from(once(Verb::Show));
        let staging = Staging::new(&self.options.aws, &self.options.through, self.app(), &id)?;
        let staging = staging.filter(|staging| !staging.is_temporary());
        let log = match &staging {
            Some(staging) => staging.urls(START_WITHIN * 10).await?.into_iter().last(),
            None => None,
        };
        let about = |request: Request| match &log {
            Some(log) => request.number(number).log_url(log.reveal()),
            None => Ok(request.number(number)),
        };
        let shown: Show = self.ask(Verb::Show, about, run).await?;
        let sent = match &staging {
            Some(staging) if shown.sent && shown.package.is_none() => staging.log_bytes().await?,
            _ => None,
        };
        if let Some(staging) = &staging {
            staging.clear().await?;
        }
        if let Some(package) = shown.package {
            let bytes = STANDARD
                .decode(package.trim())
                .map_err(|error| unreadable("it is not base64").source(error))?;
            return objects(&bytes);
        }
        objects(&sent.ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!("bundle {number} is too large to be shown through a command"),
            )
            .help("name a bucket that is there")
        })?)
    }
}

/// The objects of a package, stage by stage.
fn objects(package: &[u8]) -> Result<Vec<Object>> {
    let mut archive = tar::Archive::new(GzDecoder::new(package).take(MOST));
    let (mut stages, mut is_package) = (Vec::new(), false);
    let broken = |error: std::io::Error| unreadable("it is not a tar.gz").source(error);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.to_string_lossy().into_owned();
        is_package |= path.trim_start_matches("./") == "objects.tsv";
        if path.trim_start_matches("./").starts_with("stages/") && entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(broken)?;
            stages.push((path, bytes));
        }
    }
    // An archive that is cut at its very beginning looks like one of nothing.
    if !is_package {
        return Err(unreadable("it does not say what is in it"));
    }
    stages.sort();
    let mut objects = Vec::new();
    for (_, bytes) in stages {
        let mut list: Value =
            serde_json::from_slice(&bytes).map_err(|error| unreadable("it holds no JSON").source(error))?;
        let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) else {
            return Err(unreadable("it holds no list"));
        };
        for item in items {
            objects.push(Object::new(item)?);
        }
    }
    Ok(objects)
}

fn unreadable(why: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the bundle that the node keeps cannot be read: {why}"))
}

/// The node's history as revisions, the newest first.
pub(super) fn revisions(history: &History) -> Vec<Revision> {
    let numbered = history.entries.iter().filter_map(|entry| Some((entry.number?, entry)));
    let mut revisions: Vec<Revision> = numbered
        .map(|(number, entry)| {
            let mut revision = Revision::new(number, word(entry, number, history));
            revision.deployed = Some(entry.at);
            revision.description = entry.description.clone().unwrap_or_default();
            revision.images.clone_from(&entry.images);
            revision.git_revision.clone_from(&entry.git_revision);
            revision
        })
        .collect();
    // A later word on a number takes the place of an earlier one.
    revisions.reverse();
    revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    revisions.dedup_by_key(|revision| revision.number);
    revisions
}

/// A revision's state in Helm's words.
fn word(entry: &Entry, number: u64, history: &History) -> &'static str {
    match entry.status {
        RunStatus::Healthy if history.current == Some(number) => "deployed",
        RunStatus::Healthy => "superseded",
        _ => "failed",
    }
}

impl History {
    /// Whether the node keeps this bundle.
    pub(super) fn has(&self, number: u64) -> bool {
        self.kept.contains(&number)
    }

    /// The numbers that can be gone back to, for a person.
    pub(super) fn told(&self) -> String {
        if self.kept.is_empty() {
            return "the node keeps none".to_owned();
        }
        let numbers: Vec<String> = self.kept.iter().map(ToString::to_string).collect();
        format!("it keeps {}", numbers.join(", "))
    }

    /// The bundle that stands.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if none does.
    pub(super) fn present(&self) -> Result<u64> {
        self.current.ok_or_else(|| Error::new(ErrorKind::NotFound, "nothing has been deployed on the node"))
    }

    /// The newest good bundle before the present one; 0, which is nothing at all, if the present one was found bad and there is none before it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no bundle before a good one.
    pub(super) fn before_the_present(&self) -> Result<u64> {
        let present = self.present()?;
        let revisions = revisions(self);
        let is_good = |number: u64| {
            revisions.iter().any(|revision| revision.number == number && revision.status != "failed")
        };
        let before = self.kept.iter().copied().filter(|number| *number < present && is_good(*number)).max();
        match before {
            Some(number) => Ok(number),
            None if !is_good(present) => Ok(0),
            None => Err(Error::new(
                ErrorKind::NotFound,
                format!("the node keeps no good bundle before {present}"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::parse_answer;

    /// `current`, the numbers kept, and number and status of each entry.
    fn history(current: &str, kept: &str, entries: &[(u64, &str)]) -> History {
        let entry = |(number, status): &(u64, &str)| {
            format!(
                r#"{{"number":{number},"id":"x","status":"{status}","at":"2026-11-22T10:00:0{number}Z","gitRevision":"r{number}"}}"#
            )
        };
        let entries: Vec<String> = entries.iter().map(entry).collect();
        let line = format!(
            "deploy-ssm/1 {{\"app\":\"shop\",\"current\":{current},\"kept\":{kept},\"entries\":[{}]}}\n",
            entries.join(",")
        );
        parse_answer(&line).unwrap().0
    }

    #[test]
    fn where_the_way_back_leads() {
        let check = |history: History, expect: Result<u64, &str>| match (history.before_the_present(), expect)
        {
            (Ok(found), Ok(number)) => assert_eq!(found, number),
            (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{error}"),
            (found, _) => panic!("{found:?}"),
        };
        let (good, bad) = ("healthy", "left");
        check(history("null", "[]", &[]), Err("nothing has been deployed"));
        check(history("1", "[1]", &[(1, good)]), Err("no good bundle before 1"));
        check(history("2", "[1,2]", &[(1, good), (2, good)]), Ok(1));
        check(history("3", "[1,2,3]", &[(1, good), (2, good), (3, good), (2, bad)]), Ok(1));
        check(history("2", "[2]", &[(1, good), (2, good)]), Err("no good bundle before 2"));
        check(history("1", "[1]", &[(1, good), (1, bad)]), Ok(0));
        check(history("2", "[1,2]", &[(1, good), (2, good), (2, bad)]), Ok(1));
        check(history("2", "[1,2]", &[(1, good), (2, good), (3, "undone")]), Ok(1));
    }

    #[test]
    fn revisions_have_helms_words_and_the_last_one_said() {
        let history = history("2", "[1,2]", &[(1, "healthy"), (2, "healthy"), (3, "undone"), (1, "left")]);
        let told: Vec<(u64, String)> =
            revisions(&history).into_iter().map(|revision| (revision.number, revision.status)).collect();
        assert_eq!(told, [(3, "failed".to_owned()), (2, "deployed".to_owned()), (1, "failed".to_owned())]);
    }

    #[test]
    fn what_is_no_package() {
        let check = |bytes: &[u8], says: &str| {
            let error = objects(bytes).expect_err(says);
            assert!(error.to_string().contains(says), "{says}: {error}");
        };
        check(b"", "cannot be read");
        check(b"no gzip", "it is not a tar.gz");
        check(&[0x1f, 0x8b, 8, 0], "it is not a tar.gz");
        // A tar of nothing.
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &[0; 1024]).unwrap();
        check(&gzip.finish().unwrap(), "it does not say what is in it");
    }
}
