//! What a person sees on standard error while a run goes on.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use console::Term;
use deploy_core::clock::{Clock, SystemClock, Timestamp};
use deploy_core::event::{Event, EventKind, Observer};

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
    screen: Mutex<Screen>,
}

struct Screen {
    /// Whether the board is drawn.
    draws: bool,
    board: Board,
    /// Lines of the board that are on the terminal, above the cursor. The cursor stands at the start of its own line, so that
    /// the terminal's `^C` falls where the next frame covers it.
    drawn: usize,
    frame: usize,
}

impl Progress {
    pub(crate) fn new(clock: SystemClock, started: Timestamp, environment: &Environment) -> Self {
        Self {
            clock,
            started,
            paint: Paint(environment.stderr_colour),
            screen: Mutex::new(Screen {
                draws: environment.stderr_draws,
                board: Board::new(),
                drawn: 0,
                frame: 0,
            }),
        }
    }

    /// Says something beside the events.
    pub(crate) fn tell(&self, tone: Tone, text: &str) {
        let text = self.line(self.clock.now(), tone, text);
        self.write(&mut self.screen(), &text);
    }

    /// Draws the board until it is dropped.
    pub(crate) async fn animate(&self) -> Infallible {
        loop {
            self.next_frame();
            self.clock.sleep(FRAME).await;
        }
    }

    /// Takes the board away, for good.
    pub(crate) fn finish(&self) {
        let mut screen = self.screen();
        screen.draws = false;
        print(&erase(std::mem::take(&mut screen.drawn)));
    }

    fn next_frame(&self) {
        let mut screen = self.screen();
        screen.frame += 1;
        if screen.draws {
            self.write(&mut screen, "");
        }
    }

    /// Puts `text`, whole lines, above the board.
    fn write(&self, screen: &mut Screen, text: &str) {
        if !screen.draws {
            return print(text);
        }
        let board = self.frame(screen);
        print(&format!("{}{text}{board}", erase(screen.drawn)));
        screen.drawn = board.lines().count();
    }

    fn frame(&self, screen: &Screen) -> String {
        let (rows, columns) = Term::stderr().size();
        let time = format!("{:.0}s", self.clock.now().since(self.started).as_secs_f64());
        let most = MOST.min(usize::from(rows).saturating_sub(2)).max(1);
        // Room for spinner, time and blanks, and one column less, so that no terminal wraps the line.
        let width = usize::from(columns).saturating_sub(time.len() + 4);
        let spinner = SPINNER.get(screen.frame % SPINNER.len()).copied().unwrap_or_default();
        let (spinner, time) = (self.paint.text(Tone::Good, spinner), self.paint.text(Tone::Dim, &time));
        let lines = screen.board.lines(width, most);
        lines.iter().fold(String::new(), |text, line| text + &format!("{spinner} {line} {time}\n"))
    }

    fn line(&self, at: Timestamp, tone: Tone, text: &str) -> String {
        let time = format!("[{:5.1}s]", at.since(self.started).as_secs_f64());
        format!("{} {}\n", self.paint.text(Tone::Dim, &time), self.paint.text(tone, text))
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event) {
        // A person is told of the workload; its pods are in the report.
        if matches!(event.kind, EventKind::Pod { .. }) {
            return;
        }
        let mut screen = self.screen();
        let text = match screen.board.take(&event.kind) {
            Some(line) => self.line(event.at, tone(&event.kind), &line),
            None if screen.draws => String::new(),
            None => self.line(event.at, Tone::Plain, &printable(&event.kind.to_string())),
        };
        self.write(&mut screen, &text);
    }
}

/// Takes the last `lines` lines off the terminal, and what stands below them.
fn erase(lines: usize) -> String {
    if lines == 0 { String::new() } else { format!("\r\x1b[{lines}A\x1b[J") }
}

/// A closed standard error is nothing to stop a rollout for.
fn print(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
