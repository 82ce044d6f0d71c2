//! A query to Prometheus.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::guard::{Answer, Check, Subject};
use serde::Deserialize;
use serde_json::Value;

use super::Comparison;
use crate::http::{Expectation, HttpCheck, HttpCheckBuilder};
use crate::text::{first, shown};

/// How many series an answer names.
const NAMED: usize = 3;

/// How much of a text of Prometheus' is shown, in characters.
const SHOWN: usize = 200;

/// Asks Prometheus, or what speaks as it does, an instant query, and holds each value of the result against a number. An empty result is a no:
/// nothing was measured.
pub struct QueryCheck {
    request: HttpCheck,
    query: String,
    expected: Comparison,
}

impl QueryCheck {
    /// Asks `query` of the server at a URL, below which the API is at `api/v1/query`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the request cannot be built.
    pub fn new(server: HttpCheckBuilder, query: impl Into<String>, expected: Comparison) -> Result<Self> {
        let query = query.into();
        let request = server.below("api/v1/query", &[("query", &query)]).expect(Expectation::Body).build()?;
        Ok(Self { request, query, expected })
    }
}

#[async_trait]
impl Check for QueryCheck {
    fn describe(&self) -> String {
        format!("{} {}", shown(&self.query, SHOWN), self.expected)
    }

    async fn check(&self, _subject: &Subject) -> Result<Answer> {
        let answered = self.request.ask().await?;
        let read = judge(&answered.body, self.expected);
        read.map_err(|why| {
            // A refusal is JSON as well; a proxy's is not.
            let status = answered.status.as_u16();
            let message = format!("it answered {status}, {why}: {}", answered.excerpt(&answered.body));
            Error::new(ErrorKind::Unavailable, message).during("query").on(self.request.place())
        })
    }
}

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
enum Said {
    Success {
        data: Data,
    },
    #[serde(rename_all = "camelCase")]
    Error {
        error_type: String,
        error: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

/// What Prometheus said, against what is expected. Pure.
pub(super) fn judge(body: &[u8], expected: Comparison) -> Result<Answer, String> {
    let not_json = |_| "which is not Prometheus' JSON".to_owned();
    let data = match serde_json::from_slice(body).map_err(not_json)? {
        Said::Success { data } => data,
        Said::Error { error_type, error } => {
            return Err(format!("{}: {}", shown(&error_type, SHOWN), shown(&error, SHOWN)));
        }
    };
    let values: Vec<(String, String)> = match data.result_type.as_str() {
        "vector" => {
            let series: Vec<Series> = serde_json::from_value(data.result).map_err(not_json)?;
            series.into_iter().map(|series| (named(&series.metric), series.value.1)).collect()
        }
        "scalar" => {
            let (_, value): (f64, String) = serde_json::from_value(data.result).map_err(not_json)?;
            vec![(String::new(), value)]
        }
        _ => return Err("which is neither a vector nor a scalar".into()),
    };
    if values.is_empty() {
        return Ok(Answer::No { why: "the result is empty: nothing was measured".into() });
    }
    let mut wrong = Vec::new();
    for (series, text) in &values {
        let number: f64 = text.parse().map_err(|_| "which holds a value that is no number".to_owned())?;
        if !expected.holds(number) {
            wrong.push(told(series, text));
        }
    }
    if wrong.is_empty() {
        let all = values.iter().map(|(series, value)| told(series, value));
        let all = first(NAMED, "; ", all.collect::<Vec<_>>().into_iter());
        return Ok(Answer::Yes { grounds: format!("{all}, which is {expected}") });
    }
    let why = format!("{}, expected {expected}", first(NAMED, "; ", wrong.into_iter()));
    Ok(Answer::No { why })
}

/// Labels, as PromQL has them.
fn named(metric: &BTreeMap<String, String>) -> String {
    let labels = metric.iter().filter(|(label, _)| *label != "__name__");
    let labels: Vec<String> = labels.map(|(label, value)| format!("{label}={value:?}")).collect();
    let name = metric.get("__name__").map(String::as_str).unwrap_or_default();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

fn told(series: &str, value: &str) -> String {
    let series = if series.is_empty() { "it" } else { series };
    format!("{} is {}", shown(series, SHOWN), shown(value, SHOWN))
}

impl fmt::Debug for QueryCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
