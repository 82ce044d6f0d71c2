//! Files in a commit, read and written without a work tree: no filter, no line-ending conversion and no hook touches them.

use std::collections::BTreeMap;
use std::fs;

use deploy_core::error::{Error, ErrorKind, Result};

use super::opened::{Opened, no_folder};
use crate::edit::MAX_BYTES;

/// The most paths that are asked for at a time: a command line is bounded.
const PATHS: usize = 200;

/// The most bytes that are read at a time, but for one large file.
const BYTES: usize = 32 * 1024 * 1024;

/// A plain file's mode.
const PLAIN: &str = "100644";

/// A file as it stands in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) mode: String,
    pub(super) bytes: Vec<u8>,
}

/// The line about a file in a tree.
struct Listed {
    mode: String,
    id: String,
    size: usize,
}

/// The files at `paths` in `commit`; one that is not there is not among them.
pub(super) async fn read(opened: &Opened, commit: &str, paths: &[&str]) -> Result<BTreeMap<String, Blob>> {
    let mut listed = Vec::new();
    for paths in paths.chunks(PATHS) {
        let mut arguments = vec!["ls-tree", "-z", "-l", "--full-tree", commit, "--"];
        arguments.extend(paths);
        let out = opened.git.out(&arguments).await?;
        for entry in String::from_utf8_lossy(&out).split_terminator('\0') {
            let (path, file) = parse(entry)?;
            listed.push((path, file));
        }
    }
    let mut found = BTreeMap::new();
    let mut rest = listed.as_slice();
    while !rest.is_empty() {
        let mut bytes = 0;
        let within = |(_, file): &&(String, Listed)| {
            bytes += file.size;
            bytes <= BYTES
        };
        let count = rest.iter().take_while(within).count().max(1);
        let (now, later) = rest.split_at(count);
        let ids: Vec<&str> = now.iter().map(|(_, file)| &*file.id).collect();
        for ((path, file), bytes) in now.iter().zip(objects(opened, &ids).await?) {
            let bytes =
                bytes.ok_or_else(|| Error::new(ErrorKind::NotFound, "its content is missing").on(path))?;
            found.insert(path.clone(), Blob { mode: file.mode.clone(), bytes });
        }
        rest = later;
    }
    Ok(found)
}

fn parse(entry: &str) -> Result<(String, Listed)> {
    let odd = || Error::new(ErrorKind::Internal, "git lists a tree in an unknown form");
    let (about, path) = entry.split_once('\t').ok_or_else(odd)?;
    let mut words = about.split_whitespace();
    let (Some(mode), Some(_), Some(id), Some(size)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(odd());
    };
    let refused = |why: &str| Err(Error::invalid(format!("it is {why}")).on(path).help("name a file"));
    match mode {
        "120000" => return refused("a symbolic link"),
        "160000" => return refused("a submodule"),
        "040000" => return refused("a folder"),
        _ => {}
    }
    let size = size.parse().map_err(|_| odd())?;
    if size > MAX_BYTES {
        return Err(Error::invalid("the file is over 16 MiB").on(path));
    }
    Ok((path.to_owned(), Listed { mode: mode.to_owned(), id: id.to_owned(), size }))
}

/// What these names stand for, each of at most 16 MiB; `None` for one that is not there.
pub(super) async fn objects(opened: &Opened, names: &[&str]) -> Result<Vec<Option<Vec<u8>>>> {
    let odd = || Error::new(ErrorKind::Internal, "git prints objects in an unknown form");
    let mut input = names.join("\n");
    input.push('\n');
    let most = BYTES.max(MAX_BYTES * names.len().min(16)) + 4096 * (names.len() + 1);
    let out = opened.git.input(input).at_most(most).out(&["cat-file", "--batch"]).await?;
    let mut rest = out.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(odd)?;
        let (head, after) = rest.split_at(end);
        let head = String::from_utf8_lossy(head);
        rest = after.get(1..).unwrap_or_default();
        if head.ends_with(" missing") || head.ends_with(" ambiguous") {
            found.push(None);
            continue;
        }
        let size = head.rsplit(' ').next().and_then(|size| size.parse::<usize>().ok()).ok_or_else(odd)?;
        found.push(Some(rest.get(..size).ok_or_else(odd)?.to_vec()));
        rest = rest.get(size + 1..).ok_or_else(odd)?;
    }
    if found.len() == names.len() { Ok(found) } else { Err(odd()) }
}

/// A new commit on `base` in which these files are so, and all else is as it was. It is on no branch yet.
pub(super) async fn commit(
    opened: &Opened,
    base: Option<&str>,
    files: &BTreeMap<String, Blob>,
    message: &str,
    signs: bool,
) -> Result<String> {
    let scratch = tempfile::tempdir().map_err(no_folder)?;
    let git = opened.git.folder(scratch.path()).variable("GIT_INDEX_FILE", scratch.path().join("index"));
    let mut names = String::new();
    for (number, file) in files.values().enumerate() {
        fs::write(scratch.path().join(number.to_string()), &file.bytes).map_err(no_folder)?;
        names.push_str(&number.to_string());
        names.push('\n');
    }
    let made = git.input(names).out(&["hash-object", "-w", "--no-filters", "--stdin-paths"]).await?;
    let made = String::from_utf8_lossy(&made);
    if let Some(base) = base {
        git.out(&["read-tree", base]).await?;
    }
    let mut entries = Vec::new();
    for ((path, file), id) in files.iter().zip(made.lines()) {
        entries.extend_from_slice(format!("{} {id}\t{path}\0", file.mode).as_bytes());
    }
    git.input(entries).out(&["update-index", "-z", "--index-info"]).await?;
    let tree = git.line(&["write-tree"]).await?;
    let mut arguments = vec!["commit-tree"];
    if signs {
        arguments.push("-S");
    }
    if let Some(base) = base {
        arguments.extend(["-p", base]);
    }
    arguments.extend(["-F", "-", &tree]);
    git.input(message).line(&arguments).await
}

/// A file that is new.
pub(super) fn plain(bytes: Vec<u8>) -> Blob {
    Blob { mode: PLAIN.to_owned(), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_edited() {
        let check = |entry: &str, refused: Option<&str>| {
            let error = parse(entry).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), refused, "{entry}");
        };
        check("100644 blob 0abc      12\ta b", None);
        check("100755 blob 0abc      12\ta", None);
        check("120000 blob 0abc      12\ta", Some("a: it is a symbolic link (name a file)"));
        check("160000 commit 0abc      -\ta", Some("a: it is a submodule (name a file)"));
        check("040000 tree 0abc      -\ta", Some("a: it is a folder (name a file)"));
        check("100644 blob 0abc 16777217\ta", Some("a: the file is over 16 MiB"));
        check("100644 blob\ta", Some("git lists a tree in an unknown form"));
        check("", Some("git lists a tree in an unknown form"));
    }
}
