//! Releases and revisions as tables.

use deploy_k8s::{ReleaseRevision, ReleaseStatus};

use crate::paint::{Paint, Tone, printable};

pub(super) fn list(releases: &[ReleaseRevision], paint: Paint) -> String {
    let rows = releases.iter().map(|release| {
        let chart = release.chart.clone().unwrap_or_default();
        let first = [release.namespace.clone(), release.name.clone(), release.revision.to_string()];
        (first, release, chart)
    });
    rendered(["NAMESPACE", "NAME", "REVISION"], rows, paint)
}

pub(super) fn history(revisions: &[ReleaseRevision], paint: Paint) -> String {
    let rows = revisions.iter().map(|revision| {
        let chart = revision.chart.clone().unwrap_or_default();
        ([revision.revision.to_string()], revision, chart)
    });
    rendered(["REVISION"], rows, paint)
}

pub(super) fn tone(status: &ReleaseStatus) -> Tone {
    match status {
        ReleaseStatus::Deployed => Tone::Good,
        ReleaseStatus::Failed => Tone::Bad,
        status if status.is_pending() => Tone::Warn,
        _ => Tone::Plain,
    }
}

/// What differs between the tables comes first, then what both tell.
fn rendered<'a, const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = ([String; N], &'a ReleaseRevision, String)>,
    paint: Paint,
) -> String {
    let mut head: Vec<String> = head.map(str::to_owned).into();
    head.extend(["UPDATED", "STATUS", "CHART", "COMMIT", "IMAGES", "DESCRIPTION"].map(str::to_owned));
    let mut lines = vec![(head, Tone::Plain)];
    for (first, revision, chart) in rows {
        let mut cells: Vec<String> = first.into();
        let said = revision.unreadable.as_ref().unwrap_or(&revision.description);
        cells.extend([
            revision.updated.map(|time| time.to_string()).unwrap_or_default(),
            revision.status.to_string(),
            chart,
            commit(revision.git_revision.as_deref().unwrap_or_default()).to_owned(),
            revision.images.join(" "),
            said.clone(),
        ]);
        let cells = cells.iter().map(|cell| printable(cell).replace(['\n', '\t'], " ")).collect();
        lines.push((cells, if revision.unreadable.is_some() { Tone::Bad } else { tone(&revision.status) }));
    }
    let columns = lines.first().map_or(0, |(head, _)| head.len());
    let width =
        |column: usize| lines.iter().filter_map(|(cells, _)| Some(cells.get(column)?.chars().count())).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
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
fn commit(git_revision: &str) -> &str {
    let is_hash = git_revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    git_revision.get(..12).filter(|_| is_hash).unwrap_or(git_revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: u64, status: &str) -> ReleaseRevision {
        serde_json::from_value(serde_json::json!({
            "name": "api", "namespace": "shop", "revision": number, "status": status, "updated": "2026-03-04T05:06:07Z",
            "description": "Upgrade\ncomplete", "chart": "shop-1.2.0", "appVersion": "7", "images": ["api:v2", "proxy:v1"],
            "gitRevision": "4f1c2d9", "unreadable": null,
        }))
        .unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(
            history(&[revision(12, "deployed"), revision(3, "superseded")], Paint(false)),
            "REVISION  UPDATED               STATUS      CHART       COMMIT   IMAGES           DESCRIPTION\n\
             12        2026-03-04T05:06:07Z  deployed    shop-1.2.0  4f1c2d9  api:v2 proxy:v1  Upgrade complete\n\
             3         2026-03-04T05:06:07Z  superseded  shop-1.2.0  4f1c2d9  api:v2 proxy:v1  Upgrade complete\n"
        );
        let lines = list(&[revision(1, "failed")], Paint(true));
        assert!(lines.contains("\x1b[31mshop       api   1  "), "{lines:?}");
    }

    #[test]
    fn a_commit_is_short() {
        let check = |git_revision: &str, expect: &str| assert_eq!(commit(git_revision), expect);
        check("4f1c2d9b7a5e3c1d0f2e4a6b8c0d1e2f3a4b5c6d", "4f1c2d9b7a5e");
        check("4f1c2d9", "4f1c2d9");
        check("v1.2.0-rc.1-dirty", "v1.2.0-rc.1-dirty");
        check("", "");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let mut unreadable = revision(1, "deployed");
        unreadable.unreadable = Some("it is not\x1b base64".into());
        let table = history(&[unreadable], Paint(false));
        assert!(table.ends_with("  it is not\u{fffd} base64\n"), "{table:?}");
    }
}
