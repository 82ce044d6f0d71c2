//! The JSON 1.1 protocol: what is asked, what is refused, how times are written.

use std::time::Duration;

use bytes::Bytes;
use deploy_core::clock::Timestamp;
use http::Response;
use http_body_util::Full;
use serde_json::{Value, json};

/// An error as SSM answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    pub(super) kind: String,
    message: String,
}

impl Refusal {
    pub(super) fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, kind: kind.into(), message: message.into() }
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// What every operation answers to an input that breaks its model.
    pub(super) fn invalid(member: &str, constraint: impl std::fmt::Display) -> Self {
        Self::new(
            "ValidationException",
            format!(
                "1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
            ),
        )
    }
}

/// What an operation answers.
pub(super) type Answer = Result<Value, Refusal>;

/// The answer as HTTP.
pub(super) fn response(answer: &Answer) -> Response<Full<Bytes>> {
    let (status, body) = match answer {
        Ok(value) => (200, value.to_string()),
        Err(refusal) => {
            (refusal.status, json!({"__type": refusal.kind, "Message": refusal.message}).to_string())
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/x-amz-json-1.1"));
    response
}

/// A text that is there and not empty.
pub(super) fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input[member].as_str().filter(|text| !text.is_empty())
}

/// A text that must be there.
pub(super) fn needed<'a>(input: &'a Value, member: &str) -> Result<&'a str, Refusal> {
    text(input, member).ok_or_else(|| Refusal::invalid(member, "Member must not be null"))
}

/// A list of texts; empty where there is none.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A number within its range, or the default.
pub(super) fn number(
    input: &Value,
    member: &str,
    range: std::ops::RangeInclusive<i64>,
    default: i64,
) -> Result<i64, Refusal> {
    match &input[member] {
        Value::Null => Ok(default),
        value => match value.as_i64() {
            Some(number) if number > *range.end() => {
                let end = range.end();
                Err(Refusal::invalid(member, format!("Member must have value less than or equal to {end}")))
            }
            Some(number) if number < *range.start() => {
                let start = range.start();
                Err(Refusal::invalid(
                    member,
                    format!("Member must have value greater than or equal to {start}"),
                ))
            }
            Some(number) => Ok(number),
            None => Err(Refusal::new("SerializationException", format!("{member} is not a number"))),
        },
    }
}

/// A time as most members have it: seconds since the epoch.
pub(super) fn seconds(time: Timestamp) -> Value {
    // Milliseconds of this age fit a float.
    #[expect(clippy::cast_precision_loss, reason = "52 bits hold them for ages")]
    let seconds = time.as_millis() as f64 / 1000.0;
    json!(seconds)
}

/// A time as `GetCommandInvocation` has it: RFC 3339 to the millisecond; empty where there is none.
pub(super) fn iso(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| {
        let (seconds, rest) = (time.as_millis().div_euclid(1000), time.as_millis().rem_euclid(1000));
        let rest = Duration::from_millis(rest.unsigned_abs());
        (Timestamp::from_unix_seconds(seconds) + rest).to_string()
    })
}

/// One page of a list, and where the next begins. A token is the key of the last item told.
pub(super) fn page<T>(
    items: Vec<(String, T)>,
    input: &Value,
    size: i64,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let start = match text(input, "NextToken") {
        None => 0,
        Some(token) => {
            let last = items.iter().position(|(key, _)| token.strip_prefix("after-") == Some(key));
            last.ok_or_else(|| Refusal::new("InvalidNextToken", "The specified token isn't valid."))? + 1
        }
    };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = items.len() > start.saturating_add(size);
    let mut told: Vec<(String, T)> = items.into_iter().skip(start).take(size).collect();
    let next = told.last_mut().filter(|_| more).map(|(key, _)| format!("after-{key}"));
    Ok((told.into_iter().map(|(_, item)| item).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_ways() {
        let time: Timestamp = "2026-11-22T18:00:00.250Z".parse().unwrap();
        assert_eq!(seconds(time), json!(1_795_370_400.25));
        assert_eq!(iso(Some(time)), "2026-11-22T18:00:00.25Z");
        assert_eq!(iso(None), "");
    }

    #[test]
    fn pages_follow_one_another() {
        let items = || ["a", "b", "c"].map(|key| (key.to_owned(), key)).to_vec();
        let (first, next) = page(items(), &json!({}), 2).unwrap();
        assert_eq!(first, ["a", "b"]);
        let (rest, end) = page(items(), &json!({"NextToken": next.unwrap()}), 2).unwrap();
        assert_eq!((rest, end), (vec!["c"], None));
        assert_eq!(page(items(), &json!({"NextToken": "x"}), 2).unwrap_err().kind, "InvalidNextToken");
    }
}
