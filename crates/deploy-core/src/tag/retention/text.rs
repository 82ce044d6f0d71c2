//! A retention policy as one line of text.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::super::policy_text::{Word, group_type, quoted, words};
use super::super::problem::Problem;
use super::super::scheme::TagScheme;
use super::policy::{Clause, HOUR, Part, RetentionPolicy};
use crate::error::{Error, Result};

/// The words of one scheme, each at most once but for `type`.
struct Section<'a> {
    scheme: Word<'a>,
    types: Vec<Word<'a>>,
    rules: Vec<Word<'a>>,
}

impl Section<'_> {
    fn rule(&self, key: &str) -> Option<&Word<'_>> {
        self.rules.iter().find(|word| word.key == key)
    }
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, Problem> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for word in words(text)? {
        if word.sign != "=" {
            return Err(Problem::new(word.at + word.key.len(), format!("after {:?} stands '='", word.key)));
        }
        match (word.key, sections.last_mut()) {
            ("scheme", _) => sections.push(Section { scheme: word, types: Vec::new(), rules: Vec::new() }),
            ("type" | "last" | "younger" | "keep", None) => {
                return Err(Problem::new(
                    word.at,
                    "before it must stand how tags are written, as in scheme=semver",
                ));
            }
            ("type", Some(section)) => section.types.push(word),
            ("last" | "younger" | "keep", Some(section)) if section.rule(word.key).is_none() => {
                section.rules.push(word);
            }
            ("last" | "younger" | "keep", Some(_)) => {
                return Err(Problem::new(
                    word.at,
                    format!("{:?} stands here twice for one scheme", word.key),
                ));
            }
            _ => {
                return Err(Problem::new(
                    word.at,
                    "no such word; there are scheme, type, last, younger and keep",
                ));
            }
        }
    }
    Ok(sections)
}

fn check(text: &str) -> Result<RetentionPolicy, Problem> {
    let sections = sections(text)?;
    let mut builder = RetentionPolicy::builder();
    for section in &sections {
        let types = section.types.iter().map(group_type).collect::<Result<Vec<_>, _>>()?;
        let Word { value, value_at, .. } = section.scheme;
        builder = builder.scheme(TagScheme::check(value, &types).map_err(|problem| problem.after(value_at))?);
        for Word { key, value, value_at, .. } in &section.rules {
            builder =
                match *key {
                    "last" => builder.keep_last(value.parse().map_err(|_| {
                        Problem::new(*value_at, "how many are kept is a number, as in last=10")
                    })?),
                    "younger" => builder.keep_younger(age(value).ok_or_else(|| {
                        Problem::new(*value_at, "an age is a number with h, d or w, as in 30d")
                    })?),
                    _ if *value == "all" => builder.keep_all(),
                    _ => return Err(Problem::new(*value_at, "keep is all")),
                };
        }
    }
    builder.check().map_err(|(part, what)| {
        let of = |number: usize| sections.get(number);
        let rule = |number: usize, key: &str| of(number).and_then(|section| section.rule(key));
        let at = match part {
            Part::Scheme(number) => of(number).map(|section| section.scheme.value_at),
            Part::Last(number) => rule(number, "last").map(|word| word.at),
            Part::Younger(number) => rule(number, "younger").map(|word| word.at),
        };
        Problem::new(at.unwrap_or_default(), what)
    })
}

fn age(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(hours)?.checked_mul(HOUR).map(Duration::from_secs)
}

/// As it is written: `30d`, or `36h` where it is not whole days.
pub(super) fn shown(age: Duration) -> String {
    let hours = age.as_secs() / HOUR;
    if hours.is_multiple_of(24) { format!("{}d", hours / 24) } else { format!("{hours}h") }
}

/// One line that reads as the same policy.
impl fmt::Display for RetentionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Clause { scheme, last, younger, all, .. }) in self.clauses.iter().enumerate() {
            write!(f, "{}scheme={}", if number == 0 { "" } else { " " }, quoted(&scheme.to_string()))?;
            for field in scheme.given_types() {
                write!(f, " type={}:{}", field.name, field.kind)?;
            }
            if let Some(last) = last {
                write!(f, " last={last}")?;
            }
            if let Some(younger) = younger {
                write!(f, " younger={}", shown(*younger))?;
            }
            f.write_str(if *all { " keep=all" } else { "" })?;
        }
        Ok(())
    }
}

impl FromStr for RetentionPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        check(text).map_err(|problem| problem.about("retention policy", text))
    }
}

impl TryFrom<String> for RetentionPolicy {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<RetentionPolicy> for String {
    fn from(policy: RetentionPolicy) -> Self {
        policy.to_string()
    }
}
