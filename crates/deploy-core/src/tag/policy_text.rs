//! A policy as one line of text.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::MAX_POLICY_LENGTH;
use super::condition::{Condition, Test};
use super::constraint::VersionConstraint;
use super::field::{FieldType, check_name};
use super::order::Order;
use super::pattern::Pattern;
use super::policy::{Part, TagPolicy, USUAL_SKEW};
use super::problem::Problem;
use super::scheme::TagScheme;
use crate::error::{Error, Result};

/// `key`, sign and value, and where key and value begin.
pub(super) struct Word<'a> {
    pub(super) key: &'a str,
    pub(super) at: usize,
    pub(super) sign: &'a str,
    pub(super) value: &'a str,
    pub(super) value_at: usize,
}

const SIGNS: [&str; 4] = ["!=", "!~", "=", "~"];

/// The words of one line of text; a value may stand between quotes.
pub(super) fn words(text: &str) -> Result<Vec<Word<'_>>, Problem> {
    if text.len() > MAX_POLICY_LENGTH {
        return Err(Problem::new(
            MAX_POLICY_LENGTH,
            format!("a policy has at most {MAX_POLICY_LENGTH} bytes"),
        ));
    }
    if let Some(at) = text.find(char::is_control) {
        return Err(Problem::new(at, "a policy is one line without control characters"));
    }
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let sign = SIGNS.into_iter().find(|sign| after.starts_with(sign));
        let Some(sign) = sign.filter(|_| !key.is_empty()) else {
            return Err(Problem::new(at + end, "a policy is made of words as branch=main, tag!~\".*-rc.*\""));
        };
        let after = after.get(sign.len()..).unwrap_or_default();
        let value_at = text.len() - after.len();
        let (value, value_at, after) = match after.chars().next().filter(|quote| matches!(quote, '"' | '\''))
        {
            Some(quote) => {
                let (value, after) = after
                    .get(1..)
                    .and_then(|inside| inside.split_once(quote))
                    .ok_or_else(|| Problem::new(value_at, "this quote is not closed"))?;
                if !after.is_empty() && !after.starts_with(char::is_whitespace) {
                    return Err(Problem::new(text.len() - after.len(), "a space must stand here"));
                }
                (value, value_at + 1, after)
            }
            None => {
                let (value, after) = after.split_at(after.find(char::is_whitespace).unwrap_or(after.len()));
                if let Some(quote) = value.find(['"', '\'']) {
                    return Err(Problem::new(
                        value_at + quote,
                        "a quote stands around the whole value or nowhere",
                    ));
                }
                (value, value_at, after)
            }
        };
        if value.is_empty() {
            return Err(Problem::new(value_at, "a value is missing here"));
        }
        words.push(Word { key, at, sign, value, value_at });
        rest = after.trim_start();
    }
    Ok(words)
}

/// The words that are no conditions, each at most once.
struct Once<'a>(Vec<Word<'a>>);

impl<'a> Once<'a> {
    fn find(&self, key: &str) -> Option<&Word<'a>> {
        self.0.iter().find(|word| word.key == key)
    }

    fn add(&mut self, word: Word<'a>) -> Result<(), Problem> {
        if word.sign != "=" {
            return Err(Problem::new(word.at + word.key.len(), format!("after {:?} stands '='", word.key)));
        }
        if self.find(word.key).is_some() {
            return Err(Problem::new(word.at, format!("{:?} stands here twice", word.key)));
        }
        self.0.push(word);
        Ok(())
    }
}

