//! Which series are meant.

use std::fmt;
use std::str::FromStr;

use deploy_core::error::{Error, Result};

use super::exposition::{Sample, series};

/// The series of a metric that have these labels: `http_requests_total{code="500"}`. Labels that are not named may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    name: String,
    labels: Vec<(String, String)>,
}

impl Selector {
    /// Whether this series is meant.
    pub fn matches(&self, sample: &Sample<'_>) -> bool {
        let has = |(name, value): &(String, String)| {
            sample.labels.iter().any(|(label, found)| label == name && found == value)
        };
        sample.name == self.name && self.labels.iter().all(has)
    }
}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = series(text.trim()).and_then(|(name, labels, rest)| match rest.trim() {
            "" => Ok((name, labels)),
            _ => Err("something follows it"),
        });
        let (name, labels) = read.map_err(|why| {
            Error::invalid(format!("\"{}\" selects no series: {why}", text.escape_default()))
                .help("as in http_requests_total{code=\"500\"}; labels are compared with = alone")
        })?;
        let labels = labels.into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
        Ok(Self { name: name.to_owned(), labels })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let mut separator = "{";
        for (label, value) in &self.labels {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            write!(f, "{separator}{label}=\"{value}\"")?;
            separator = ",";
        }
        if self.labels.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}
