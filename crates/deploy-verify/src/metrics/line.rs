//! A metric as the program itself exposes it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::clock::Clock;
use deploy_core::error::{Error, Result};
use deploy_core::guard::{Answer, Check, Subject};

use super::{Comparison, Selector, samples};
use crate::http::{Expectation, HttpCheck, HttpCheckBuilder};

/// The largest text that is read where the builder says nothing else: 16 MiB.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// Holds a metric of a program against a number: its value, or by how much it grows.
///
/// Of several series that are meant, the sum counts. Where there is none, the answer is no, unless [`MetricCheck::absent_is`] says what it is.
/// Through a Service, each scrape may reach another pod: an increase needs one that is the same, a pod of its own.
pub struct MetricCheck {
    scrape: HttpCheck,
    selector: Selector,
    expected: Comparison,
    increase: Option<Duration>,
    absent: Option<f64>,
    clock: Arc<dyn Clock>,
}

impl MetricCheck {
    /// The series in what is exposed at a URL, as `http://api:8080/metrics`.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) if the request cannot be built.
    pub fn new(exposed: HttpCheckBuilder, selector: Selector, expected: Comparison) -> Result<Self> {
        let scrape = exposed.usual_max_body(MAX_TEXT).expect(Expectation::Body).build()?;
        let clock = scrape.clock();
        Ok(Self { scrape, selector, expected, increase: None, absent: None, clock })
    }

    /// Looks twice, so long apart, and compares by how much it grew. A counter that is smaller than before began anew: it grew from 0.
    #[must_use]
    pub fn increase_over(mut self, time: Duration) -> Self {
        self.increase = Some(time);
        self
    }

    /// What it is where there is no such series: a counter of errors that did not happen, 0.
    #[must_use]
    pub fn absent_is(mut self, value: f64) -> Self {
        self.absent = Some(value);
        self
    }

    /// The sum of the series, if there is one; or why they could not be read, from an answer that is none.
    async fn scrape(&self) -> Result<Result<Option<f64>, String>> {
        let answered = self.scrape.ask().await?;
        let asked = &answered.asked;
        if !answered.status.is_success() {
            let body = answered.excerpt(&answered.body);
            return Ok(Err(format!("{asked} answered {}: {body}", answered.status.as_u16())));
        }
        let text = std::str::from_utf8(&answered.body)
            .map_err(|source| Error::invalid("what it exposes is no text").on(asked).source(source))?;
        let mut sum = None;
        for sample in samples(text) {
            let sample = sample.map_err(|error| error.on(asked))?;
            if self.selector.matches(&sample) {
                *sum.get_or_insert(0.0) += sample.value;
            }
        }
        Ok(Ok(sum.or(self.absent)))
    }

    fn none(&self) -> String {
        format!("there is no {} at {}", self.selector, self.scrape.place())
    }
}

#[async_trait]
impl Check for MetricCheck {
    fn describe(&self) -> String {
        match self.increase {
            None => format!("{} {}", self.selector, self.expected),
            Some(time) => {
                format!("increase of {} in {} s {}", self.selector, time.as_secs_f64(), self.expected)
            }
        }
    }

    async fn check(&self, _subject: &Subject) -> Result<Answer> {
        let mut found = match self.scrape().await? {
            Ok(Some(value)) => value,
            Ok(None) => return Ok(Answer::No { why: self.none() }),
            Err(why) => return Ok(Answer::No { why }),
        };
        let mut what = format!("{} is {found}", self.selector);
        if let Some(time) = self.increase {
            self.clock.sleep(time).await;
            let later = match self.scrape().await? {
                Ok(Some(value)) => value,
                Ok(None) => return Ok(Answer::No { why: self.none() }),
                Err(why) => return Ok(Answer::No { why }),
            };
            let grew = if later < found { later } else { later - found };
            what = format!("{} grew by {grew} in {} s, to {later}", self.selector, time.as_secs_f64());
            found = grew;
        }
        Ok(if self.expected.holds(found) {
            Answer::Yes { grounds: format!("{what}, which is {}", self.expected) }
        } else {
            Answer::No { why: format!("{what}, expected {}", self.expected) }
        })
    }
}

impl fmt::Debug for MetricCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
