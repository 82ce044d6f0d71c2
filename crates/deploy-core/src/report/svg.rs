//! The lanes as a picture: a table whose cells are SVG. Its places are percentages, so that it fits any width.

use std::time::Duration;

use super::axis::ticks;
use super::html::{Element, class, element};
use super::lanes::{Bar, Chart, Lane, Mark, Phase};
use super::{MAX_LANES, text};
use crate::health::PodPhase;

/// Pixels: the height of a lane, of a bar in it, of a line of labels.
const LANE: u32 = 26;
const BAR: u32 = 16;
const LINE: u32 = 18;
/// The least width of the picture (style.css keeps it), and the width of a character: what fits at this width fits at any.
const WIDTH: f64 = 560.0;
const CHARACTER: f64 = 6.8;
/// The most characters of a lane's name; a pod's end tells it apart.
const MAX_NAME: usize = 34;

/// The section, or nothing if there is nothing to draw.
pub(super) fn timeline(lanes: &Chart) -> Option<Element> {
    let (shown, hidden) = lanes.most(MAX_LANES);
    if shown.is_empty() {
        return None;
    }
    let scale = Scale { total: lanes.total.max(Duration::from_millis(1)) };
    let body = element("tbody").with_all(shown.iter().map(|lane| row(lane, &lanes.marks, scale)));
    let head = element("thead").with(head_row(marks(&lanes.marks, scale))).with(head_row(axis(scale)));
    let table = element("table").class("lanes").with(head).with(body);
    let rest = (hidden > 0).then(|| element("p").class("dim").text(&format!("and {hidden} more")));
    let section = element("section").with(element("h2").text("Timeline")).with(legend(&shown));
    Some(section.with(element("div").class("wide").with(table)).with_all(rest))
}

#[derive(Clone, Copy)]
struct Scale {
    total: Duration,
}

impl Scale {
    /// In percent of the width.
    fn place(self, at: Duration) -> f64 {
        (at.as_secs_f64() / self.total.as_secs_f64() * 100.0).clamp(0.0, 100.0)
    }
}

fn percent(place: f64) -> String {
    format!("{place:.2}%")
}

fn svg(height: u32) -> Element {
    element("svg").attribute("width", "100%").attribute("height", &height.to_string())
}

fn head_row(picture: Element) -> Element {
    element("tr").with(element("th")).with(element("td").with(picture))
}

fn upright(kind: &str, place: f64, from: u32, to: u32) -> Element {
    let x = percent(place);
    let line = element("line").class(kind).attribute("x1", &x).attribute("x2", &x);
    line.attribute("y1", &from.to_string()).attribute("y2", &to.to_string())
}

/// Text beside a place: to its right, or to its left where there is no room.
fn beside(label: &str, kind: &str, place: f64, y: u32) -> (Element, f64, f64) {
    let width = (width(label) + 10.0) / WIDTH * 100.0;
    let fits = place + width <= 100.0;
    let (anchor, dx, from) = if fits { ("start", "5", place) } else { ("end", "-5", place - width) };
    let element = element("text")
        .class(kind)
        .attribute("x", &percent(place))
        .attribute("dx", dx)
        .attribute("y", &y.to_string())
        .attribute("text-anchor", anchor)
        .text(label);
    (element, from, from + width)
}

fn width(label: &str) -> f64 {
    f64::from(u32::try_from(label.chars().count()).unwrap_or(u32::MAX)) * CHARACTER
}

/// The moments of the run, each on the first line on which it overlaps no other.
fn marks(marks: &[Mark], scale: Scale) -> Element {
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut placed = Vec::new();
    for mark in marks {
        let place = scale.place(mark.at);
        let kind = format!("mark {}", class(mark.tone));
        let label = format!("{} {}", mark.label, text::duration(mark.at));
        let (_, from, to) = beside(&label, &kind, place, 0);
        let is_free = |line: &Vec<(f64, f64)>| line.iter().all(|(start, end)| to <= *start || from >= *end);
        let line = lines.iter().position(is_free).unwrap_or_else(|| {
            lines.push(Vec::new());
            lines.len() - 1
        });
        lines[line].push((from, to));
        placed.push((line, label, kind, place));
    }
    let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let height = count.saturating_mul(LINE) + 4;
    placed.into_iter().fold(svg(height), |picture, (line, label, kind, place)| {
        let top = u32::try_from(line).unwrap_or(u32::MAX).saturating_mul(LINE);
        let (text, _, _) = beside(&label, &kind, place, top + 13);
        picture.with(upright(&kind, place, top + 3, height)).with(text)
    })
}

fn axis(scale: Scale) -> Element {
    let ticks = ticks(scale.total, 8);
    // Each tick says as much as tells it from the next.
    let tenths = ticks.get(1).is_some_and(|step| *step < Duration::from_secs(1));
    ticks.into_iter().fold(svg(LINE), |picture, at| {
        let place = scale.place(at);
        let label = tick(at, tenths);
        let (text, _, _) = beside(&label, "tick", place, 13);
        picture.with(upright("grid", place, 0, LINE)).with(text)
    })
}

