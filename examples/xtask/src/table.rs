//! Tables for a terminal: columns as wide as their widest cell, a tone for each line.

use crate::paint::{Paint, Tone, printable};

/// Lines under a head. What a terminal would act on is not written; a line break in a cell is a space.
pub(crate) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = ([String; N], Tone)>,
    paint: Paint,
) -> String {
    let tidy = |cell: &String| printable(cell).replace(['\n', '\t'], " ");
    let mut lines = vec![(head.map(str::to_owned), Tone::Plain)];
    lines.extend(rows.into_iter().map(|(cells, tone)| (cells.each_ref().map(tidy), tone)));
    let width =
        |column: usize| lines.iter().filter_map(|(cells, _)| Some(cells.get(column)?.chars().count())).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for (cells, tone) in &lines {
        let line: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out += &paint.text(*tone, line.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// A commit's hash as short as git itself may show it; with --json it is whole.
pub(crate) fn commit(git_revision: &str) -> &str {
    let is_hash = git_revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    git_revision.get(..12).filter(|_| is_hash).unwrap_or(git_revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [(["1", "a\nb"], Tone::Plain), (["100", "\x1b[2J"], Tone::Bad)];
        let rows = rows.map(|(cells, tone)| (cells.map(str::to_owned), tone));
        assert_eq!(
            table(["N", "WHAT"], rows.clone(), Paint(false)),
            "N    WHAT\n1    a b\n100  \u{fffd}[2J\n"
        );
        assert!(table(["N", "WHAT"], rows, Paint(true)).ends_with("\x1b[31m100  \u{fffd}[2J\x1b[0m\n"));
        assert_eq!(table(["N", "WHAT"], [], Paint(true)), "N  WHAT\n");
    }

    #[test]
    fn a_commit_is_short() {
        let check = |git_revision: &str, expect: &str| assert_eq!(commit(git_revision), expect);
        check("4f1c2d9b7a5e3c1d0f2e4a6b8c0d1e2f3a4b5c6d", "4f1c2d9b7a5e");
        check("4f1c2d9", "4f1c2d9");
        check("v1.2.0-rc.1-dirty", "v1.2.0-rc.1-dirty");
        check("", "");
    }
}
