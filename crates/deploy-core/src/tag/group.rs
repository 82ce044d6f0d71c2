//! Several images at one commit, all of them or none.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::commits::{Commit, Entry};
use super::context::Context;
use super::field::same_commit;
use super::policy::TagPolicy;
use super::selection::{Selection, select};
use super::verdict::Verdict;
use crate::error::{Error, ErrorKind, Result};

/// How many commits that are not complete are told, the newest first.
const TOLD: usize = 10;

/// How many of them an error names.
const NEAREST: usize = 3;

/// One image of a group: its tags, and what they are held against.
#[derive(Debug)]
pub struct Member<'a, T> {
    name: &'a str,
    policy: &'a TagPolicy,
    tags: &'a [T],
    context: &'a Context,
}

impl<'a, T> Member<'a, T> {
    /// The image `name`, as a person calls it.
    pub fn new(name: &'a str, policy: &'a TagPolicy, tags: &'a [T], context: &'a Context) -> Self {
        Self { name, policy, tags, context }
    }
}

/// A commit that some images of a group lack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Incomplete {
    /// The commit, as the longest of the tags names it.
    pub commit: String,
    /// The images without a tag of it that may run; empty if its abbreviation could be two commits.
    pub missing: Vec<String>,
}

/// What was chosen for a group, and the reason for each tag of each image. Made by [`select_group`].
#[must_use]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", bound = "T: AsRef<str>")]
#[non_exhaustive]
pub struct GroupSelection<'a, T: AsRef<str>> {
    /// The commit that was chosen.
    pub commit: Option<String>,
    /// Newer commits that not every image has, the newest ten of them.
    pub incomplete: Vec<Incomplete>,
    /// The images by their names, each with its selection.
    pub images: Vec<(&'a str, Selection<'a, T>)>,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.missing.as_slice() {
            [] => write!(f, "{} could be two commits", self.commit),
            missing => write!(f, "{} lacks {}", self.commit, missing.join(", ")),
        }
    }
}

impl<'a, T: AsRef<str>> GroupSelection<'a, T> {
    /// The choice for each image, in the order of the members.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if no commit is there for all of them: what the newest ones lack.
    pub fn chosen(&self) -> Result<Vec<(&'a str, &'a T)>> {
        let chosen = self.images.iter().map(|(name, selection)| Some((*name, selection.choice()?)));
        let chosen: Option<Vec<_>> = chosen.collect();
        chosen.filter(|chosen| !chosen.is_empty()).ok_or_else(|| {
            let incomplete = self.incomplete.iter().take(NEAREST).map(ToString::to_string);
            let is_there = |verdict: &Verdict| verdict.is_in() || *verdict == Verdict::Incomplete;
            let empty =
                self.images.iter().filter(|(_, selection)| !selection.verdicts().iter().any(is_there));
            let empty = empty.map(|(name, selection)| format!("{name}: {selection}"));
            let why: Vec<String> = incomplete.chain(empty).collect();
            let message =
                format!("no commit is there for all of {} images: {}", self.images.len(), why.join("; "));
            Error::new(ErrorKind::NotFound, message).during("select")
        })
    }
}

