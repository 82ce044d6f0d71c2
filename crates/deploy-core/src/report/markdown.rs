//! An outcome as a page of GitHub-flavoured Markdown, for the summary of a CI job.
#![expect(clippy::format_push_string, reason = "pages are short, and writing to a String cannot fail")]

mod page;

use super::lanes::{Chart, Tone};
use super::{MAX_BLOCK, MAX_EVENTS, MAX_ITEMS, MAX_OBJECTS, ends, facts, gantt, text};
use crate::evidence::{ContainerEvidence, Evidence};
use crate::outcome::{Cause, ObjectOutcome, Outcome};
use page::{Page, code, details, fence, inline};

/// The most bytes of a page. GitHub refuses a step's summary of over 1 MiB; this leaves room for what else the step writes there.
pub const MARKDOWN_BYTES: usize = 1_000_000;

/// The outcome as GitHub-flavoured Markdown: how it ended and why, what changed, the evidence, the pods over time (a Mermaid Gantt
/// chart), what happened.
///
/// At most [`MARKDOWN_BYTES`] long; what there is no room for is left out in whole parts, and the page says so.
pub fn markdown(outcome: &Outcome) -> String {
    let mut page = Page::new(MARKDOWN_BYTES);
    page.add(&head(outcome));
    if let Some(cause) = &outcome.cause {
        page.add(&causes(cause, ""));
    }
    page.add(&identity(outcome));
    rollback(outcome, &mut page);
    page.add(&notes("", &outcome.notes));
    changes(outcome, &mut page);
    evidence(&outcome.evidence, &mut page);
    let lanes = Chart::of(outcome);
    chart(&lanes, &mut page);
    events(outcome, &mut page);
    page.finish()
}

fn head(outcome: &Outcome) -> String {
    let sign = match facts::tone(outcome.status) {
        Tone::Plain => "📋",
        Tone::Good => "✅",
        Tone::Warn => "⚠️",
        Tone::Bad => "❌",
    };
    format!("## {sign} {}: {}\n", inline(&facts::subject(outcome)), facts::verdict(outcome))
}

fn identity(outcome: &Outcome) -> String {
    let facts = facts::identity(outcome);
    let names: Vec<&str> = facts.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = facts.iter().map(|(_, value)| code(value)).collect();
    table(&names, &[values])
}

fn causes(cause: &Cause, prefix: &str) -> String {
    let causes = facts::causes(cause);
    let line = |(object, why): &(Option<String>, String)| match object {
        Some(object) => format!("> {prefix}{}: {}\n", code(object), inline(why)),
        None => format!("> {prefix}<b>{}</b>\n", inline(why)),
    };
    let shown: Vec<String> = causes.iter().take(MAX_ITEMS).map(line).collect();
    // An empty quoted line makes paragraphs of them.
    shown.join(">\n") + &more(causes.len(), MAX_ITEMS)
}

fn rollback(outcome: &Outcome, page: &mut Page) {
    let Some(report) = &outcome.rollback else { return };
    if !report.left.is_empty() {
        let line = |left: &crate::target::Left| {
            format!(
                "- {}: {}\n",
                code(&text::line(&left.object.to_string())),
                inline(&left.error.to_string())
            )
        };
        let lines: String = report.left.iter().take(MAX_ITEMS).map(line).collect();
        page.add(&format!("### Not brought back\n\n{lines}{}", more(report.left.len(), MAX_ITEMS)));
    }
    if let Some(cause) = &report.unhealthy {
        page.add(&causes(cause, "The old state is not healthy: "));
    }
    page.add(&notes("The way back: ", &report.notes));
}

fn notes(prefix: &str, notes: &[String]) -> String {
    let line = |note: &String| format!("- Note: {prefix}{}\n", inline(note));
    notes.iter().take(MAX_ITEMS).map(line).collect::<String>() + &more(notes.len(), MAX_ITEMS)
}

fn changes(outcome: &Outcome, page: &mut Page) {
    let (changed, same) = facts::changed(outcome);
    let rows: Vec<Vec<String>> = changed.iter().take(MAX_OBJECTS).map(|object| change(object)).collect();
    let mut section = "### What changed\n\n".to_owned();
    section += &table(&["Object", "Action", "Fields", "Images"], &rows);
    section += &more(changed.len(), MAX_OBJECTS);
    if same > 0 {
        section += &format!("\n{} unchanged.\n", text::plural(same, "object"));
    } else if changed.is_empty() {
        section += "No objects.\n";
    }
    page.add(&section);
    for object in changed.iter().take(MAX_OBJECTS) {
        if let Some(diff) = &object.unified {
            let (diff, hidden) = text::head(diff, MAX_BLOCK);
            let body = fence("diff", &diff) + &left_out(hidden, "line");
            page.add(&details(&format!("Diff of {}", code(&text::line(&object.object.to_string()))), &body));
        }
    }
}

