//! The exit codes.

use deploy_core::error::ErrorKind;

const GOOD: u8 = 0;
const FAILED: u8 = 1;
const DIFFERENT: u8 = 1;
const BAD_INPUT: u8 = 2;
const NOT_TOLD: u8 = 2;
/// What a shell says of a program that Ctrl-C ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit code of a command that came to something good or not, or to an error. One that `compares` answers like `diff`: an error
/// must not pass for a difference.
pub(crate) fn exit_code(compares: bool, ended: Result<bool, ErrorKind>) -> u8 {
    match ended {
        Ok(true) => GOOD,
        Ok(false) if compares => DIFFERENT,
        Err(_) if compares => NOT_TOLD,
        Err(ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::Unsupported) => BAD_INPUT,
        Ok(false) | Err(_) => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: [ErrorKind; 3] = [ErrorKind::InvalidInput, ErrorKind::NotFound, ErrorKind::Unsupported];
    const OTHER: [ErrorKind; 6] = [
        ErrorKind::Locked,
        ErrorKind::Unavailable,
        ErrorKind::Forbidden,
        ErrorKind::Unauthorized,
        ErrorKind::Conflict,
        ErrorKind::Cancelled,
    ];

    #[test]
    fn what_was_named_wrongly_is_bad_input() {
        assert_eq!((exit_code(false, Ok(true)), exit_code(false, Ok(false))), (0, 1));
        for kind in BAD {
            assert_eq!(exit_code(false, Err(kind)), 2, "{kind:?}");
        }
        for kind in OTHER {
            assert_eq!(exit_code(false, Err(kind)), 1, "{kind:?}");
        }
    }

    #[test]
    fn no_error_passes_for_a_difference() {
        assert_eq!((exit_code(true, Ok(true)), exit_code(true, Ok(false))), (0, 1));
        for kind in BAD.into_iter().chain(OTHER) {
            assert_eq!(exit_code(true, Err(kind)), 2, "{kind:?}");
        }
    }
}
