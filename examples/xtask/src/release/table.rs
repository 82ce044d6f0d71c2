//! Releases and revisions as tables.

use deploy_k8s::{ReleaseRevision, ReleaseStatus};

use crate::paint::{Paint, Tone};
use crate::table::{commit, table};

pub(super) fn list(releases: &[ReleaseRevision], paint: Paint) -> String {
    let head =
        ["NAMESPACE", "NAME", "REVISION", "UPDATED", "STATUS", "CHART", "COMMIT", "IMAGES", "DESCRIPTION"];
    let rows = releases.iter().map(|release| {
        let [revision, updated, status, chart, commit, images, said] = cells(release);
        let (namespace, name) = (release.namespace.clone(), release.name.clone());
        ([namespace, name, revision, updated, status, chart, commit, images, said], line_tone(release))
    });
    table(head, rows, paint)
}

pub(super) fn history(revisions: &[ReleaseRevision], paint: Paint) -> String {
    let head = ["REVISION", "UPDATED", "STATUS", "CHART", "COMMIT", "IMAGES", "DESCRIPTION"];
    table(head, revisions.iter().map(|revision| (cells(revision), line_tone(revision))), paint)
}

pub(super) fn tone(status: &ReleaseStatus) -> Tone {
    match status {
        ReleaseStatus::Deployed => Tone::Good,
        ReleaseStatus::Failed => Tone::Bad,
        status if status.is_pending() => Tone::Warn,
        _ => Tone::Plain,
    }
}

/// What both tables tell.
fn cells(revision: &ReleaseRevision) -> [String; 7] {
    let said = revision.unreadable.as_ref().unwrap_or(&revision.description);
    [
        revision.revision.to_string(),
        revision.updated.map(|time| time.to_string()).unwrap_or_default(),
        revision.status.to_string(),
        revision.chart.clone().unwrap_or_default(),
        commit(revision.git_revision.as_deref().unwrap_or_default()).to_owned(),
        revision.images.join(" "),
        said.clone(),
    ]
}

fn line_tone(revision: &ReleaseRevision) -> Tone {
    if revision.unreadable.is_some() { Tone::Bad } else { tone(&revision.status) }
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
    fn a_revision_is_a_line() {
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
    fn what_cannot_be_read_is_told() {
        let mut unreadable = revision(1, "deployed");
        unreadable.unreadable = Some("it is not\x1b base64".into());
        let table = history(&[unreadable], Paint(false));
        assert!(table.ends_with("  it is not\u{fffd} base64\n"), "{table:?}");
    }
}
