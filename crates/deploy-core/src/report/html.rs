//! An outcome as one HTML file that needs nothing else.

mod markup;

use super::lanes::{Chart, Tone};
use super::{MAX_BLOCK, MAX_EVENTS, MAX_ITEMS, MAX_OBJECTS, ends, facts, svg, text};
use crate::evidence::{ContainerEvidence, Evidence, PodEvidence};
use crate::outcome::{Cause, ObjectOutcome, Outcome};
use crate::target::Left;
pub(super) use markup::{Element, element};

/// No script, no image, no font, nothing from anywhere: only the style in this file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// The changes that stand above the timeline without a click.
const UNFOLDED: usize = 12;
const STYLE: &str = include_str!("style.css");

/// The outcome as one HTML file: how it ended and why, what changed, the timeline as a picture with a lane for each object and pod,
/// the evidence, what happened.
///
/// It holds no script and loads nothing; it follows the reader's light or dark colours and fits a phone. Lists and logs are bounded, and
/// what is left out is counted.
pub fn html(outcome: &Outcome) -> String {
    let verdict = facts::verdict(outcome);
    let subject = facts::subject(outcome);
    let head = element("head")
        .with(element("meta").attribute("charset", "utf-8").void())
        .with(
            element("meta")
                .attribute("http-equiv", "Content-Security-Policy")
                .attribute("content", POLICY)
                .void(),
        )
        .with(
            element("meta")
                .attribute("name", "viewport")
                .attribute("content", "width=device-width, initial-scale=1")
                .void(),
        )
        .with(element("meta").attribute("name", "color-scheme").attribute("content", "light dark").void())
        .with(element("title").text(&format!("{subject}: {verdict}")))
        .with(element("style").raw(STYLE));
    let lanes = Chart::of(outcome);
    let main = element("main")
        .with(header(outcome, &subject, &verdict))
        .with_all(outcome.cause.as_ref().map(|cause| causes(cause, "Why")))
        .with_all(rollback(outcome))
        .with_all(notes(outcome))
        .with_all(changes(outcome))
        .with_all(svg::timeline(&lanes))
        .with_all(evidence(&outcome.evidence))
        .with_all(events(outcome));
    let page = element("html").attribute("lang", "en").with(head).with(element("body").with(main));
    format!("<!DOCTYPE html>\n{}\n", page.render())
}

pub(super) fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    }
}

fn header(outcome: &Outcome, subject: &str, verdict: &str) -> Element {
    let badge = element("span").class(&format!("badge {}", class(facts::tone(outcome.status)))).text(verdict);
    let title = element("h1").with(element("span").text(subject)).with(badge);
    let fact = |(name, value): (&str, String)| {
        element("div").with(element("dt").text(name)).with(element("dd").text(&value))
    };
    let facts = element("dl").class("facts").with_all(facts::identity(outcome).into_iter().map(fact));
    element("header").with(title).with(facts)
}

fn section(title: &str) -> Element {
    element("section").with(element("h2").text(title))
}

fn causes(cause: &Cause, title: &str) -> Element {
    let causes = facts::causes(cause);
    let one = |(object, why): &(Option<String>, String)| {
        let object = object.as_ref().map(|object| element("strong").text(object));
        element("p").with_all(object).with(element("span").text(why))
    };
    section(title)
        .class("cause")
        .with_all(causes.iter().take(MAX_ITEMS).map(one))
        .with_all(more(causes.len(), MAX_ITEMS))
}

fn rollback(outcome: &Outcome) -> Vec<Element> {
    let Some(report) = &outcome.rollback else { return Vec::new() };
    let mut sections = Vec::new();
    if !report.left.is_empty() {
        let line = |left: &Left| {
            let object = element("strong").text(&text::line(&left.object.to_string()));
            element("p").with(object).with(element("span").text(&text::line(&left.error.to_string())))
        };
        let list =
            section("Not brought back").class("cause").with_all(report.left.iter().take(MAX_ITEMS).map(line));
        sections.push(list.with_all(more(report.left.len(), MAX_ITEMS)));
    }
    sections.extend(report.unhealthy.as_ref().map(|cause| causes(cause, "The old state is not healthy")));
    sections
}

fn notes(outcome: &Outcome) -> Option<Element> {
    let back = outcome.rollback.iter().flat_map(|report| &report.notes);
    let notes: Vec<&String> = outcome.notes.iter().chain(back).collect();
    let line = |note: &&String| element("li").text(&text::line(note));
    let list = element("ul").with_all(notes.iter().take(MAX_ITEMS).map(line));
    (!notes.is_empty()).then(|| section("Notes").with(list).with_all(more(notes.len(), MAX_ITEMS)))
}

fn changes(outcome: &Outcome) -> Option<Element> {
    let (changed, same) = facts::changed(outcome);
    if changed.is_empty() && same == 0 {
        return None;
    }
    let rest = (same > 0)
        .then(|| element("p").class("dim").text(&format!("{} unchanged", text::plural(same, "object"))));
    let mut list = changed.iter().take(MAX_OBJECTS).map(|object| change(object));
    let first: Vec<Element> = list.by_ref().take(UNFOLDED).collect();
    let others = changed.len().saturating_sub(UNFOLDED);
    let folded = (others > 0).then(|| {
        let title = element("summary").text(&format!("{others} more"));
        element("details").with(title).with_all(list).with_all(more(changed.len(), MAX_OBJECTS))
    });
    Some(section("What changed").with_all(first).with_all(folded).with_all(rest))
}

