//! How a tag writes a time.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::problem::Problem;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The most bytes of a format.
const MAX_LENGTH: usize = 64;

/// How a tag writes a time, by `strftime`'s words; always UTC.
///
/// `%Y` (four digits), `%m`, `%d`, `%H`, `%M`, `%S` (two digits each), or `%s` alone: whole seconds since the Unix epoch. What is left
/// out is the first there is: without `%S` it is second 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFormat {
    text: String,
    items: Vec<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Literal(u8),
    /// Which of the six numbers of a time, year to second.
    Number(usize),
    Unix,
}

/// The letters of the six numbers, in their order.
const LETTERS: [char; 6] = ['Y', 'm', 'd', 'H', 'M', 'S'];

/// The digits of each.
const DIGITS: [usize; 6] = [4, 2, 2, 2, 2, 2];

impl TimeFormat {
    pub(super) fn check(text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_LENGTH {
            return Err(Problem::new(MAX_LENGTH, format!("a time format has at most {MAX_LENGTH} bytes")));
        }
        let mut items = Vec::new();
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            let item = match c {
                '%' => match chars.next() {
                    Some((_, 's')) => Item::Unix,
                    Some((_, letter)) => match LETTERS.iter().position(|known| *known == letter) {
                        Some(number) => Item::Number(number),
                        None => {
                            let what =
                                format!("'%{letter}' is not known: use %Y %m %d %H %M %S, or %s alone");
                            return Err(Problem::new(at, what));
                        }
                    },
                    None => return Err(Problem::new(at, "a time format ends with '%'")),
                },
                c if super::is_tag_char(c) => Item::Literal(c as u8),
                c => return Err(Problem::new(at, format!("a tag cannot hold {c:?}"))),
            };
            if !matches!(item, Item::Literal(_)) && items.contains(&item) {
                return Err(Problem::new(at, "it stands in the format twice"));
            }
            items.push(item);
        }
        let leading = |number: usize| items.contains(&Item::Number(number));
        if items.contains(&Item::Unix) {
            if items.len() > 1 {
                return Err(Problem::new(0, "%s is the whole time: nothing can stand beside it"));
            }
        } else if let Some(missing) =
            (0..6).rev().skip_while(|number| !leading(*number)).find(|n| !leading(*n))
        {
            let letter = LETTERS.get(missing).copied().unwrap_or_default();
            return Err(Problem::new(
                0,
                format!("the time format lacks %{letter}: what is smaller needs it"),
            ));
        } else if !leading(0) {
            return Err(Problem::new(0, "the time format has neither %Y nor %s"));
        }
        Ok(Self { text: text.into(), items })
    }

    /// How many bytes every time has; `None` for Unix seconds.
    pub(super) fn width(&self) -> Option<usize> {
        self.items.iter().try_fold(0, |width, item| match item {
            Item::Literal(_) => Some(width + 1),
            Item::Number(number) => DIGITS.get(*number).map(|digits| width + digits),
            Item::Unix => None,
        })
    }

    /// The moment that `text` writes; `None` where it is no time in this format.
    pub(super) fn read(&self, text: &str) -> Option<Timestamp> {
        let mut rest = text.as_bytes();
        let mut numbers = [1970, 1, 1, 0, 0, 0];
        for item in &self.items {
            match item {
                Item::Literal(byte) => rest = rest.strip_prefix(&[*byte])?,
                Item::Number(number) => {
                    let (digits, after) = rest.split_at_checked(*DIGITS.get(*number)?)?;
                    *numbers.get_mut(*number)? =
                        decimal(digits).and_then(|value| i16::try_from(value).ok())?;
                    rest = after;
                }
                Item::Unix => {
                    let seconds = decimal(rest)?;
                    let time = Timestamp::from_unix_seconds(seconds);
                    // It clamps: milliseconds would all be the end of time.
                    return (time.as_unix_seconds() == seconds).then_some(time);
                }
            }
        }
        if rest.is_empty() { Timestamp::from_utc(numbers) } else { None }
    }

    /// `time` in this format, cut to what it can say; `None` before 1970 or after 9999.
    pub(super) fn write(&self, time: Timestamp) -> Option<String> {
        let numbers = time.to_utc();
        if time < Timestamp::UNIX_EPOCH {
            return None;
        }
        let mut out = String::new();
        for item in &self.items {
            match item {
                Item::Literal(byte) => out.push(char::from(*byte)),
                Item::Number(number) => {
                    let (value, digits) = (numbers.get(*number)?, *DIGITS.get(*number)?);
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{value:0digits$}");
                }
                Item::Unix => out.push_str(&time.as_unix_seconds().to_string()),
            }
        }
        Some(out)
    }
}

/// At most 18 digits, so that it fits; `None` if there is anything else, or nothing.
fn decimal(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits
        .iter()
        .try_fold(0_i64, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

impl FromStr for TimeFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::check(text).map_err(|problem| problem.about("time format", text))
    }
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
