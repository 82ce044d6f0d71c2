//! How the quickstart looks: lines as things happen, below them on a terminal a bar for each workload, a summary at the end.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use console::{StyledObject, style};
use deploy_core::clock::Timestamp;
use deploy_core::event::{Event, EventKind, Observer};
use deploy_core::health::{Failure, PodPhase};
use deploy_core::manifest::{Bundle, ContainerImage, ObjectId};
use deploy_core::outcome::{Outcome, Status};
use deploy_core::plan::Action;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One deployment of the story.
pub(crate) struct Chapter {
    pub(crate) tag: &'static str,
    pub(crate) requests: u64,
    pub(crate) outcome: Outcome,
}

/// A line on standard output; nobody may be there to read it.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The place for bars, below all lines. None is drawn where standard output is no terminal.
pub(crate) fn bars() -> MultiProgress {
    MultiProgress::with_draw_target(ProgressDrawTarget::stdout())
}

/// Shows one deployment while it goes on.
pub(crate) struct Screen {
    start: Timestamp,
    bars: MultiProgress,
    workloads: Mutex<BTreeMap<ObjectId, Workload>>,
    footer: ProgressBar,
}

struct Workload {
    bar: ProgressBar,
    pods: BTreeMap<String, PodPhase>,
    state: String,
    is_changed: bool,
}

const BUSY: &str = "{spinner:.cyan}";

impl Screen {
    /// A bar for each workload of the bundle.
    pub(crate) fn new(bars: &MultiProgress, bundle: &Bundle, start: Timestamp) -> Self {
        let name = |image: &ContainerImage| short(&image.image.to_string()).to_owned();
        let width = bundle.images().iter().map(|image| name(image).len()).max().unwrap_or_default();
        let workload = |image: &ContainerImage| {
            let bar = bars.add(ProgressBar::new_spinner().with_prefix(format!("{:width$}", name(image))));
            bar.enable_steady_tick(Duration::from_millis(80));
            let mut workload =
                Workload { bar, pods: BTreeMap::new(), state: String::new(), is_changed: false };
            workload.enter(&style(BUSY), String::new());
            (image.object.clone(), workload)
        };
        let workloads = Mutex::new(bundle.images().iter().map(workload).collect());
        // It ends with the cursor at its start, where the terminal's own `^C` does not break the frame.
        let footer = bars.add(ProgressBar::new_spinner().with_style(look("{wide_msg:.dim}\r")));
        footer.set_message("     Ctrl-C brings the old state back");
        Self { start, bars: bars.clone(), workloads, footer }
    }

    /// Takes the bars off the terminal.
    pub(crate) fn finish(&self) {
        for workload in self.workloads().values() {
            workload.bar.finish_and_clear();
        }
        self.footer.finish_and_clear();
    }

    /// That a workload is well which nobody touched is none.
    fn is_news(&self, event: &Event) -> bool {
        let EventKind::Healthy { object } = &event.kind else { return true };
        self.workloads().get(object).is_none_or(|workload| workload.is_changed)
    }

    fn workloads(&self) -> MutexGuard<'_, BTreeMap<ObjectId, Workload>> {
        self.workloads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Screen {
    fn observe(&self, event: &Event) {
        if let Some(line) = line(event, self.start).filter(|_| self.is_news(event)) {
            self.bars.suspend(|| say(line));
        }
        let (object, mark, state) = match &event.kind {
            EventKind::Pod { object, pod, phase, .. } => {
                if let Some(workload) = self.workloads().get_mut(object) {
                    workload.pods.insert(pod.clone(), *phase);
                    workload.pods.retain(|_, phase| *phase != PodPhase::Gone);
                    workload.draw();
                }
                return;
            }
            EventKind::Applied { object, action } => {
                if let Some(workload) = self.workloads().get_mut(object) {
                    workload.is_changed = *action != Action::Unchanged;
                }
                return;
            }
            // What is in brackets is the word of one pod, and the pods are shown.
            EventKind::Progress { object, message } => (object, style(BUSY), printable(first(message, " ("))),
            EventKind::Healthy { object } => {
                (object, style("✔").green(), style("healthy").green().to_string())
            }
            EventKind::Hopeless { failure } => {
                (&failure.object, style("✘").red(), style(printable(&failure.to_string())).red().to_string())
            }
            EventKind::Restored { object, .. } => (object, style(BUSY), "restored".to_owned()),
            _ => return,
        };
        if let Some(workload) = self.workloads().get_mut(object) {
            workload.enter(&mark, state);
        }
    }
}

impl Workload {
    fn enter(&mut self, mark: &StyledObject<&str>, state: String) {
        self.bar.set_style(look(&format!("   {mark} {{prefix}} {{wide_msg}}")));
        self.state = state;
        self.draw();
    }

