//! Several checks as one.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};

use crate::error::{Error, Result};
use crate::guard::{Answer, Check, Subject};

/// How many are under way at once where nothing else is said.
const AT_ONCE: usize = 8;

/// Several checks, all of which must pass. Without any it is an error: nothing was looked at.
#[derive(Clone)]
pub struct AllOf {
    checks: Vec<Arc<dyn Check>>,
    /// 0 for one after the other, up to the first that does not pass.
    at_once: usize,
}

impl AllOf {
    /// One after the other, in this order. The first that does not pass is the answer, and those behind it are not asked.
    pub fn in_order(checks: impl IntoIterator<Item = Arc<dyn Check>>) -> Self {
        Self { checks: checks.into_iter().collect(), at_once: 0 }
    }

    /// All of them, 8 at once. Every one that does not pass is told of.
    pub fn at_once(checks: impl IntoIterator<Item = Arc<dyn Check>>) -> Self {
        Self { checks: checks.into_iter().collect(), at_once: AT_ONCE }
    }

    /// So many at once, at least 1; for [`AllOf::at_once`].
    #[must_use]
    pub fn at_most(mut self, at_once: usize) -> Self {
        if self.at_once > 0 {
            self.at_once = at_once.max(1);
        }
        self
    }

    async fn one_by_one(&self, subject: &Subject) -> Result<Answer> {
        let mut yes = Vec::new();
        for check in &self.checks {
            let name = check.describe();
            match check.check(subject).await.map_err(|error| error.on(&name))? {
                Answer::Yes { grounds } => yes.push(format!("{name}: {grounds}")),
                Answer::No { why } => return Ok(Answer::No { why: format!("{name}: {why}") }),
            }
        }
        Ok(Answer::Yes { grounds: yes.join("; ") })
    }

    async fn together(&self, subject: &Subject) -> Result<Answer> {
        // Boxed, so that whoever waits for it can be sent to another thread.
        let mut asked: Vec<BoxFuture<'_, (String, Result<Answer>)>> = Vec::new();
        for check in &self.checks {
            asked.push(async move { (check.describe(), check.check(subject).await) }.boxed());
        }
        let answers: Vec<_> = stream::iter(asked).buffered(self.at_once).collect().await;
        let (mut yes, mut no, mut undecided) = (Vec::new(), Vec::new(), Vec::new());
        for (name, answer) in answers {
            match answer {
                Ok(Answer::Yes { grounds }) => yes.push(format!("{name}: {grounds}")),
                Ok(Answer::No { why }) => no.push(format!("{name}: {why}")),
                Err(error) => undecided.push(error.on(name)),
            }
        }
        if !no.is_empty() {
            no.extend(undecided.iter().map(|error| format!("and not decided: {error}")));
            return Ok(Answer::No { why: no.join("; ") });
        }
        match undecided.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(Answer::Yes { grounds: yes.join("; ") }),
        }
    }
}

#[async_trait]
impl Check for AllOf {
    fn describe(&self) -> String {
        let names: Vec<String> = self.checks.iter().map(|check| check.describe()).collect();
        names.join(if self.at_once == 0 { ", then " } else { " and " })
    }

    async fn check(&self, subject: &Subject) -> Result<Answer> {
        if self.checks.is_empty() {
            return Err(Error::invalid("there is no check among them, so nothing was looked at"));
        }
        if self.at_once == 0 { self.one_by_one(subject).await } else { self.together(subject).await }
    }
}

impl fmt::Debug for AllOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all of {}", self.describe())
    }
}
