//! The gates, before anything is written.

use super::promoted::Promoted;
use super::walk::Walk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::guard::{Answer, Subject};
use crate::rollout::held::cancelled;

/// What the gates said.
pub(super) struct Asked {
    pub(super) grounds: Vec<(String, String)>,
    pub(super) refused: Option<Error>,
}

impl Walk<'_> {
    pub(super) fn subject(&self, promoted: &Promoted) -> Subject {
        let mut subject = Subject::new(&self.environment.name);
        subject.name = self.run.name().map(str::to_owned);
        subject.git_revision.clone_from(&promoted.git_revision);
        for (name, image) in &promoted.to {
            subject.images.push(image.to_string());
            subject.before.push(promoted.from.get(name).map(ToString::to_string));
        }
        subject
    }

    pub(super) async fn pass_gates(&self, promoted: &Promoted) -> Result<Asked> {
        let subject = self.subject(promoted);
        let mut grounds = Vec::new();
        for gate in &self.environment.gates {
            let name = gate.describe();
            self.run.emit(EventKind::Asking { gate: name.clone() });
            let answer = tokio::select! {
                answer = gate.ask(&subject) => answer,
                () = self.run.cancel().cancelled() => return Err(cancelled()),
            };
            let error = match answer {
                Ok(Answer::Yes { grounds: said }) => {
                    self.run.emit(EventKind::Passed { gate: name.clone(), grounds: said.clone() });
                    grounds.push((name, said));
                    continue;
                }
                Ok(Answer::No { why }) => Error::new(ErrorKind::Forbidden, why),
                Err(error) => error,
            };
            let refused = Some(error.during("gate").on(name));
            return Ok(Asked { grounds, refused });
        }
        Ok(Asked { grounds, refused: None })
    }
}
