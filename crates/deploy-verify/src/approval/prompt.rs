//! What a person is asked, and what the answer means. Pure.

use std::fmt::Write as _;

use deploy_core::gate::approval::subject_digest;
use deploy_core::guard::Subject;

use crate::text::shown;

/// The longest name or reference that is shown, in characters.
const SHOWN: usize = 300;

/// The question, which ends where the answer is typed.
pub(super) fn question(subject: &Subject) -> String {
    let one_line = |text: &str| shown(text, SHOWN);
    let environment = one_line(&subject.environment);
    let mut text = format!("Deploy to {environment}?\n");
    if let Some(name) = &subject.name {
        let _ = writeln!(text, "  run       {}", one_line(name));
    }
    for (number, image) in subject.images.iter().enumerate() {
        let from = match subject.before.get(number) {
            Some(Some(before)) => format!("{} -> ", one_line(before)),
            Some(None) => "(new) ".to_owned(),
            None => String::new(),
        };
        let _ = writeln!(text, "  image     {from}{}", one_line(image));
    }
    if let Some(revision) = &subject.git_revision {
        let _ = writeln!(text, "  revision  {}", one_line(revision));
    }
    let _ = writeln!(text, "  subject   {}", subject_digest(subject));
    let _ = write!(text, "Type the environment's name to go on: ");
    text
}

/// Whether what was typed is a yes: the environment's name, and nothing else. An environment without a name cannot be approved.
pub(super) fn is_yes(typed: &str, subject: &Subject) -> bool {
    !subject.environment.trim().is_empty() && typed.trim() == subject.environment.trim()
}
