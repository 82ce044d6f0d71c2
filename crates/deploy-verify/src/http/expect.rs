//! What an answer is held against. Pure.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use deploy_core::guard::Answer;
use http::HeaderName;
use http::header::LOCATION;
use regex::bytes::Regex;
use serde_json::Value;

use super::{Answered, url};
use crate::text::shown;

/// How much of an answer is shown, in characters.
const SHOWN: usize = 120;

/// From how many bytes on the beginning of a secret is one.
const FEWEST: usize = 4;

/// What is expected of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Expectation {
    Status(RangeInclusive<u16>),
    BodyContains {
        text: String,
        pattern: Regex,
    },
    BodyMatches(Regex),
    Json {
        pointer: String,
        is: Value,
    },
    JsonMatches {
        pointer: String,
        pattern: Regex,
    },
    Header {
        name: HeaderName,
        is: String,
    },
    HeaderMatches {
        name: HeaderName,
        pattern: Regex,
    },
    Within(Duration),
    CertificateDays(u32),
    /// Whatever it is: the body is looked at by another.
    Body,
}

/// A yes if all of it is as expected; else all that is not.
pub(super) fn judge(expected: &[Expectation], answered: &Answered) -> Answer {
    let asked = &answered.asked;
    let took = answered.took.as_millis();
    let found = format!("{asked} answered {} in {took} ms", answered.status.as_u16());
    let mut wrong: Vec<String> = answered.not_followed.iter().cloned().collect();
    let is_other = |expectation: &&Expectation| match expectation {
        Expectation::Status(range) => !range.contains(&answered.status.as_u16()),
        _ => false,
    };
    // With another status nothing else is what it would be.
    let looked_at: Vec<&Expectation> = match expected.iter().find(is_other) {
        Some(status) => vec![status],
        None => expected.iter().collect(),
    };
    wrong.extend(looked_at.iter().filter_map(|expectation| expectation.not_met(answered)));
    if wrong.is_empty() {
        let rest: Vec<String> = expected.iter().filter_map(Expectation::told).collect();
        let rest = if rest.is_empty() { String::new() } else { format!(": {}", rest.join(", ")) };
        return Answer::Yes { grounds: format!("{found}{rest}") };
    }
    Answer::No { why: format!("{found}: {}", wrong.join("; ")) }
}

impl Expectation {
    /// Whether the body is looked at.
    pub(super) fn needs_body(&self) -> bool {
        matches!(
            self,
            Self::BodyContains { .. }
                | Self::BodyMatches(_)
                | Self::Json { .. }
                | Self::JsonMatches { .. }
                | Self::Body
        )
    }

    /// What is not as expected, if it is not.
    fn not_met(&self, answered: &Answered) -> Option<String> {
        let body = || answered.excerpt(&answered.body);
        match self {
            Self::Status(range) if range.contains(&answered.status.as_u16()) => None,
            Self::Status(range) => Some(answered.other_status(range)),
            Self::BodyContains { text, pattern } => (!pattern.is_match(&answered.body))
                .then(|| format!("the body does not contain {:?}: {}", clipped(text), body())),
            Self::BodyMatches(pattern) => (!pattern.is_match(&answered.body))
                .then(|| format!("the body does not match {:?}: {}", clipped(pattern.as_str()), body())),
            Self::Json { pointer, is } => match answered.json(pointer) {
                Ok(found) if found == *is => None,
                Ok(found) => {
                    let found = answered.shown(found.to_string().as_bytes());
                    Some(format!("{} is {found}, expected {}", place(pointer), clipped(&is.to_string())))
                }
                Err(why) => Some(why),
            },
            Self::JsonMatches { pointer, pattern } => match answered.json(pointer) {
                Ok(found) => {
                    let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                    let (shown, not) = (answered.excerpt(text.as_bytes()), clipped(pattern.as_str()));
                    let what = || format!("{} is {shown}, which does not match {not:?}", place(pointer));
                    (!pattern.is_match(text.as_bytes())).then(what)
                }
                Err(why) => Some(why),
            },
            Self::Header { name, is } => {
                answered.header(name, &format!("expected {:?}", clipped(is)), |value| value == is.as_bytes())
            }
            Self::HeaderMatches { name, pattern } => {
                let not = format!("which does not match {:?}", clipped(pattern.as_str()));
                answered.header(name, &not, |value| pattern.is_match(value))
            }
            Self::Within(latency) => (answered.took >= *latency).then(|| {
                format!(
                    "it took {} ms, expected less than {} ms",
                    answered.took.as_millis(),
                    latency.as_millis()
                )
            }),
            Self::CertificateDays(days) => match answered.certificate {
                Some(left) if left >= Duration::from_secs(u64::from(*days) * 86400) => None,
                Some(left) => {
                    let left = left.as_secs() / 86400;
                    Some(format!("its certificate is valid for {left} days, expected {days}"))
                }
                None => Some("its certificate does not say until when it is valid".into()),
            },
            Self::Body => None,
        }
    }

