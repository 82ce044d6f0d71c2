//! The scripts as one archive: the same bytes each time, without comments, which nobody reads there.

use std::io::Write;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};

use super::rules;

/// Characters a line of base64.
const LINE: usize = 1_000;

macro_rules! scripts {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!($name))),+] };
}

const BASE: &[(&str, &str)] = scripts!["node.sh", "base.sh", "json.awk", "object.awk"];
const COMMAND: &[(&str, &str)] = scripts!["start.sh"];
const DEPLOY: &[(&str, &str)] = scripts![
    "obtain.sh",
    "deploy.sh",
    "apply.sh",
    "follow.sh",
    "undo.sh",
    "finish.sh",
    "list.awk",
    "note.awk",
    "written.awk",
    "cause.awk",
    "verdicts.awk",
    "unseen.awk",
    "restored.awk",
    "removed.awk",
    "stays.awk",
    "left.awk",
    "rows.awk",
    "quote.awk",
];
const ASK: &[(&str, &str)] = scripts!["ask.sh", "diagnose.awk"];

/// Which scripts a verb needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pack {
    Deploy,
    Wait,
    Ask,
}

/// The archive of a pack as lines of base64, made once.
pub(super) fn lines(pack: Pack) -> &'static [String] {
    static PACKS: [OnceLock<Vec<String>>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let (cell, parts): (_, &[_]) = match pack {
        Pack::Deploy => (&PACKS[0], &[BASE, COMMAND, DEPLOY]),
        Pack::Wait => (&PACKS[1], &[BASE, COMMAND]),
        Pack::Ask => (&PACKS[2], &[BASE, ASK]),
    };
    cell.get_or_init(|| {
        let mut files: Vec<(&str, String)> = parts
            .iter()
            .flat_map(|part| part.iter())
            .map(|(name, text)| (*name, rules::bare(&[text])))
            .collect();
        if pack == Pack::Deploy {
            files.extend([("judge.awk", rules::judge()), ("evidence.awk", rules::evidence())]);
        }
        wrap(&archive(&files))
    })
}

/// Base64 in lines.
pub(super) fn wrap(bytes: &[u8]) -> Vec<String> {
    let text = STANDARD.encode(bytes);
    // Base64 is ASCII: a cut between any two bytes is one between characters.
    text.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// A tar.gz of files; writing to memory does not fail.
pub(super) fn archive(files: &[(&str, String)]) -> Vec<u8> {
    let encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(encoder);
    for (name, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(0);
        let _ = tar.append_data(&mut header, name, text.as_bytes());
    }
    let finished = tar.into_inner().and_then(|mut encoder| encoder.flush().and_then(|()| encoder.finish()));
    finished.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_small_and_made_of_lines() {
        for (pack, most) in [(Pack::Deploy, 40_000), (Pack::Wait, 9_000), (Pack::Ask, 12_000)] {
            let lines = lines(pack);
            let size: usize = lines.iter().map(|line| line.len() + 3).sum();
            assert!(size < most, "{pack:?} has {size} bytes");
            assert!(lines.iter().all(|line| line.len() <= LINE && !line.contains('\n')));
        }
    }

    #[test]
    fn comments_do_not_travel() {
        assert_eq!(rules::bare(&["#!/bin/sh\n# why\n\n  echo a # b\n"]), "echo a # b\n");
    }
}