fn check(text: &str) -> Result<TagPolicy, Problem> {
    let (mut once, mut types, mut asked) = (Once(Vec::new()), Vec::new(), Vec::new());
    for word in words(text)? {
        match word.key {
            "scheme" | "order" | "range" | "skew" | "downgrade" => once.add(word)?,
            "type" => types.push(group_type(&word)?),
            _ => asked.push(word),
        }
    }
    let Some(scheme) = once.find("scheme") else {
        return Err(Problem::new(0, "a policy says how tags are written, as in scheme=semver"));
    };
    let read = TagScheme::check(scheme.value, &types).map_err(|problem| problem.after(scheme.value_at))?;
    let mut builder = TagPolicy::builder(read);
    let mut places = Vec::new();
    for word in asked {
        let condition = condition(&word)?;
        condition.check_values().map_err(|problem| problem.after(word.value_at))?;
        places.push(word.at);
        builder = builder.condition(condition);
    }
    if let Some(word) = once.find("range") {
        let range = VersionConstraint::check(word.value).map_err(|problem| problem.after(word.value_at))?;
        builder = builder.range(range);
    }
    if let Some(word) = once.find("order") {
        builder = builder.order(match word.value {
            "lexical" => Order::Lexical,
            "ancestry" => Order::Ancestry,
            field => Order::Field(field.into()),
        });
    }
    if let Some(word) = once.find("skew") {
        let what = "a time to allow is a number with s, m or h, as in 90s";
        builder = builder.skew(duration(word.value).ok_or_else(|| Problem::new(word.value_at, what))?);
    }
    match once.find("downgrade") {
        Some(word) if word.value == "allow" => builder = builder.allow_downgrade(),
        Some(word) if word.value != "never" => {
            return Err(Problem::new(word.value_at, "downgrade is allow or never"));
        }
        _ => {}
    }
    builder.check().map_err(|(part, what)| {
        let at = match part {
            Part::Scheme => scheme.value_at,
            Part::Condition(number) => places.get(number).copied().unwrap_or_default(),
            Part::Range => once.find("range").map_or(0, |word| word.at),
            Part::Order => once.find("order").map_or(0, |word| word.value_at),
        };
        Problem::new(at, what)
    })
}

fn condition(word: &Word<'_>) -> Result<Condition, Problem> {
    let test = match word.sign {
        "~" | "!~" => {
            Test::Matches(Pattern::check(word.value).map_err(|problem| problem.after(word.value_at))?)
        }
        _ => Test::Is(word.value.into()),
    };
    Ok(Condition { subject: word.key.into(), test, negated: word.sign.starts_with('!') })
}

/// `type=build:integer`.
pub(super) fn group_type(word: &Word<'_>) -> Result<(String, FieldType), Problem> {
    let Some((name, kind)) = word.value.split_once(':').filter(|_| word.sign == "=") else {
        return Err(Problem::new(word.value_at, "a group's type is given as in type=build:integer"));
    };
    check_name(name).map_err(|problem| problem.after(word.value_at))?;
    let kind = FieldType::check(kind).map_err(|problem| problem.after(word.value_at + name.len() + 1))?;
    Ok((name.into(), kind))
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

/// A value, between quotes where it needs them; none holds both kinds.
pub(super) fn quoted(value: &str) -> String {
    match value {
        _ if value.contains('"') => format!("'{value}'"),
        _ if value.contains('\'') || value.contains(char::is_whitespace) => format!("\"{value}\""),
        _ => value.to_owned(),
    }
}

/// One line that reads as the same policy.
impl fmt::Display for TagPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scheme={}", quoted(&self.scheme.to_string()))?;
        for field in self.scheme.given_types() {
            write!(f, " type={}:{}", field.name, field.kind)?;
        }
        for condition in &self.conditions {
            write!(f, " {}{}{}", condition.subject, condition.sign(), quoted(condition.value()))?;
        }
        if self.version.is_some() {
            write!(f, " range={}", quoted(&self.range.to_string()))?;
        }
        write!(f, " order={}", self.order())?;
        if self.skew != USUAL_SKEW {
            write!(f, " skew={}s", self.skew.as_secs())?;
        }
        f.write_str(if self.downgrade { " downgrade=allow" } else { "" })
    }
}

impl FromStr for TagPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        check(text).map_err(|problem| problem.about("tag policy", text))
    }
}

impl TryFrom<String> for TagPolicy {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<TagPolicy> for String {
    fn from(policy: TagPolicy) -> Self {
        policy.to_string()
    }
}
