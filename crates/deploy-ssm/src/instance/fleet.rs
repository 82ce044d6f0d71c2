//! Several nodes at once, by SSM's own rules.

use std::fmt;
use std::str::FromStr;

use deploy_core::error::{Error, Result};

/// How a command goes to several nodes. The default is SSM's: 50 at a time, and no more after the first that fails.
///
/// ```
/// use deploy_ssm::Fleet;
///
/// let fleet = Fleet::new("25%".parse()?, "1".parse()?)?;
/// assert_eq!(fleet.max_concurrency().to_string(), "25%");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fleet {
    max_concurrency: Share,
    max_errors: Share,
}

impl Default for Fleet {
    fn default() -> Self {
        Self { max_concurrency: Share(Of::Number(50)), max_errors: Share(Of::Number(0)) }
    }
}

impl Fleet {
    /// So many at a time; after more than so many failures nobody else gets it.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for none at a time.
    pub fn new(max_concurrency: Share, max_errors: Share) -> Result<Self> {
        if matches!(max_concurrency.0, Of::Number(0) | Of::Percent(0)) {
            return Err(Error::invalid("no node at a time is no fleet").help("allow one or more"));
        }
        Ok(Self { max_concurrency, max_errors })
    }

    /// How many at a time.
    pub fn max_concurrency(&self) -> Share {
        self.max_concurrency
    }

    /// How many failures are borne.
    pub fn max_errors(&self) -> Share {
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

impl From<Share> for String {
    fn from(share: Share) -> Self {
        share.to_string()
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
        let fleet = |at_once: &str| Fleet::new(at_once.parse().unwrap(), "0".parse().unwrap());
        assert_eq!(fleet("50").unwrap(), Fleet::default());
        assert!(fleet("0").is_err() && fleet("0%").is_err());
    }
}
