//! A person's open work tree: what it must be like, and how it comes to a new commit without losing anything.

use std::fs;

use deploy_core::error::{Error, ErrorKind, Result};

use super::opened::Opened;

/// What git leaves in its folder while something is under way, and what that is called.
const UNDER_WAY: [(&str, &str); 6] = [
    ("MERGE_HEAD", "a merge"),
    ("rebase-merge", "a rebase"),
    ("rebase-apply", "a rebase"),
    ("CHERRY_PICK_HEAD", "a cherry-pick"),
    ("REVERT_HEAD", "a revert"),
    ("BISECT_LOG", "a bisection"),
];

/// A work tree as it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The commit that is checked out.
    pub(super) head: String,
    /// The branch; `None` if none is.
    branch: Option<String>,
    /// The files that git knows and that are not as they were committed.
    dirty: Vec<String>,
}

/// Looks at the work tree, and refuses one that is not on `branch`, in the middle of something, or dirty where that is not allowed.
pub(super) async fn check(opened: &Opened, branch: &str, dirty_is_fine: bool) -> Result<State> {
    let about = |error: Error| error.on("work tree");
    for (name, what) in UNDER_WAY {
        if opened.git_dir().join(name).exists() {
            let message = format!("{what} is in progress");
            return Err(about(Error::new(ErrorKind::Conflict, message).help("finish or abort it first")));
        }
    }
    let asked = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--no-renames"];
    let state = parse(&String::from_utf8_lossy(&opened.git.out(&asked).await?))?;
    let refused =
        |message: String, help: &str| Err(about(Error::new(ErrorKind::Conflict, message).help(help)));
    match &state.branch {
        None => {
            return refused(
                "no branch is checked out (a detached HEAD)".into(),
                &format!("git switch {branch}"),
            );
        }
        Some(other) if other != branch => {
            return refused(
                format!("it is on branch {other}, not on {branch}"),
                &format!("git switch {branch}"),
            );
        }
        Some(_) => {}
    }
    if !dirty_is_fine && !state.dirty.is_empty() {
        let message = format!("it is dirty: {}", some(&state.dirty));
        return refused(message, "commit or stash that, or allow a dirty work tree");
    }
    Ok(state)
}

impl State {
    /// Refuses where the way to `commit` would change what a person has changed, or overwrite what git does not know.
    pub(super) async fn fits(&self, opened: &Opened, commit: &str) -> Result<()> {
        let asked = ["diff-tree", "-r", "-z", "--name-status", "--no-renames", &self.head, commit];
        let out = opened.git.out(&asked).await?;
        let out = String::from_utf8_lossy(&out);
        let mut words = out.split_terminator('\0');
        let mut in_the_way = Vec::new();
        while let (Some(status), Some(path)) = (words.next(), words.next()) {
            let is_there =
                || opened.work_tree_folder().is_some_and(|top| fs::symlink_metadata(top.join(path)).is_ok());
            if self.dirty.iter().any(|dirty| dirty == path) || (status == "A" && is_there()) {
                in_the_way.push(path.to_owned());
            }
        }
        if in_the_way.is_empty() {
            return Ok(());
        }
        let message = format!("what is not committed is in the way: {}", some(&in_the_way));
        Err(Error::new(ErrorKind::Conflict, message).on("work tree").help("commit or stash it first"))
    }
}

/// Brings branch, index and files to `commit`, which comes after what is checked out. Git refuses what would lose something.
pub(super) async fn forward(opened: &Opened, commit: &str) -> Result<()> {
    let git = opened.git.clone();
    let commit = commit.to_owned();
    // Not killed in the middle if the caller is dropped.
    let work = tokio::spawn(async move {
        git.out(&["merge", "--ff-only", "--no-overwrite-ignore", "--no-stat", "--quiet", &commit]).await
    });
    match work.await {
        Ok(done) => done.map(|_| ()).map_err(|error| error.on("work tree")),
        Err(stopped) => Err(Error::new(ErrorKind::Internal, "the task was stopped").source(stopped)),
    }
}

fn parse(status: &str) -> Result<State> {
    let mut state = State { head: String::new(), branch: None, dirty: Vec::new() };
    for line in status.split_terminator('\0') {
        // How many words stand before the path.
        let words = match line.split_once(' ') {
            Some(("#", rest)) => {
                match rest.split_once(' ') {
                    Some(("branch.oid", oid)) => oid.clone_into(&mut state.head),
                    Some(("branch.head", head)) if head != "(detached)" => {
                        state.branch = Some(head.to_owned());
                    }
                    _ => {}
                }
                continue;
            }
            Some(("1", _)) => 8,
            Some(("2", _)) => 9,
            Some(("u", _)) => 10,
            _ => {
                return Err(Error::new(
                    ErrorKind::Internal,
                    "git tells the work tree's status in an unknown form",
                ));
            }
        };
        state.dirty.extend(line.splitn(words + 1, ' ').nth(words).map(str::to_owned));
    }
    if state.head == "(initial)" || state.head.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "the branch has no commit yet")
            .on("work tree")
            .help("make one"));
    }
    Ok(state)
}

fn some(paths: &[String]) -> String {
    let more = if paths.len() > 5 { format!(" and {} more", paths.len() - 5) } else { String::new() };
    let shown: Vec<String> = paths.iter().take(5).map(|path| path.escape_debug().to_string()).collect();
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_status() {
        let check = |status: &str, branch: Option<&str>, dirty: &[&str]| {
            let status =
                format!("# branch.oid 12ab\0# branch.head {}\0{status}", branch.unwrap_or("(detached)"));
            let state = parse(&status).unwrap();
            assert_eq!((state.head.as_str(), state.branch.as_deref()), ("12ab", branch));
            assert_eq!(state.dirty, dirty);
        };
        check("", Some("main"), &[]);
        check("# branch.upstream origin/main\0# branch.ab +0 -1\0", None, &[]);
        check(
            "1 .M N... 100644 100644 100644 1 1 a b.yaml\x001 A. N... 0 100644 100644 0 1 c\0",
            Some("x"),
            &["a b.yaml", "c"],
        );
        check("u UU N... 1 2 3 4 a b c d e f\0", Some("x"), &["d e f"]);
        assert!(parse("# branch.oid (initial)\0# branch.head main\0").is_err());
        assert!(parse("? x\0").is_err());
        assert!(parse("").is_err());
        let many: Vec<String> = (0..7).map(|number| number.to_string()).collect();
        assert_eq!(some(&many), "0, 1, 2, 3, 4 and 2 more");
    }
}
