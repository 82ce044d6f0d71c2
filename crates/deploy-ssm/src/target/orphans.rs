//! What deployments left behind whose callers died: found, and removed, by a call of its own.

use std::fmt;
use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, Result};
use deploy_core::event::EventKind;
use deploy_core::run::Run;
use serde::Serialize;

use super::SsmK3s;
use super::staging::{BUCKETS, TAG, Through, folder};
use crate::aws::{Bucket, FoundBucket};
use crate::node::{State, Sweep, Verb};

/// The most objects that are looked at.
const MOST_OBJECTS: usize = 10_000;

/// Something that was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "orphan", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Orphan {
    /// An object of a deployment.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// A bucket that was made for a deployment.
    Bucket {
        /// Its name.
        name: String,
    },
    /// A command that waits or runs.
    Command {
        /// Its id.
        id: String,
        /// What it is for.
        comment: String,
    },
    /// A run on the node that was killed before its end. The next deployment takes over what it wrote.
    Run {
        /// Its deployment's id.
        id: String,
    },
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { bucket, key } => write!(f, "object s3://{bucket}/{key}"),
            Self::Bucket { name } => write!(f, "bucket {name}"),
            Self::Command { id, comment } => write!(f, "command {id} ({comment})"),
            Self::Run { id } => write!(f, "run {id} on the node"),
        }
    }
}

/// What a sweep did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Swept {
    /// What is gone.
    pub removed: Vec<Orphan>,
    /// What is not, and why.
    pub left: Vec<(Orphan, String)>,
    /// What was not looked at, and why: a node that is gone keeps nobody from sweeping what is in AWS.
    pub gaps: Vec<String>,
}

impl SsmK3s {
    /// What this application's deployments left that, by the run's clock, AWS shows as older than `age`; choose more than any of them takes.
    /// Of buckets that were made for a deployment these are those with the application's tag, and those without any whose name is
    /// `deploy-ssm-` and a generated id. What the node left is told too, where it is one that can be asked; if not, a warning says so.
    /// Writes nothing. Cancel safe.
    ///
    /// # Errors
    /// What AWS refuses of its part.
    pub async fn orphans(&self, age: Duration, run: &Run) -> Result<Vec<Orphan>> {
        let before = run.now() - age;
        let is_old = |at: Option<Timestamp>| at.is_some_and(|at| at <= before);
        let mut orphans = Vec::new();
        if let Through::Bucket { name, prefix } = &self.options.through {
            let bucket = Bucket::new(&self.options.aws, name)?;
            let mine = folder(prefix, self.app());
            let objects =
                bucket.list(&mine, MOST_OBJECTS).await?.into_iter().filter(|object| is_old(object.modified));
            orphans.extend(objects.map(|object| Orphan::Object { bucket: name.clone(), key: object.key }));
        }
        if self.options.through == Through::TemporaryBucket {
            let found = Bucket::find(&self.options.aws, BUCKETS).await?;
            let found =
                found.into_iter().filter(|bucket| is_ours(bucket, self.app()) && is_old(bucket.created));
            orphans.extend(found.map(|bucket| Orphan::Bucket { name: bucket.name }));
        }
        let begins = format!("deploy-ssm {} ", self.app());
        self.commands(run)
            .each(None, |listed| {
                if !listed.ended && listed.comment.starts_with(&begins) && is_old(listed.at) {
                    orphans.push(Orphan::Command { id: listed.id, comment: listed.comment });
                }
            })
            .await?;
        match self.status(None, run).await {
            Ok(status) => {
                let died = status.runs.into_iter().filter(|run| run.state == State::Died);
                orphans.extend(died.map(|run| Orphan::Run { id: run.id }));
            }
            Err(error) => run.emit(EventKind::Warning { message: gap(&error) }),
        }
        Ok(orphans)
    }

