//! Several images at one commit, all of them or none.

use std::fmt;

use serde::Serialize;

use super::commits::{Commit, Entry};
use super::context::Context;
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
    let abbreviated = members.iter().all(|member| member.policy.scheme.commit().is_some());
    let commits = Commit::all(&mut entries, members.len(), abbreviated);
    let chosen = commits.iter().position(Commit::is_complete);
    for (_, selection) in &mut images {
        selection.await_group();
    }
    let mut incomplete = Vec::new();
    for (at, commit) in commits.iter().enumerate() {
        let is_newer = chosen.is_none_or(|chosen| at < chosen);
        let missing = if is_newer && at < TOLD { commit.missing(members) } else { Vec::new() };
        for entry in &commit.entries {
            let verdict = match chosen {
                _ if is_newer => Verdict::Incomplete,
                Some(chosen) if chosen == at => commit.verdict(entry),
                _ => Verdict::Older,
            };
            if let Some((_, selection)) = images.get_mut(entry.number) {
                selection.settle(entry.index, verdict, &missing);
            }
        }
        if is_newer && at < TOLD {
            incomplete.push(Incomplete { commit: commit.name.to_owned(), missing });
        }
    }
    let commit = chosen.and_then(|at| commits.get(at)).map(|commit| commit.name.to_owned());
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

impl Commit<'_> {
    /// The images without it; none if its name could be two commits'.
    fn missing<T>(&self, members: &[Member<'_, T>]) -> Vec<String> {
        let lacking = members.iter().zip(&self.best).filter(|(_, best)| best.is_none() && !self.is_two);
        lacking.map(|(member, _)| member.name.to_owned()).collect()
    }
}

impl<T> Selection<'_, T> {
    /// What was chosen for the image alone counts no more.
    fn await_group(&mut self) {
        (self.choice, self.is_grouped) = (None, true);
        for verdict in self.verdicts.iter_mut().filter(|verdict| verdict.is_in()) {
            *verdict = Verdict::Incomplete;
        }
    }

    fn settle(&mut self, index: usize, verdict: Verdict, missing: &[String]) {
        self.mark(&[index], verdict);
        if verdict == Verdict::Chosen {
            self.choice = Some(index);
        }
        if !missing.is_empty() {
            self.missing.insert(index, missing.join(", "));
        }
    }
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
