//! `ssm sweep`: what is left of deployments whose callers died.

use deploy_core::error::Result;
use deploy_ssm::{Orphan, Swept};
use serde_json::{Value, json};

use super::args::SweepArgs;
use super::{Far, run};
use crate::Done;
use crate::images::Desk;
use crate::paint::{Paint, Tone, printable};

pub(super) async fn sweep(args: &SweepArgs, far: &Far, desk: &Desk<'_>) -> Result<Done> {
    let run = run(desk);
    let orphans = far.target.orphans(args.older_than, &run).await?;
    if args.dry_run {
        return Ok(Done::told(json!({"orphans": orphans}), move |_| found(&orphans)));
    }
    let swept = far.target.sweep(orphans, &run).await?;
    // What the next deployment takes over is no failure of the sweep.
    let good = swept.left.iter().all(|(orphan, _)| matches!(orphan, Orphan::Run { .. }));
    Ok(Done { good, ..Done::told(data(&swept), move |paint| text(&swept, paint)) })
}

fn data(swept: &Swept) -> Value {
    let left: Vec<Value> =
        swept.left.iter().map(|(orphan, why)| json!({"orphan": orphan, "why": why})).collect();
    json!({"removed": swept.removed, "left": left, "gaps": swept.gaps})
}

fn found(orphans: &[Orphan]) -> String {
    if orphans.is_empty() {
        return "nothing was left behind\n".to_owned();
    }
    orphans.iter().fold(String::new(), |text, orphan| text + &format!("would remove {}\n", line(orphan)))
}

fn text(swept: &Swept, paint: Paint) -> String {
    let mut text = String::new();
    if swept.removed.is_empty() && swept.left.is_empty() {
        text += "nothing was left behind\n";
    }
    for orphan in &swept.removed {
        text += &format!("{} {}\n", paint.text(Tone::Good, "removed"), line(orphan));
    }
    for (orphan, why) in &swept.left {
        text += &format!("{} {}: {}\n", paint.text(Tone::Warn, "left"), line(orphan), printable(why));
    }
    for gap in &swept.gaps {
        text += &format!("{}\n", paint.text(Tone::Warn, &printable(gap)));
    }
    text
}

fn line(orphan: &Orphan) -> String {
    printable(&orphan.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_went_and_what_stayed() {
        let object = Orphan::Object { bucket: "deployments".into(), key: "shop/a\x1b/log".into() };
        let died = Orphan::Run { id: "20261122-101500-4f1c2d".into() };
        assert_eq!(
            found(std::slice::from_ref(&object)),
            "would remove object s3://deployments/shop/a\u{fffd}/log\n"
        );
        let mut swept = Swept::default();
        assert_eq!(text(&swept, Paint(true)), "nothing was left behind\n");
        swept.removed.push(object);
        swept.left.push((died, "it had written".into()));
        assert_eq!(
            text(&swept, Paint(false)),
            "removed object s3://deployments/shop/a\u{fffd}/log\nleft run 20261122-101500-4f1c2d on the node: it had written\n"
        );
        assert_eq!(
            data(&swept),
            json!({
                "removed": [{"orphan": "object", "bucket": "deployments", "key": "shop/a\u{1b}/log"}],
                "left": [{"orphan": {"orphan": "run", "id": "20261122-101500-4f1c2d"}, "why": "it had written"}],
                "gaps": [],
            })
        );
        let mut swept = Swept::default();
        swept.gaps.push("the node is gone".into());
        assert_eq!(text(&swept, Paint(false)), "nothing was left behind\nthe node is gone\n");
    }
}