    /// Removes `orphans`, and on the node what is left of old runs. A run that was killed after it had written something stays known to the
    /// node, for the next deployment to take over. It goes on over single failures, and without a node that cannot be asked.
    ///
    /// # Errors
    /// If a name among `orphans` cannot be a bucket's.
    pub async fn sweep(&self, orphans: Vec<Orphan>, run: &Run) -> Result<Swept> {
        let mut swept = Swept::default();
        let node: Option<Sweep> = match self.ask(Verb::Sweep, Ok, run).await {
            Ok(node) => Some(node),
            Err(error) => {
                swept.gaps.push(gap(&error));
                None
            }
        };
        for orphan in orphans {
            let removed = match &orphan {
                Orphan::Object { bucket, key } => Bucket::new(&self.options.aws, bucket)?.delete(key).await,
                Orphan::Bucket { name } => Bucket::new(&self.options.aws, name)?.remove().await,
                Orphan::Command { id, .. } => self.commands(run).cancel(id, None).await,
                // Told below.
                Orphan::Run { .. } => continue,
            };
            match removed {
                Ok(()) => swept.removed.push(orphan),
                Err(error) => swept.left.push((orphan, error.to_string())),
            }
        }
        if let Some(node) = node {
            swept.removed.extend(node.removed.into_iter().map(|id| Orphan::Run { id }));
            let why = "it was killed after it had written something: the next deployment takes that over";
            swept.left.extend(node.died.into_iter().map(|id| (Orphan::Run { id }, why.to_owned())));
        }
        Ok(swept)
    }
}

/// Whether a bucket was made for a deployment of `app`, or for one whose caller died before it could say whose: those have a deployment's name
/// and no tags, and nothing was put into them.
fn is_ours(bucket: &FoundBucket, app: &str) -> bool {
    let Some(tags) = &bucket.tags else { return false };
    let is_tagged = tags.iter().any(|(name, value)| name == TAG && value == app);
    is_tagged || tags.is_empty() && bucket.name.strip_prefix(BUCKETS).is_some_and(is_deployment)
}

/// Whether this is how ids of deployments are made: `20261122-101500-4f1c2d`, or that of its way back.
fn is_deployment(name: &str) -> bool {
    let is = |part: &str, length: usize, of: fn(&u8) -> bool| {
        part.len() == length && part.bytes().all(|byte| of(&byte))
    };
    match name.strip_suffix("-back").unwrap_or(name).split('-').collect::<Vec<_>>().as_slice() {
        [day, time, random] => {
            is(day, 8, u8::is_ascii_digit)
                && is(time, 6, u8::is_ascii_digit)
                && is(random, 6, u8::is_ascii_hexdigit)
        }
        _ => false,
    }
}

fn gap(error: &Error) -> String {
    format!("what the node itself has left is not swept: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_buckets_are_ours() {
        let check = |name: &str, tags: Option<&[(&str, &str)]>, expect: bool| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let tags = tags.map(|tags| tags.iter().map(own).collect());
            let bucket = FoundBucket { name: name.to_owned(), created: None, tags };
            assert_eq!(is_ours(&bucket, "shop"), expect, "{bucket:?}");
        };
        let made = "deploy-ssm-20261122-101500-4f1c2d";
        check(made, Some(&[("deploy-ssm", "shop")]), true);
        check("deploy-ssm-mine", Some(&[("cost", "7"), ("deploy-ssm", "shop")]), true);
        check(made, Some(&[("deploy-ssm", "other")]), false);
        check(made, Some(&[("cost", "7")]), false);
        // Its caller died before it was tagged.
        check(made, Some(&[]), true);
        check("deploy-ssm-20261122-101500-4f1c2d-back", Some(&[]), true);
        // Nobody knows whose it is.
        check(made, None, false);
        // A bucket of somebody's own that is called so.
        for name in [
            "deploy-ssm-prod",
            "deploy-ssm-20261122",
            "deploy-ssm-20261122-101500-4f1c2x",
            "20261122-101500-4f1c2d",
        ] {
            check(name, Some(&[]), false);
        }
    }

    #[test]
    fn ids_are_made_so() {
        let id = deploy_core::run::DeploymentId::new(Timestamp::from_unix_seconds(1_700_000_000));
        assert!(is_deployment(id.as_str()), "{id}");
    }
}
