//! A number held against another.

use std::fmt;
use std::str::FromStr;

use deploy_core::error::{Error, Result};

/// What a number must be: `< 0.01`, `>= 1`, `== 0`; also `>`, `<=` and `!=`. What is no number (NaN) is never as it must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    operator: Operator,
    bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    AtMost,
    Same,
    Other,
    AtLeast,
    More,
}

/// Longer ones first: `<=` is no `<`.
const OPERATORS: [(&str, Operator); 6] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("==", Operator::Same),
    ("!=", Operator::Other),
    ("<", Operator::Less),
    (">", Operator::More),
];

impl Comparison {
    /// Whether `number` is as it must be.
    #[expect(clippy::float_cmp, reason = "who writes == 0 means it")]
    pub fn holds(self, number: f64) -> bool {
        match self.operator {
            _ if number.is_nan() => false,
            Operator::Less => number < self.bound,
            Operator::AtMost => number <= self.bound,
            Operator::Same => number == self.bound,
            Operator::Other => number != self.bound,
            Operator::AtLeast => number >= self.bound,
            Operator::More => number > self.bound,
        }
    }
}

impl FromStr for Comparison {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found =
            OPERATORS.iter().find_map(|(sign, operator)| Some((*operator, text.trim().strip_prefix(sign)?)));
        let read =
            found.and_then(|(operator, bound)| Some(Self { operator, bound: bound.trim().parse().ok()? }));
        read.filter(|comparison| !comparison.bound.is_nan()).ok_or_else(|| {
            Error::invalid(format!("\"{}\" is no comparison with a number", text.escape_default()))
                .help("as in < 0.01, <= 5, == 0, != 0, >= 1 or > 0")
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = OPERATORS.iter().find(|(_, operator)| *operator == self.operator);
        write!(f, "{} {}", sign.map_or("", |(sign, _)| sign), self.bound)
    }
}
