//! `DescribeInstances`, signed by hand: AWS's own crate for EC2 is more than a million lines.

mod ask;
mod form;
mod reply;

use deploy_core::error::{Error, ErrorKind, Result};

use super::choose::Candidate;
use crate::aws::Aws;

/// Instances that are read at most; so many match only what was not meant.
const READ: usize = 1_000;
/// Pages that are read at most: a page may be empty, and yet not the last.
const PAGES: usize = 100;

/// The running instances whose tag `Name` matches.
pub(super) async fn running(aws: &Aws, pattern: &str) -> Result<Vec<Candidate>> {
    let asking = ask::Asking::new(aws);
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..PAGES {
        let page = asking.page(&form::describe_instances(pattern, next.as_deref())).await?;
        found.extend(page.found);
        if found.len() > READ {
            return Err(Error::invalid(format!(
                "more than {READ} instances are called {}",
                pattern.escape_debug()
            ))
            .during("find")
            .on("node")
            .help("say more of the name"));
        }
        match page.next {
            Some(token) => next = Some(token),
            None => return Ok(found),
        }
    }
    Err(Error::new(ErrorKind::Internal, "EC2's list of instances has no end").during("find").on("node"))
}