fn tick(at: Duration, tenths: bool) -> String {
    let seconds = at.as_secs();
    match seconds {
        _ if tenths => format!("{:.1} s", at.as_secs_f64()),
        0..60 => format!("{seconds} s"),
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds % 3600 / 60),
    }
}

fn row(lane: &Lane, marks: &[Mark], scale: Scale) -> Element {
    let full = text::line(&lane.pod.clone().unwrap_or_else(|| lane.object.to_string()));
    let mut name = element("th").attribute("scope", "row").attribute("title", &full);
    name = match &lane.pod {
        Some(_) => name.class("pod").text(&text::clip_start(&full, MAX_NAME)),
        None => {
            let kind = element("small").text(&text::line(&lane.object.kind));
            let own = lane.object.to_string();
            let own = text::line(own.split_once(' ').map_or(own.as_str(), |(_, name)| name));
            name.with(kind).text(" ").text(&text::clip_start(&own, MAX_NAME))
        }
    };
    let mut picture = svg(LANE);
    for at in ticks(scale.total, 8) {
        picture = picture.with(upright("grid", scale.place(at), 0, LANE));
    }
    picture = picture.with_all(lane.bars.iter().flat_map(|bar| draw(bar, scale)));
    for write in &lane.writes {
        let title = format!("{} after {}", write.what, text::duration(write.at));
        // A square about the place, turned: a percentage cannot be part of a path.
        let diamond = element("text").class("write").attribute("x", &percent(scale.place(write.at)));
        let diamond = diamond.attribute("y", "18").attribute("text-anchor", "middle").text("◆");
        picture = picture.with(element("g").with(element("title").text(&title)).with(diamond));
    }
    for mark in marks.iter().filter(|mark| mark.label != "done") {
        let kind = format!("mark {}", class(mark.tone));
        picture = picture.with(upright(&kind, scale.place(mark.at), 0, LANE));
    }
    if let (true, Some(write)) = (lane.bars.is_empty(), lane.writes.last()) {
        let (text, _, _) = beside(&format!(" {}", write.what), "word", scale.place(write.at), 17);
        picture = picture.with(text);
    }
    element("tr").with(name).with(element("td").with(picture))
}

fn draw(bar: &Bar, scale: Scale) -> Vec<Element> {
    let (from, to) = (scale.place(bar.from), scale.place(bar.to));
    let word = bar.phase.word();
    let lasted = text::duration(bar.to.saturating_sub(bar.from));
    let note = if bar.note.is_empty() { String::new() } else { format!(": {}", bar.note) };
    let title = format!("{word} from {} for {lasted}{note}", text::duration(bar.from));
    let rect = element("rect")
        .class(phase_class(bar.phase))
        .attribute("x", &percent(from))
        .attribute("width", &percent(to - from))
        .attribute("y", &((LANE - BAR) / 2).to_string())
        .attribute("height", &BAR.to_string())
        .attribute("rx", "2");
    let mut shown = vec![element("g").with(element("title").text(&title)).with(rect)];
    let room = (to - from) / 100.0 * WIDTH - 10.0;
    // The cluster's word says more than ours, where there is one and room for it.
    let reason =
        matches!(bar.phase, Phase::Pod(_)).then_some(bar.note.as_str()).filter(|note| !note.is_empty());
    if let Some(label) = reason.into_iter().chain([word]).find(|label| width(label) <= room) {
        let place = element("text").class("word on").attribute("x", &percent(from)).attribute("dx", "6");
        shown.push(place.attribute("y", "17").text(label));
    }
    shown
}

fn phase_class(phase: Phase) -> &'static str {
    match phase {
        Phase::RollingOut => "rolling",
        Phase::Healthy => "healthy",
        Phase::Restoring => "restoring",
        Phase::Deleting | Phase::Pod(PodPhase::Terminating | PodPhase::Gone) => "terminating",
        Phase::Pod(PodPhase::Pending) => "pending",
        Phase::Pod(PodPhase::Starting) => "starting",
        Phase::Pod(PodPhase::Running) => "running",
        Phase::Pod(PodPhase::Ready | PodPhase::Succeeded) => "ready",
        Phase::Failed | Phase::Pod(PodPhase::Failing) => "failing",
    }
}

/// What the colours mean, of those that are there.
fn legend(lanes: &[&Lane]) -> Element {
    let mut known: Vec<(&str, Vec<&str>)> = Vec::new();
    for bar in lanes.iter().flat_map(|lane| &lane.bars) {
        let (class, word) = (phase_class(bar.phase), bar.phase.word());
        match known.iter_mut().find(|(other, _)| *other == class) {
            Some((_, words)) if words.contains(&word) => {}
            Some((_, words)) => words.push(word),
            None => known.push((class, vec![word])),
        }
    }
    let one = |(class, words): (&str, Vec<&str>)| {
        let swatch = element("svg").attribute("width", "12").attribute("height", "12");
        let rect = element("rect")
            .class(class)
            .attribute("width", "12")
            .attribute("height", "12")
            .attribute("rx", "2");
        element("li").with(swatch.with(rect)).text(&words.join(", "))
    };
    element("ul").class("legend").with_all(known.into_iter().map(one))
}
