//! Errors as a person reads them, and the exit codes.

use std::error::Error as StdError;

use deploy_core::error::{Error, ErrorKind};
use deploy_core::manifest::excerpt;

use crate::paint::{Paint, Tone, printable};

pub(crate) const GOOD: u8 = 0;
pub(crate) const FAILED: u8 = 1;
pub(crate) const BAD_INPUT: u8 = 2;
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit code of a command that ended with an error.
pub(crate) fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::Unsupported => BAD_INPUT,
        _ => FAILED,
    }
}

/// `error: …`, the line of the file it is about, and the causes that say something new.
pub(crate) fn render(error: &Error, paint: Paint) -> String {
    let mut said = error.to_string();
    let mut out = format!("{} {}\n", paint.text(Tone::Bad, "error:"), printable(&said));
    if let Some(excerpt) = excerpt(error) {
        out += &format!("{}\n", printable(&excerpt.to_string()));
        return out;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !said.contains(&text) {
            out += &format!("{} {}\n", paint.text(Tone::Dim, "caused by:"), printable(&text));
            said = text;
        }
        source = cause.source();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::manifest::read;

    #[test]
    fn what_was_named_wrongly_is_bad_input() {
        let check = |kind, code| assert_eq!(exit_code(kind), code, "{kind:?}");
        check(ErrorKind::InvalidInput, 2);
        check(ErrorKind::NotFound, 2);
        check(ErrorKind::Unsupported, 2);
        for kind in [ErrorKind::Locked, ErrorKind::Unavailable, ErrorKind::Forbidden, ErrorKind::Cancelled] {
            check(kind, 1);
        }
    }

    #[test]
    fn causes_are_told_once() {
        let check = |error: Error, text: &str| assert_eq!(render(&error, Paint(false)), text);
        check(Error::invalid("no"), "error: no\n");
        check(Error::invalid("no: refused").source("refused"), "error: no: refused\n");
        check(
            Error::invalid("no").source(Error::invalid("refused").source("port 1")),
            "error: no\ncaused by: refused\ncaused by: port 1\n",
        );
    }

    #[test]
    fn bad_yaml_shows_its_line() {
        let error = read("a.yaml", b"kind: Service\nport: 80\nport: 81\n").unwrap_err();
        let text = render(&error, Paint(false));
        assert!(text.ends_with("\n    3 | port: 81\n      | ^\n"), "{text}");
        assert!(!text.contains("caused by"), "{text}");
    }
}
