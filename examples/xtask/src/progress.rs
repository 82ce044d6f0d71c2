//! What a person sees on standard error while a run goes on.

use std::convert::Infallible;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use console::Term;
use deploy_core::clock::{Clock, SystemClock, Timestamp};
use deploy_core::event::{Event, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::board::{Board, tone};
use crate::environment::Environment;
use crate::paint::{Paint, Tone, printable};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME: Duration = Duration::from_millis(100);
/// The most objects shown at a time.
const MOST: usize = 12;

/// Shows events: on a terminal as lines above a board that is drawn over, elsewhere as plain lines.
pub(crate) struct Progress {
    clock: SystemClock,
    started: Timestamp,
    paint: Paint,
    board: Mutex<Board>,
    /// Where the board is drawn; `None` for plain lines.
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(clock: SystemClock, environment: &Environment) -> Self {
        let bar = environment.stderr_draws.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar
        });
        Self {
            clock,
            started: clock.now(),
            paint: Paint(environment.stderr_colour),
            board: Mutex::new(Board::new()),
            bar,
        }
    }

    /// Says something beside the events.
    pub(crate) fn tell(&self, tone: Tone, text: &str) {
        self.line(self.clock.now(), tone, text);
    }

    /// Draws the board until it is dropped.
    pub(crate) async fn animate(&self) -> Infallible {
        let Some(bar) = &self.bar else { return std::future::pending().await };
        for spinner in SPINNER.iter().cycle() {
            bar.set_message(self.frame(spinner));
            self.clock.sleep(FRAME).await;
        }
        std::future::pending().await
    }

    /// Takes the board away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn frame(&self, spinner: &str) -> String {
        let (rows, columns) = Term::stderr().size();
        let time = format!("{:.0}s", self.clock.now().since(self.started).as_secs_f64());
        let spinner = self.paint.text(Tone::Good, spinner);
        let most = MOST.min(usize::from(rows).saturating_sub(2)).max(1);
        let width = usize::from(columns).saturating_sub(time.len() + 5);
        let lines = self.board.lock().unwrap_or_else(PoisonError::into_inner).lines(width, most);
        let lines =
            lines.iter().map(|line| format!("{spinner} {line} {}", self.paint.text(Tone::Dim, &time)));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn line(&self, at: Timestamp, tone: Tone, text: &str) {
        let time = format!("[{:5.1}s]", at.since(self.started).as_secs_f64());
        let line = format!("{} {}", self.paint.text(Tone::Dim, &time), self.paint.text(tone, text));
        match &self.bar {
            Some(bar) => bar.println(line),
            // A closed standard error is nothing to stop a rollout for.
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event) {
        let line = self.board.lock().unwrap_or_else(PoisonError::into_inner).take(&event.kind);
        match line {
            Some(line) => self.line(event.at, tone(&event.kind), &line),
            None if self.bar.is_none() => {
                self.line(event.at, Tone::Plain, &printable(&event.kind.to_string()));
            }
            None => {}
        }
    }
}
