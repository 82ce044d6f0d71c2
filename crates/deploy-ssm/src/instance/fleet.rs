//! Several nodes at once, by SSM's own rules.

use std::fmt;
use std::str::FromStr;

use deploy_core::error::{Error, Result};

/// How a command goes to several nodes.
///
/// ```
/// use deploy_ssm::instance::Fleet;
///
/// let fleet = Fleet::default().max_concurrency("25%".parse()?)?.max_errors("1".parse()?);
/// assert_eq!(fleet.concurrency().to_string(), "25%");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    max_concurrency: Share,
    max_errors: Share,
}

impl Default for Fleet {
    /// SSM's: 50 at a time, no more after the first that fails.
    fn default() -> Self {
        Self { max_concurrency: Share(Of::Number(50)), max_errors: Share(Of::Number(0)) }
    }
}

impl Fleet {
    /// How many get it at a time; default 50.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for none.
    pub fn max_concurrency(mut self, share: Share) -> Result<Self> {
        if matches!(share.0, Of::Number(0) | Of::Percent(0)) {
            return Err(Error::invalid("no node at a time is no fleet").help("allow one or more"));
        }
        self.max_concurrency = share;
        Ok(self)
    }

    /// With how many failures nobody else gets it: after more than this many. Default 0.
    #[must_use]
    pub fn max_errors(mut self, share: Share) -> Self {
        self.max_errors = share;
        self
    }

    /// How many at a time.
    pub fn concurrency(&self) -> Share {
        self.max_concurrency
    }

    /// How many times SSM waits for nodes where it goes to so many of them, the last time included; at least one.
    pub(crate) fn waves(&self, nodes: usize) -> u32 {
        let at_once = match self.max_concurrency.0 {
            Of::Number(number) => usize::try_from(number).unwrap_or(usize::MAX),
            Of::Percent(percent) => nodes.saturating_mul(percent.into()) / 100,
        };
        u32::try_from(nodes.div_ceil(at_once.max(1))).unwrap_or(u32::MAX).max(1)
    }

    /// How many failures are borne.
    pub fn errors(&self) -> Share {
        self.max_errors
    }
}

/// A number of nodes, or a part of them in percent: `10`, `10%`. Written as SSM takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(Of);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Number(u32),
    Percent(u8),
}

impl FromStr for Share {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let share = match text.strip_suffix('%') {
            Some(percent) => digits(percent)
                .and_then(|number: u32| u8::try_from(number).ok())
                .filter(|percent| *percent <= 100)
                .map(Of::Percent),
            // SSM takes seven characters.
            None => digits(text).filter(|number| *number <= 9_999_999).map(Of::Number),
        };
        share.map(Self).ok_or_else(|| {
            Error::invalid(format!("\"{}\" is no number of nodes", text.escape_default()))
                .help("write a number, or a part like 25%")
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Of::Number(number) => write!(f, "{number}"),
            Of::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_written_as_ssm_has_them() {
        let check = |text: &str, expected: Option<&str>| {
            let share = text.parse::<Share>().ok().map(|share| share.to_string());
            assert_eq!(share.as_deref(), expected, "{text:?}");
        };
        check("1", Some("1"));
        check("007", Some("7"));
        check("0", Some("0"));
        check("25%", Some("25%"));
        check("100%", Some("100%"));
        for wrong in ["", "%", "101%", "256%", "-1", "+1", "1.5", "1 %", "12345678", "99999999999"] {
            check(wrong, None);
        }
        assert!(Fleet::default().max_concurrency("0%".parse().unwrap()).is_err());
    }

    #[test]
    fn how_often_ssm_waits() {
        let check = |share: &str, nodes: usize, expected: u32| {
            let fleet = Fleet::default().max_concurrency(share.parse().unwrap()).unwrap();
            assert_eq!(fleet.waves(nodes), expected, "{share} of {nodes}");
        };
        check("50", 0, 1);
        check("50", 50, 1);
        check("50", 101, 3);
        check("1", 7, 7);
        check("25%", 8, 4);
        check("25%", 3, 3);
        check("100%", 9, 1);
        check("30%", 10, 4);
    }
}