/// Chooses the newest commit that every image has a tag of, and for each image the newest tag of it.
///
/// Each image's own policy and context say which of its tags may run. How new a commit is says its newest tag in any image. Commits are
/// the same if one begins with the other; of tags without a commit in them, the versions must be the same.
///
/// ```
/// use deploy_core::tag::{Context, Member, TagPolicy, select_group};
///
/// let policy: TagPolicy = "scheme=branch.timestamp.sha branch=main".parse()?;
/// let context = Context::at("2026-11-21T10:00:00Z".parse()?);
/// let api = ["main.20261121-080000.aaaaaaa", "main.20261121-090000.bbbbbbb"];
/// let web = ["main.20261121-080130.aaaaaaa"];
/// let group = [Member::new("api", &policy, &api, &context), Member::new("web", &policy, &web, &context)];
/// let selection = select_group(&group)?;
/// assert_eq!(selection.chosen()?, [("api", &api[0]), ("web", &web[0])]);
/// assert_eq!(selection.incomplete[0].commit, "bbbbbbb");
/// assert_eq!(selection.incomplete[0].missing, ["web"]);
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
///
/// # Errors
/// As for [`select`]. [`InvalidInput`](ErrorKind::InvalidInput) if the images' policies do not order by the same, or a scheme has neither
/// commit nor version. That nothing is complete is no error here, but of [`GroupSelection::chosen`].
pub fn select_group<'a, T: AsRef<str>>(members: &'a [Member<'a, T>]) -> Result<GroupSelection<'a, T>> {
    let mut images = Vec::with_capacity(members.len());
    for member in members {
        let about = |error: Error| error.on(format!("image {}", member.name));
        comparable(member, members).map_err(about)?;
        images.push((member.name, select(member.policy, member.tags, member.context).map_err(about)?));
    }
    let mut entries = Vec::new();
    for (number, (_, selection)) in images.iter().enumerate() {
        for (index, verdict) in selection.verdicts.iter().enumerate() {
            let tag = selection.tag(index);
            if let (true, Some(source), Some(key)) =
                (verdict.is_in(), source(selection.policy, tag), selection.judge.key(tag))
            {
                entries.push(Entry { source, key, tag, number, index });
            }
        }
    }
    entries.sort_by(|left, right| left.source.cmp(right.source));
    let mut commits: Vec<Commit<'_>> = Vec::new();
    for entry in &entries {
        match commits.last_mut().filter(|commit| commit.begins(entry.source)) {
            Some(commit) => commit.add(entry, members.len()),
            None => commits.push(Commit::new(entry, members.len())),
        }
    }
    commits.sort_by(|left, right| right.key.cmp(&left.key).then_with(|| right.name.cmp(left.name)));
    let chosen = commits.iter().position(Commit::is_complete);
    let newer = commits.get(..chosen.unwrap_or(commits.len())).unwrap_or_default();
    let mut incomplete = Vec::new();
    let mut lacking = Vec::new();
    for commit in newer.iter().take(TOLD) {
        let missing = members.iter().zip(&commit.best).filter(|(_, best)| best.is_none());
        let missing: Vec<String> = missing.map(|(member, _)| member.name.to_owned()).collect();
        lacking.push((commit.name, missing.join(", ")));
        let missing = if commit.is_two { Vec::new() } else { missing };
        incomplete.push(Incomplete { commit: commit.name.to_owned(), missing });
    }
    let newer: BTreeSet<&str> = newer.iter().flat_map(|commit| commit.sources.iter().copied()).collect();
    let chosen = chosen.and_then(|at| commits.get(at));
    let choices: Vec<Option<usize>> = match chosen {
        Some(commit) => commit.best.iter().map(|best| Some(best.as_ref()?.index)).collect(),
        None => vec![None; members.len()],
    };
    let commit = chosen.map(|commit| commit.name.to_owned());
    for ((_, selection), choice) in images.iter_mut().zip(choices) {
        settle(selection, choice, &newer, &lacking);
    }
    Ok(GroupSelection { commit, incomplete, images })
}

/// What ties images together: the commit of a tag, or its version where the scheme has no commit.
fn source<'t>(policy: &TagPolicy, tag: &'t str) -> Option<&'t str> {
    let number = policy.scheme.commit().or(policy.version)?;
    let text = policy.scheme.read(tag).ok()?.get(number, tag)?;
    Some(if policy.scheme.commit().is_some() { text } else { text.strip_prefix('v').unwrap_or(text) })
}

fn comparable<T>(member: &Member<'_, T>, members: &[Member<'_, T>]) -> Result<()> {
    let by = |policy: &TagPolicy| (policy.order(), policy.scheme.commit().is_some());
    if member.policy.scheme.commit().or(member.policy.version).is_none() {
        let what = format!(
            "the scheme {} has neither commit nor version: nothing ties images together",
            member.policy.scheme
        );
        return Err(Error::invalid(what).during("select"));
    }
    match members.first() {
        Some(first) if by(first.policy) != by(member.policy) => {
            let what = format!(
                "the policies of a group order by the same, but this one by {}, and that of {} by {}",
                member.policy.order(),
                first.name,
                first.policy.order()
            );
            Err(Error::invalid(what).during("select"))
        }
        _ => Ok(()),
    }
}

/// Makes the group's choice that of the image.
fn settle<T: AsRef<str>>(
    selection: &mut Selection<'_, T>,
    choice: Option<usize>,
    newer: &BTreeSet<&str>,
    lacking: &[(&str, String)],
) {
    let (policy, all) = (selection.policy, 0..selection.verdicts.len());
    let key = choice.and_then(|index| selection.judge.key(selection.tag(index)));
    let marks: Vec<(usize, Verdict)> = all
        .filter(|index| selection.verdicts.get(*index).is_some_and(|verdict| verdict.is_in()))
        .map(|index| {
            let tag = selection.tag(index);
            let is_newer = source(policy, tag).is_none_or(|source| newer.contains(source));
            let tied =
                || key.zip(selection.judge.key(tag)).is_some_and(|(choice, ours)| choice.cmp(&ours).is_eq());
            let verdict = match choice {
                Some(choice) if choice == index => Verdict::Chosen,
                _ if is_newer => Verdict::Incomplete,
                _ if tied() => Verdict::Tied,
                _ => Verdict::Older,
            };
            (index, verdict)
        })
        .collect();
    for (index, verdict) in marks {
        selection.mark(&[index], verdict);
        let tag = selection.tag(index);
        let missing = source(policy, tag)
            .and_then(|source| lacking.iter().find(|(name, _)| *name == source || same_commit(name, source)));
        if let (Verdict::Incomplete, Some((_, missing))) = (verdict, missing)
            && !missing.is_empty()
        {
            selection.missing.insert(index, missing.clone());
        }
    }
    selection.choice = choice;
}

impl<T: AsRef<str>> fmt::Display for GroupSelection<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.chosen(), &self.commit) {
            (Ok(chosen), Some(commit)) => {
                write!(f, "{commit}:")?;
                chosen.iter().try_for_each(|(name, tag)| write!(f, " {name}:{}", tag.as_ref()))
            }
            (Err(error), _) => f.write_str(error.message()),
            (Ok(_), None) => Ok(()),
        }
    }
}