fn change(object: &ObjectOutcome) -> Vec<String> {
    let image = |image: facts::ImageChange| {
        let images: Vec<String> = [image.before, image.after].iter().flatten().map(|one| code(one)).collect();
        let name = if image.container.is_empty() { String::new() } else { inline(&image.container) + ": " };
        name + &images.join(" → ")
    };
    let images: Vec<String> = facts::images(object).into_iter().map(image).collect();
    let mut fields = object.diff.len().to_string();
    if !object.yielded.is_empty() {
        fields += &format!(" ({} left to others)", object.yielded.len());
    }
    let guess = if object.simulated { " (a guess)" } else { "" };
    vec![
        code(&text::line(&object.object.to_string())),
        format!("{}{guess}", facts::verb(object)),
        fields,
        images.join("<br>"),
    ]
}

fn evidence(evidence: &Evidence, page: &mut Page) {
    if evidence.is_empty() {
        return;
    }
    page.add("### Evidence\n");
    for pod in evidence.pods.iter().take(MAX_ITEMS) {
        let name = code(&text::line(&format!("{}/{}", pod.namespace, pod.name)));
        let rows: Vec<Vec<String>> = pod.containers.iter().take(MAX_ITEMS).map(container).collect();
        let states = table(&["Container", "State", "Ready", "Restarts", "Image"], &rows);
        page.add(&format!("Pod {name}: {}\n\n{states}", inline(&pod.state)));
        for container in pod.containers.iter().take(MAX_ITEMS) {
            for (what, lines) in
                [("Log", &container.log), ("Log before the restart", &container.previous_log)]
            {
                if !lines.is_empty() {
                    let (log, hidden) = text::tail(lines, MAX_BLOCK);
                    let title = format!("{what} of {} in {name}", code(&text::line(&container.name)));
                    page.add(&details(&title, &(left_out(hidden, "earlier line") + &fence("text", &log))));
                }
            }
        }
    }
    page.add(&more(evidence.pods.len(), MAX_ITEMS));
    if !evidence.events.is_empty() {
        let row = |event: &crate::evidence::EventLine| {
            let object = code(&text::line(&event.object.to_string()));
            vec![object, inline(&event.reason), event.count.to_string(), inline(&event.message)]
        };
        let rows: Vec<_> = evidence.events.iter().take(MAX_ITEMS).map(row).collect();
        let events = table(&["Object", "Event", "Times", "Message"], &rows);
        page.add(&format!("{events}{}", more(evidence.events.len(), MAX_ITEMS)));
    }
    let gap = |gap: &String| format!("- Could not be read: {}\n", inline(gap));
    page.add(&evidence.gaps.iter().take(MAX_ITEMS).map(gap).collect::<String>());
}

fn container(container: &ContainerEvidence) -> Vec<String> {
    vec![
        code(&text::line(&container.name)),
        inline(&container.state),
        if container.ready { "yes" } else { "no" }.to_owned(),
        container.restarts.to_string(),
        code(&text::line(&container.image)),
    ]
}

fn chart(lanes: &Chart, page: &mut Page) {
    if let Some((chart, hidden)) = gantt::gantt(lanes) {
        let rest = if hidden > 0 { format!("\nand {hidden} more\n") } else { String::new() };
        page.add(&format!("### Over time\n\n{}{rest}", fence("mermaid", chart.trim_end())));
    }
}

fn events(outcome: &Outcome, page: &mut Page) {
    if outcome.timeline.is_empty() {
        return;
    }
    let row = |event: &crate::event::Event| {
        vec![text::duration(event.at.since(outcome.started)), inline(&event.kind.to_string())]
    };
    let (first, hidden, last) = ends(&outcome.timeline, MAX_EVENTS);
    let mut rows: Vec<Vec<String>> = first.iter().map(row).collect();
    if hidden > 0 {
        rows.push(vec!["…".to_owned(), format!("{hidden} more are left out")]);
    }
    rows.extend(last.iter().map(row));
    let title = format!("Timeline: {}", text::plural(outcome.timeline.len(), "event"));
    page.add(&details(&title, &table(&["After", "What"], &rows)));
}

/// A table, or nothing if it has no rows. Cells are Markdown already.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule = vec!["---".to_owned(); head.len()];
    row(&head) + &row(&rule) + &rows.iter().map(|cells| row(cells)).collect::<String>()
}

fn more(count: usize, max: usize) -> String {
    if count > max { format!("\nand {} more\n", count - max) } else { String::new() }
}

fn left_out(count: usize, noun: &str) -> String {
    if count > 0 { format!("{} left out\n\n", text::plural(count, noun)) } else { String::new() }
}