    fn draw(&self) {
        let pods: String = self.pods.values().map(|phase| glyph(Some(*phase))).collect();
        self.bar.set_message(format!("{pods} {}", self.state));
    }
}

fn look(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// An event as a line, if it is worth one.
fn line(event: &Event, start: Timestamp) -> Option<String> {
    let text = style(printable(&event.kind.to_string()));
    let text = match &event.kind {
        EventKind::Pod { .. }
        | EventKind::Progress { .. }
        | EventKind::Locking { .. }
        | EventKind::Applied { action: Action::Unchanged, .. } => return None,
        // The cause was told just before.
        EventKind::RollingBack { .. } => style("rolling back".to_owned()).yellow(),
        EventKind::Healthy { .. } | EventKind::RolledBack => text.green(),
        EventKind::Cancelled | EventKind::Warning { .. } => text.yellow(),
        EventKind::Hopeless { .. } | EventKind::TimedOut { .. } | EventKind::RollbackFailed { .. } => {
            text.red()
        }
        _ => text,
    };
    Some(format!("{} {text}", style(format!("{:6.1} s ", event.at.since(start).as_secs_f64())).dim()))
}

/// What comes next.
pub(crate) fn title(title: &str) -> String {
    format!("\n{}", style(title).bold().underlined())
}

/// How a deployment ended, as the engine words it.
pub(crate) fn verdict(outcome: &Outcome) -> String {
    let text = style(format!("=> {}", printable(&outcome.to_string()))).bold();
    match outcome.status {
        Status::Healthy => text.green(),
        Status::RolledBack => text.yellow(),
        _ => text.red(),
    }
    .to_string()
}

/// The deployments as a table, and what became of each pod.
pub(crate) fn summary(chapters: &[Chapter]) -> String {
    let mut text = format!("{}\n", title("Summary"));
    for Chapter { tag, requests, outcome } in chapters {
        let (status, took) = (status(outcome.status), outcome.took.as_secs_f64());
        let changed = changed(outcome).join(", ");
        let _ = writeln!(text, "  api:{tag:10} {status:12} {took:4.1} s {requests:4} requests  {changed}");
    }
    let _ = write!(text, "\n{}", timeline(chapters));
    text
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Healthy => "healthy",
        Status::RolledBack => "rolled back",
        _ => "failed",
    }
}

/// The images that changed, and how many objects are new.
fn changed(outcome: &Outcome) -> Vec<String> {
    let created = outcome.objects.iter().filter(|object| object.action == Action::Create).count();
    let fields = outcome.objects.iter().flat_map(|object| &object.diff);
    let images = fields.filter(|field| field.path.ends_with("].image")).map(|field| {
        let [before, after] = [&field.before, &field.after]
            .map(|image| short(image.as_ref().and_then(|image| image.as_str()).unwrap_or("none")));
        format!("{before} → {after}")
    });
    let created = (created > 0).then(|| format!("{created} objects created"));
    let back = (outcome.status == Status::RolledBack).then(|| "and back".to_owned());
    created.into_iter().chain(images).chain(back).collect()
}

/// How many columns show the whole story.
const COLUMNS: usize = 48;

/// A row for each pod, from the first deployment to the end of the last.
fn timeline(chapters: &[Chapter]) -> String {
    let (Some(first), Some(last)) = (chapters.first(), chapters.last()) else { return String::new() };
    let start = first.outcome.started;
    let total = (last.outcome.started + last.outcome.took).since(start).as_millis().max(1);
    let column = |at: Timestamp| {
        let column = at.since(start).as_millis() * COLUMNS as u128 / total;
        usize::try_from(column).unwrap_or(COLUMNS).min(COLUMNS - 1)
    };

    let mut rows: Vec<(&str, [Option<PodPhase>; COLUMNS])> = Vec::new();
    for event in chapters.iter().flat_map(|chapter| &chapter.outcome.timeline) {
        let (pod, phase) = match &event.kind {
            EventKind::Pod { pod, phase, .. } => (pod, *phase),
            EventKind::Hopeless { failure: Failure { pod: Some(pod), .. } } => (pod, PodPhase::Failing),
            _ => continue,
        };
        let row = match rows.iter().position(|(name, _)| name == pod) {
            Some(row) => row,
            None => {
                rows.push((pod, [None; COLUMNS]));
                rows.len() - 1
            }
        };
        if let Some((_, cells)) = rows.get_mut(row) {
            let from = column(event.at);
            // A failure shows, however soon the pod is removed.
            let seen = usize::from(cells[from] == Some(PodPhase::Failing));
            cells[from + seen..].fill(Some(phase));
        }
    }

    let name = rows.iter().map(|(pod, _)| pod.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for chapter in chapters {
        // Names and the blanks around them stand to the left of the columns.
        let width = name + 4 + column(chapter.outcome.started);
        text = format!("{text:width$}│{}", chapter.tag);
    }
    for (pod, cells) in rows {
        let cells: String = cells.into_iter().map(glyph).collect();
        let _ = write!(text, "\n  {pod:name$}  {}", cells.trim_end());
    }
    let key =
        [PodPhase::Starting, PodPhase::Running, PodPhase::Ready, PodPhase::Failing, PodPhase::Terminating]
            .map(|phase| format!("{} {phase}", glyph(Some(phase))));
    let _ = write!(text, "\n  {}", key.join("  "));
    text
}

/// One sign for what a pod does.
fn glyph(phase: Option<PodPhase>) -> String {
    match phase {
        None | Some(PodPhase::Gone) => style(" "),
        Some(PodPhase::Pending | PodPhase::Starting) => style("◌").yellow(),
        Some(PodPhase::Running) => style("○").yellow(),
        Some(PodPhase::Ready | PodPhase::Succeeded) => style("●").green(),
        Some(PodPhase::Failing) => style("✘").red(),
        Some(_) => style("·").dim(),
    }
    .to_string()
}

/// `api:v1` of `registry.example/api:v1`.
fn short(image: &str) -> &str {
    image.rsplit('/').next().unwrap_or(image)
}

fn first<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or(text, |(first, _)| first)
}

/// What the cluster says must not move the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