    /// What was expected, for the record, beside the status.
    fn told(&self) -> Option<String> {
        Some(match self {
            Self::Status(_) | Self::Body => return None,
            Self::BodyContains { text, .. } => format!("the body contains {:?}", clipped(text)),
            Self::BodyMatches(pattern) => format!("the body matches {:?}", clipped(pattern.as_str())),
            Self::Json { pointer, is } => format!("{} is {}", place(pointer), clipped(&is.to_string())),
            Self::JsonMatches { pointer, pattern } => {
                format!("{} matches {:?}", place(pointer), clipped(pattern.as_str()))
            }
            Self::Header { name, is } => format!("{name} is {:?}", clipped(is)),
            Self::HeaderMatches { name, pattern } => {
                format!("{name} matches {:?}", clipped(pattern.as_str()))
            }
            Self::Within(latency) => format!("less than {} ms", latency.as_millis()),
            Self::CertificateDays(days) => format!("the certificate is valid for {days} days or more"),
        })
    }
}

impl Answered {
    /// The value at a pointer, or why there is none.
    fn json(&self, pointer: &str) -> Result<Value, String> {
        let body: Value = serde_json::from_slice(&self.body)
            .map_err(|error| format!("the body is no JSON ({error}): {}", self.excerpt(&self.body)))?;
        body.pointer(pointer).cloned().ok_or_else(|| {
            format!("there is no {} in the JSON: {}", place(pointer), self.excerpt(&self.body))
        })
    }

    fn header(&self, name: &HeaderName, not: &str, is_it: impl Fn(&[u8]) -> bool) -> Option<String> {
        let mut values = self.headers.get_all(name).iter();
        let Some(first) = values.next() else { return Some(format!("it has no header {name}")) };
        let met = is_it(first.as_bytes()) || values.any(|value| is_it(value.as_bytes()));
        (!met).then(|| format!("{name} is {}, {not}", self.excerpt(first.as_bytes())))
    }

    fn other_status(&self, expected: &RangeInclusive<u16>) -> String {
        let expected = if expected.start() == expected.end() {
            format!("expected {}", expected.start())
        } else {
            format!("expected {} to {}", expected.start(), expected.end())
        };
        let location = self.headers.get(LOCATION).map(|to| {
            let to = String::from_utf8_lossy(to.as_bytes());
            let to = to
                .parse()
                .map_or_else(|_| to.split('?').next().unwrap_or_default().to_owned(), |to| url::shown(&to));
            format!(", to {}", self.excerpt(to.as_bytes()))
        });
        let body = (!self.body.is_empty()).then(|| format!(": {}", self.excerpt(&self.body)));
        expected + &location.or(body).unwrap_or_default()
    }

    /// The beginning of what came back, in quotes.
    pub(crate) fn excerpt(&self, bytes: &[u8]) -> String {
        match self.shown(bytes) {
            nothing if nothing.is_empty() => "nothing".into(),
            shown => format!("\"{shown}\""),
        }
    }

    /// The same without quotes.
    fn shown(&self, bytes: &[u8]) -> String {
        shown(&masked(&String::from_utf8_lossy(bytes), &self.secrets), SHOWN)
    }
}

/// A text without what must not be shown, nor the beginning of that at its end: it may have been cut off there.
fn masked(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret, "***");
        let cut = (FEWEST..secret.len()).rev().filter_map(|length| secret.get(..length));
        if let Some(beginning) = cut.into_iter().find(|beginning| text.ends_with(beginning)) {
            text.truncate(text.len() - beginning.len());
            text.push_str("***");
        }
    }
    text
}

/// A JSON pointer, for a person.
fn place(pointer: &str) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| if pointer.is_empty() { f.write_str("the JSON") } else { f.write_str(pointer) })
}

fn clipped(text: &str) -> String {
    shown(text, SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_part_of_a_secret() {
        let secrets = ["Bearer hunter2".to_owned(), "hunter2".to_owned(), "pässword".to_owned()];
        let check = |text: &str, expect: &str| assert_eq!(masked(text, &secrets), expect);
        check("token: Bearer hunter2, hunter2", "token: ***, ***");
        check("token: Bearer hunt", "token: ***");
        check("token: hunte", "token: ***");
        check("pässword pässw", "*** ***");
        check("a hun", "a hun");
        check("", "");
    }
}
