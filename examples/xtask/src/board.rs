//! What is going on now, kept from the run's events. Pure: the terminal is in `progress`.

use deploy_core::event::EventKind;
use deploy_core::manifest::ObjectId;

use crate::paint::{Tone, printable};

/// What the run does, and the objects that it waits for.
pub(crate) struct Board {
    stage: &'static str,
    following: Vec<(ObjectId, String)>,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self { stage: "planning", following: Vec::new() }
    }

    /// Takes note of an event. An event that is not only a state of the board is a line of its own above it.
    pub(crate) fn take(&mut self, event: &EventKind) -> Option<String> {
        match event {
            EventKind::Progress { object, message } => {
                self.stage = "waiting";
                match self.following.iter_mut().find(|(known, _)| known == object) {
                    Some((_, state)) => state.clone_from(message),
                    None => self.following.push((object.clone(), message.clone())),
                }
                return None;
            }
            EventKind::Healthy { object } => self.following.retain(|(known, _)| known != object),
            EventKind::Hopeless { failure } => {
                self.stage = "gathering evidence";
                self.following.retain(|(known, _)| *known != failure.object);
            }
            EventKind::Locking { .. } => self.stage = "waiting for the lock",
            EventKind::Recovering { undo, .. } => self.stage = if *undo { "undoing" } else { "planning" },
            EventKind::Planned { .. } => self.stage = "writing",
            EventKind::TimedOut { .. } | EventKind::Cancelled | EventKind::RolledBack => {
                self.following.clear();
            }
            EventKind::RollingBack { .. } => {
                self.stage = "bringing the old state back";
                self.following.clear();
            }
            _ => {}
        }
        Some(printable(&event.to_string()).replace('\n', " "))
    }

    /// At most `most` lines of at most `width` characters: the objects that are followed, or else what is done now.
    pub(crate) fn lines(&self, width: usize, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = if self.following.is_empty() {
            vec![self.stage.to_owned()]
        } else {
            self.following.iter().map(|(object, state)| printable(&format!("{object}: {state}"))).collect()
        };
        if lines.len() > most {
            let hidden = lines.len() + 1 - most;
            lines.truncate(most.saturating_sub(1));
            lines.push(format!("and {hidden} more"));
        }
        lines.iter().map(|line| clip(line, width)).collect()
    }
}

/// What an event means to its reader.
pub(crate) fn tone(event: &EventKind) -> Tone {
    match event {
        EventKind::Healthy { .. } | EventKind::RolledBack => Tone::Good,
        EventKind::Hopeless { .. } | EventKind::TimedOut { .. } | EventKind::RollbackFailed { .. } => {
            Tone::Bad
        }
        EventKind::RollingBack { .. } | EventKind::Warning { .. } | EventKind::Cancelled => Tone::Warn,
        _ => Tone::Plain,
    }
}

fn clip(line: &str, width: usize) -> String {
    let line = line.replace('\n', " ");
    if line.chars().count() <= width {
        return line;
    }
    let mut clipped: String = line.chars().take(width.saturating_sub(1)).collect();
    clipped.push('…');
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::plan::Action;

    fn id(name: &str) -> ObjectId {
        ObjectId::new("apps", "Deployment", Some("shop"), name)
    }

    fn progress(name: &str, message: &str) -> EventKind {
        EventKind::Progress { object: id(name), message: message.into() }
    }

    #[test]
    fn follows_objects_until_they_are_healthy() {
        let mut board = Board::new();
        assert_eq!(board.lines(80, 5), ["planning"]);
        let applied = EventKind::Applied { object: id("api"), action: Action::Create };
        assert_eq!(board.take(&applied).unwrap(), "Deployment shop/api created");
        assert_eq!(board.take(&progress("api", "0 of 2")), None);
        assert_eq!(board.take(&progress("web", "0 of 1")), None);
        assert_eq!(board.take(&progress("api", "1 of 2")), None);
        assert_eq!(board.lines(80, 5), ["Deployment shop/api: 1 of 2", "Deployment shop/web: 0 of 1"]);
        let line = board.take(&EventKind::Healthy { object: id("api") });
        assert_eq!(line.unwrap(), "Deployment shop/api is healthy");
        assert_eq!(board.lines(80, 5), ["Deployment shop/web: 0 of 1"]);
        board.take(&EventKind::RollingBack { cause: "cancelled".into() });
        assert_eq!(board.lines(80, 5), ["bringing the old state back"]);
    }

    #[test]
    fn fits_the_terminal() {
        let mut board = Board::new();
        for name in ["a", "b", "c", "d"] {
            board.take(&progress(name, "a long line\nof two"));
        }
        assert_eq!(
            board.lines(24, 3),
            ["Deployment shop/a: a lo…", "Deployment shop/b: a lo…", "and 2 more"]
        );
        assert_eq!(board.lines(0, 1).len(), 1);
    }
}
