//! Metrics as programs expose them: Prometheus' text format 0.0.4, and as much of OpenMetrics 1.0 as is written so.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

use deploy_core::error::{Error, Result};

/// The longest line, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// The most labels of a sample.
const MAX_LABELS: usize = 256;

/// One series and its value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample<'a> {
    /// The metric.
    pub name: &'a str,
    /// Names and values, as they are written; escapes in values are resolved.
    pub labels: Vec<(&'a str, String)>,
    /// The value, which may be NaN or infinite.
    pub value: f64,
}

/// The samples of a text, one by one. Comments are passed over; what follows a value (a timestamp, an exemplar) is not looked at.
///
/// ```
/// use deploy_verify::metrics::samples;
///
/// let text = "# TYPE http_requests_total counter\nhttp_requests_total{method=\"post\",code=\"500\"} 3 1395066363000\n";
/// let sample = samples(text).next().unwrap()?;
/// assert_eq!((sample.name, sample.value), ("http_requests_total", 3.0));
/// assert_eq!(sample.labels[1], ("code", "500".to_owned()));
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
///
/// # Errors
/// An item is an error if its line is no sample.
pub fn samples(text: &str) -> impl Iterator<Item = Result<Sample<'_>>> {
    let lines =
        text.lines().zip(1_u64..).map(|(line, number)| (line.trim_matches([' ', '\t', '\r']), number));
    let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(line, number)| {
        sample(line).map_err(|why| {
            let line: String = line.chars().take(80).collect();
            Error::invalid(format!("line {number} is no metric, {why}: \"{}\"", line.escape_debug()))
        })
    })
}

fn sample(line: &str) -> Result<Sample<'_>, &'static str> {
    if line.len() > MAX_LINE {
        return Err("it is too long");
    }
    let (name, labels, rest) = series(line)?;
    let value = rest.split_ascii_whitespace().next().ok_or("it has no value")?;
    let value = value.parse().map_err(|_| "its value is no number")?;
    Ok(Sample { name, labels, value })
}

/// Labels, as they are written.
pub(super) type Labels<'a> = Vec<(&'a str, String)>;

/// A name with labels, and what follows.
pub(super) fn series(text: &str) -> Result<(&str, Labels<'_>, &str), &'static str> {
    let (name, rest) = word(text, |c| c == ':').ok_or("it has no name")?;
    let rest = rest.trim_start();
    let Some(mut rest) = rest.strip_prefix('{') else { return Ok((name, Vec::new(), rest)) };
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((name, labels, rest));
        }
        let (label, after) = word(rest, |_| false).ok_or("a label has no name")?;
        let after = after.trim_start().strip_prefix('=').ok_or("a label has no =")?;
        let (value, after) = quoted(after.trim_start())?;
        if labels.len() == MAX_LABELS {
            return Err("it has too many labels");
        }
        labels.push((label, value));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(after) => after,
            None if after.starts_with('}') => after,
            None => return Err("labels have a comma between them"),
        };
    }
}

/// A name: letters, digits and `_`, no digit first.
fn word(text: &str, other: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || other(c))).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    word.starts_with(|c: char| !c.is_ascii_digit()).then_some((word, rest))
}

/// A text in quotes, and what follows.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let text = text.strip_prefix('"').ok_or("a label has no value in quotes")?;
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, other @ ('\\' | '"'))) => value.push(other),
                // As Prometheus has it: what escapes nothing stands for itself.
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err("a label's value has no end")
}
