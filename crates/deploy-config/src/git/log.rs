//! The values that a key had, from the commits that changed its file.

use deploy_core::clock::Timestamp;
use deploy_core::config::PastEntry;
use deploy_core::error::Result;

use super::files::Place;
use super::opened::Opened;
use super::tree;
use crate::store::text;

/// How far back a clone looks first, and then; in the end it has the whole history.
const DEPTHS: [Option<&str>; 3] = [Some("50"), Some("1000"), None];

/// How many commits are read at a time.
const COMMITS: usize = 16;

/// A value, in the commit it was found in.
struct Seen {
    value: Option<String>,
    commit: String,
    about: Vec<u8>,
}

/// The last `limit` values of a key, newest first, along the line of first parents.
pub(super) async fn history(
    opened: &Opened,
    reference: &str,
    tip: &str,
    place: &Place<'_>,
    limit: usize,
) -> Result<Vec<PastEntry>> {
    let mut depths = DEPTHS.iter();
    loop {
        let (past, certain) = walk(opened, tip, place, limit).await?;
        // In a person's repository nothing is fetched that they did not.
        let next = if opened.work_tree_folder().is_none() { depths.next() } else { None };
        match next {
            Some(depth) if !certain => opened.deepen(reference, *depth).await?,
            _ => return Ok(past),
        }
    }
}

/// What is found in the commits that are here, and whether that is all there is to find.
async fn walk(opened: &Opened, tip: &str, place: &Place<'_>, limit: usize) -> Result<(Vec<PastEntry>, bool)> {
    let cut_off = opened.cut_off()?;
    let path = place.file.path.as_str();
    let commits = opened.git.out(&["rev-list", "--first-parent", tip, "--", path]).await?;
    let commits = String::from_utf8_lossy(&commits);
    let commits: Vec<&str> = commits.lines().collect();
    let mut past = Vec::new();
    let mut last: Option<Seen> = None;
    for commits in commits.chunks(COMMITS) {
        let names: Vec<String> =
            commits.iter().flat_map(|id| [(*id).to_owned(), format!("{id}:{path}")]).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut objects = tree::objects(opened, &names).await?.into_iter();
        for commit in commits {
            let (Some(about), Some(bytes)) = (objects.next(), objects.next()) else { continue };
            // A commit in which the file cannot be read says nothing about the key.
            let Ok(mut found) = text::get(place.file.kind.form(), bytes, &[place.key], "") else { continue };
            let found = found.pop().flatten();
            let seen = Seen {
                value: found.map(|entry| entry.value),
                commit: (*commit).to_owned(),
                about: about.unwrap_or_default(),
            };
            if let Some(newer) = last.replace(seen)
                && last.as_ref().is_some_and(|last| last.value != newer.value)
            {
                past.push(newer.entry(true));
                if past.len() >= limit {
                    return Ok((past, true));
                }
            }
        }
    }
    // Where the history is cut off nobody knows whether it was set there.
    let certain = last.as_ref().is_some_and(|first| !cut_off.contains(&first.commit));
    past.extend(last.filter(|first| first.value.is_some()).map(|first| first.entry(certain)));
    let all = cut_off.is_empty() || (certain && past.len() >= limit);
    Ok((past, all))
}

impl Seen {
    fn entry(self, certain: bool) -> PastEntry {
        let version = text::version(self.value.as_deref().unwrap_or_default());
        let mut entry = PastEntry::new(self.value, version);
        if certain {
            let about = String::from_utf8_lossy(&self.about);
            let (head, message) = about.split_once("\n\n").unwrap_or((&about, ""));
            entry.at = head.lines().find_map(|line| time(line.strip_prefix("committer ")?));
            entry.note = Some(message.trim_end().to_owned());
        }
        entry
    }
}

/// The time in `A Name <mail@example.com> 1700000000 +0100`.
fn time(committer: &str) -> Option<Timestamp> {
    let (_, time) = committer.rsplit_once("> ")?;
    let seconds = time.split(' ').next()?.parse().ok()?;
    Some(Timestamp::from_unix_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_when_a_commit_was_made() {
        let check = |line: &str, expect: Option<i64>| {
            assert_eq!(time(line), expect.map(Timestamp::from_unix_seconds), "{line}");
        };
        check("A > B <a@b> 1700000000 +0100", Some(1_700_000_000));
        check("A <a@b> x", None);
        check("A <a@b>", None);
    }
}
