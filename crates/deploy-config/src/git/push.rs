//! A commit brought to where it belongs, against others who do the same.

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result, Retry};

use super::opened::Opened;
use super::words;

/// What makes a commit on the present state, as often as that changes.
#[async_trait]
pub(super) trait Change: Sync {
    /// A commit on `base`; `None` if there is nothing to change there.
    async fn make(&self, opened: &Opened, base: Option<&str>) -> Result<Option<String>>;
}

/// What a push came to.
#[derive(Debug)]
enum Pushed {
    Done,
    /// Somebody was faster.
    Moved,
    /// Refused for good.
    Refused(Error),
    /// Whether it arrived is not known.
    Lost(Error),
}

/// A commit that arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) commit: String,
    /// How often somebody was faster.
    pub(super) rejected: u32,
}

/// Makes a change on what `reference` of the remote is, and pushes it there; `None` if there was nothing to change.
///
/// A server moves a reference only from the commit that a push began with. So while the remote has not moved the same commit is pushed
/// again; once it has, that commit can no longer arrive, and the change is made anew on what is there. Either way it arrives once.
pub(super) async fn publish(
    opened: &Opened,
    reference: &str,
    must_exist: bool,
    retries: u32,
    change: &dyn Change,
) -> Result<Option<Arrived>> {
    let mut sent: Option<(Option<String>, String)> = None;
    let mut doubt = None;
    for rejected in 0..=retries {
        let base = match (opened.fetch(reference).await, doubt.take()) {
            (Ok(base), _) => base,
            (Err(error), None) => return Err(error),
            (Err(error), Some(doubt)) => return Err(unknown(doubt, &error)),
        };
        if must_exist && base.is_none() {
            return Err(no_branch(reference));
        }
        if let (Some(base), Some((_, commit))) = (&base, &sent)
            && opened.is_before(commit, base).await?
        {
            return Ok(Some(Arrived { commit: commit.clone(), rejected }));
        }
        let commit = match sent.take() {
            Some((on, commit)) if on == base => commit,
            _ => match change.make(opened, base.as_deref()).await? {
                Some(commit) => commit,
                None => return Ok(None),
            },
        };
        match push(opened, &commit, reference).await? {
            Pushed::Done => return Ok(Some(Arrived { commit, rejected })),
            Pushed::Refused(error) => return Err(error),
            Pushed::Moved => {}
            Pushed::Lost(error) => doubt = Some(error),
        }
        sent = Some((base, commit));
    }
    Err(match doubt {
        None => Error::new(ErrorKind::Conflict, "others push all the time; every push of ours came too late")
            .with_retry(Retry::Exhausted)
            .help("try again later"),
        Some(doubt) => match (opened.fetch(reference).await, sent) {
            (Ok(Some(now)), Some((_, commit))) if opened.is_before(&commit, &now).await? => {
                return Ok(Some(Arrived { commit, rejected: retries }));
            }
            // The last try may still be on its way.
            (Ok(_), _) => unknown(doubt, "it is not there yet"),
            (Err(error), _) => unknown(doubt, &error),
        },
    })
}

pub(super) fn no_branch(reference: &str) -> Error {
    let name = reference.trim_start_matches("refs/heads/");
    Error::new(ErrorKind::NotFound, "there is no such branch")
        .on(format!("branch {name}"))
        .help("make it first, with one commit")
}

fn unknown(lost: Error, why: impl std::fmt::Display) -> Error {
    let message =
        format!("the push may or may not have arrived: {}; and when looked up: {why}", lost.message());
    Error::new(ErrorKind::OutcomeUnknown, message).help("read before you set again").source(lost)
}

async fn push(opened: &Opened, commit: &str, reference: &str) -> Result<Pushed> {
    let refspec = format!("{commit}:{reference}");
    let arguments = ["push", "--porcelain", "--no-recurse-submodules", "--", opened.remote(), &refspec];
    let ran = match opened.git.run(&arguments).await {
        Ok(ran) => ran,
        Err(error) if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Unavailable) => {
            return Ok(Pushed::Lost(error));
        }
        Err(error) => return Err(error),
    };
    let out = String::from_utf8_lossy(&ran.out);
    Ok(match answer(&out, reference) {
        Answer::Done => Pushed::Done,
        Answer::Moved => Pushed::Moved,
        Answer::Declined(why) => {
            let told = opened.git.told(&ran.told).map(|told| format!(": {told}")).unwrap_or_default();
            let why = words::clean(&why, &[]);
            let message = format!("the remote refused the push, {why}{told}");
            Pushed::Refused(
                Error::new(ErrorKind::Forbidden, message)
                    .help("see the branch's protection, or propose a branch per change"),
            )
        }
        Answer::None => {
            let error = opened.git.failed(&ran);
            if words::nothing_was_sent(&error) { Pushed::Refused(error) } else { Pushed::Lost(error) }
        }
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done,
    Moved,
    Declined(String),
    None,
}

/// What the lines of `push --porcelain` say of a reference: a flag, `from:to`, and a summary, with tabs between.
fn answer(out: &str, reference: &str) -> Answer {
    let ours = format!(":{reference}");
    for line in out.lines() {
        let mut parts = line.split('\t');
        let (Some(flag), Some(what), Some(summary)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if !what.ends_with(&ours) {
            continue;
        }
        let why = || summary.split_once('(').map_or(summary, |(_, why)| why.trim_end_matches(')'));
        return match flag {
            " " | "*" | "=" | "+" => Answer::Done,
            _ if summary.starts_with("[rejected]") => Answer::Moved,
            // Two pushes met in the server; the other won, or will.
            _ if [
                "failed to update ref",
                "cannot lock ref",
                "incorrect old value",
                "fetch first",
                "failed to lock",
                "reference already exists",
            ]
            .iter()
            .any(|phrase| summary.contains(phrase)) =>
            {
                Answer::Moved
            }
            _ if summary.starts_with("[remote rejected]") => Answer::Declined(why().to_owned()),
            _ => Answer::None,
        };
    }
    Answer::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_answered() {
        let check = |line: &str, expect: Answer| {
            let out = format!("To https://host/x.git\n{line}\nDone\n");
            assert_eq!(answer(&out, "refs/heads/main"), expect, "{line}");
        };
        let declined = |why: &str| Answer::Declined(why.to_owned());
        check(" \t1234:refs/heads/main\tabc..def", Answer::Done);
        check("*\t1234:refs/heads/main\t[new branch]", Answer::Done);
        check("=\t1234:refs/heads/main\t[up to date]", Answer::Done);
        check("!\t1234:refs/heads/main\t[rejected] (fetch first)", Answer::Moved);
        check("!\t1234:refs/heads/main\t[rejected] (non-fast-forward)", Answer::Moved);
        check("!\t1234:refs/heads/main\t[remote rejected] (failed to update ref)", Answer::Moved);
        check(
            "!\t1234:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)",
            Answer::Moved,
        );
        check(
            "!\t1234:refs/heads/main\t[remote rejected] (pre-receive hook declined)",
            declined("pre-receive hook declined"),
        );
        check(
            "!\t1234:refs/heads/main\t[remote rejected] (protected branch hook declined)",
            declined("protected branch hook declined"),
        );
        check("!\t1234:refs/heads/main\t[remote failure] (remote failed to report status)", Answer::None);
        check(" \t1234:refs/heads/other\tabc..def", Answer::None);
        check("", Answer::None);
    }
}