fn change(object: &ObjectOutcome) -> Element {
    let name = element("span").class("name").text(&text::line(&object.object.to_string()));
    let guess = if object.simulated { " (a guess)" } else { "" };
    let verb = element("span").class("verb").text(&format!("{}{guess}", facts::verb(object)));
    let image = |image: facts::ImageChange| {
        let name = image.container;
        let images: Vec<String> = [image.before, image.after].into_iter().flatten().collect();
        let colon = if name.is_empty() { "" } else { ": " };
        element("span").class("image").text(&format!("{name}{colon}{}", images.join(" → ")))
    };
    let fields = element("span").class("dim").text(&text::plural(object.diff.len(), "field"));
    let summary = element("summary")
        .with(verb)
        .with(name)
        .with(fields)
        .with_all(facts::images(object).into_iter().map(image));
    let (body, hidden) = match &object.unified {
        Some(diff) => text::head(diff, MAX_BLOCK),
        None => {
            let lines: Vec<String> = object.diff.iter().map(ToString::to_string).collect();
            text::head(&lines.join("\n"), MAX_BLOCK)
        }
    };
    let left = |yielded: &crate::plan::Yielded| {
        element("p").text(&text::line(&format!("{} is left to {}", yielded.field, yielded.to)))
    };
    element("details")
        .class("change")
        .with(summary)
        .with(element("pre").text(&body))
        .with_all(left_out(hidden, "line"))
        .with_all(object.yielded.iter().take(MAX_ITEMS).map(left))
}

fn evidence(evidence: &Evidence) -> Option<Element> {
    if evidence.is_empty() {
        return None;
    }
    let mut all = section("Evidence").with_all(evidence.pods.iter().take(MAX_ITEMS).map(pod));
    all = all.with_all(more(evidence.pods.len(), MAX_ITEMS));
    if !evidence.events.is_empty() {
        let rows = evidence.events.iter().take(MAX_ITEMS).map(|event| {
            let object = text::line(&event.object.to_string());
            row(&[object, text::line(&event.reason), event.count.to_string(), text::line(&event.message)])
        });
        let events = table("events", &["Object", "Event", "Times", "Message"], rows);
        all = all.with(events).with_all(more(evidence.events.len(), MAX_ITEMS));
    }
    let gap =
        |gap: &String| element("p").class("dim").text(&format!("could not be read: {}", text::line(gap)));
    Some(all.with_all(evidence.gaps.iter().take(MAX_ITEMS).map(gap)))
}

fn pod(pod: &PodEvidence) -> Element {
    let name = text::line(&format!("{}/{}", pod.namespace, pod.name));
    let title = element("h3").with(element("code").text(&name));
    let containers = || pod.containers.iter().take(MAX_ITEMS);
    let rows = containers().map(|container| {
        let ready = if container.ready { "yes" } else { "no" }.to_owned();
        let (name, state) = (text::line(&container.name), text::line(&container.state));
        row(&[name, state, ready, container.restarts.to_string(), text::line(&container.image)])
    });
    let states = table("containers", &["Container", "State", "Ready", "Restarts", "Image"], rows);
    element("article")
        .with(title.with(element("span").class("dim").text(&text::line(&pod.state))))
        .with(states)
        .with_all(containers().flat_map(logs))
}

fn logs(container: &ContainerEvidence) -> Vec<Element> {
    let mut logs = Vec::new();
    for (what, lines) in [("Log", &container.log), ("Log before the restart", &container.previous_log)] {
        if !lines.is_empty() {
            let (log, hidden) = text::tail(lines, MAX_BLOCK);
            let title = element("summary").text(&format!("{what} of {}", text::line(&container.name)));
            let open = element("details").attribute("open", "").with(title);
            logs.push(open.with_all(left_out(hidden, "earlier line")).with(element("pre").text(&log)));
        }
    }
    logs
}

fn events(outcome: &Outcome) -> Option<Element> {
    let event = |event: &crate::event::Event| {
        row(&[text::duration(event.at.since(outcome.started)), text::line(&event.kind.to_string())])
    };
    let (first, hidden, last) = ends(&outcome.timeline, MAX_EVENTS);
    let gap = (hidden > 0).then(|| row(&["…".to_owned(), format!("{hidden} more are left out")]));
    let rows = first.iter().map(event).chain(gap).chain(last.iter().map(event));
    let title = element("summary").text(&text::plural(outcome.timeline.len(), "event"));
    let folded = element("details").with(title).with(table("log", &["After", "What"], rows));
    (!outcome.timeline.is_empty()).then(|| section("What happened").with(folded))
}

fn row(cells: &[String]) -> Element {
    element("tr").with_all(cells.iter().map(|cell| element("td").text(cell)))
}

fn table(class: &str, head: &[&str], rows: impl Iterator<Item = Element>) -> Element {
    let head =
        element("tr").with_all(head.iter().map(|cell| element("th").attribute("scope", "col").text(cell)));
    let table = element("table").class(class).with(element("thead").with(head));
    element("div").class("wide").with(table.with(element("tbody").with_all(rows)))
}

fn more(count: usize, max: usize) -> Option<Element> {
    (count > max).then(|| element("p").class("dim").text(&format!("and {} more", count - max)))
}

fn left_out(count: usize, noun: &str) -> Option<Element> {
    (count > 0).then(|| element("p").class("dim").text(&format!("{} left out", text::plural(count, noun))))
}
