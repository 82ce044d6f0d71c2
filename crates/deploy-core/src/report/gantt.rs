//! The lanes as a Mermaid Gantt chart, which GitHub and GitLab draw.

use std::fmt::Write as _;
use std::time::Duration;

use super::axis::ticks;
use super::lanes::{Bar, Chart, Lane, Mark, Phase};
use super::text;
use crate::clock::Timestamp;
use crate::health::PodPhase;

/// The most bars: more make a page slow, and Mermaid refuses texts of over 50,000 characters.
const MAX_BARS: usize = 60;
/// The most characters of a label.
const MAX_LABEL: usize = 40;

/// Pixels: the width of a character of a title.
const CHARACTER: usize = 6;

/// The chart's source, or nothing if there is nothing to draw; and how many lanes were left out.
pub(super) fn gantt(lanes: &Chart) -> Option<(String, usize)> {
    let mut most = lanes.lanes.len().min(MAX_BARS);
    let (mut shown, mut hidden) = lanes.most(most);
    while most > 1 && shown.iter().map(|lane| lane.bars.len().max(1)).sum::<usize>() > MAX_BARS {
        most -= 1;
        (shown, hidden) = lanes.most(most);
    }
    if shown.is_empty() {
        return None;
    }
    let total = lanes.total.max(Duration::from_secs(1));
    let axis = if total < Duration::from_secs(3600) { "%M:%S" } else { "%H:%M:%S" };
    let titles: Vec<String> = shown.iter().map(|lane| label(&title(lane))).collect();
    let longest = titles.iter().map(|title| title.chars().count()).max().unwrap_or_default();
    // Mermaid writes titles over the bars unless it is told how much room they need.
    let room = longest * CHARACTER + 24;
    let mut chart = format!("%%{{init: {{\"gantt\": {{\"leftPadding\": {room}}}}}}}%%\n");
    // Times stand as dates of a fixed day without a zone: what the reader's zone is does not matter.
    chart.push_str("gantt\n    dateFormat YYYY-MM-DDTHH:mm:ss.SSS\n");
    let _ = writeln!(chart, "    axisFormat {axis}");
    let _ = writeln!(chart, "    tickInterval {}", interval(total));
    chart.push_str("    todayMarker off\n");
    // The axis ends where the run does.
    let marks: Vec<&Mark> = lanes.marks.iter().filter(|mark| mark.label != "done").collect();
    if !marks.is_empty() {
        chart.push_str("    section Run\n");
    }
    for mark in marks {
        let _ = writeln!(chart, "    {} : milestone, {}, 0s", mark.label, time(mark.at));
    }
    for (lane, title) in shown.into_iter().zip(titles) {
        let _ = writeln!(chart, "    section {title}");
        // Mermaid draws what takes no time as a milestone of its own.
        for bar in lane.bars.iter().filter(|bar| bar.from < bar.to).take(MAX_BARS) {
            let _ = writeln!(chart, "    {}", task(bar));
        }
        if lane.bars.is_empty() {
            for write in lane.writes.iter().take(MAX_BARS) {
                let _ = writeln!(chart, "    {} : milestone, {}, 0s", write.what, time(write.at));
            }
        }
    }
    Some((chart, hidden))
}

fn title(lane: &Lane) -> String {
    lane.pod.clone().unwrap_or_else(|| lane.object.to_string())
}

fn task(bar: &Bar) -> String {
    let tag = match bar.phase {
        phase if phase.is_bad() => "crit, ",
        Phase::Healthy | Phase::Pod(PodPhase::Ready | PodPhase::Succeeded) => "active, ",
        Phase::Deleting | Phase::Pod(PodPhase::Terminating) => "done, ",
        _ => "",
    };
    // The reason of a pod is a word; an object's progress is a sentence, for the table below.
    let word = bar.phase.word();
    let name = match bar.phase {
        Phase::Pod(_) if !bar.note.is_empty() => format!("{word} ({})", label(&bar.note)),
        _ => word.to_owned(),
    };
    format!("{name} : {tag}{}, {}", time(bar.from), time(bar.to))
}

/// Mermaid knows no escapes but entity codes, and takes some marks for syntax even so: what is no plain mark becomes a blank.
fn label(text: &str) -> String {
    let text = text::clip_start(&text::line(text), MAX_LABEL);
    let safe = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/' | '(' | ')' | '…');
    let text: String = text.chars().map(|c| if safe(c) { c } else { ' ' }).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "unnamed".to_owned() } else { text }
}

fn time(at: Duration) -> String {
    let moment = Timestamp::from_unix_seconds(946_684_800) + at;
    let text = moment.to_string();
    // Without the zone, and with milliseconds always.
    format!("{}.{:03}", text.get(..19).unwrap_or(&text), at.subsec_millis())
}

fn interval(total: Duration) -> String {
    let step = ticks(total, 10).get(1).copied().unwrap_or(total).as_secs().max(1);
    match step {
        step if step % 86_400 == 0 => format!("{}day", step / 86_400),
        step if step % 3600 == 0 => format!("{}hour", step / 3600),
        step if step % 60 == 0 => format!("{}minute", step / 60),
        step => format!("{step}second"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_no_syntax() {
        let check = |text: &str, expect: &str| assert_eq!(label(text), expect);
        check("Deployment shop/api", "Deployment shop/api");
        check("a:b;c#d\ne%%f", "a b c d e f");
        check("\u{1b}[31m:", "unnamed");
        check("<script>alert(1)</script>", "script alert(1) /script");
        assert_eq!(label(&"x".repeat(200)).chars().count(), MAX_LABEL);
    }

    #[test]
    fn times_are_of_a_fixed_day() {
        assert_eq!(time(Duration::from_millis(61_005)), "2000-01-01T00:01:01.005");
        assert_eq!(interval(Duration::from_secs(1)), "1second");
        assert_eq!(interval(Duration::from_secs(95)), "10second");
        assert_eq!(interval(Duration::from_secs(900)), "2minute");
    }
}
