//! A gate and a check with a fixed answer.

use async_trait::async_trait;

use crate::error::Result;
use crate::guard::{Answer, Check, Gate, Subject};

/// A gate that always gives the same answer.
#[derive(Clone, Debug)]
pub struct FixedGate {
    name: String,
    answer: Answer,
}

impl FixedGate {
    /// A gate called `name` that answers `answer`.
    pub fn new(name: impl Into<String>, answer: Answer) -> Self {
        Self { name: name.into(), answer }
    }
}

#[async_trait]
impl Gate for FixedGate {
    fn describe(&self) -> String {
        self.name.clone()
    }

    async fn ask(&self, _subject: &Subject) -> Result<Answer> {
        Ok(self.answer.clone())
    }
}

/// A check that always gives the same answer.
#[derive(Clone, Debug)]
pub struct FixedCheck {
    name: String,
    answer: Answer,
}

impl FixedCheck {
    /// A check called `name` that answers `answer`.
    pub fn new(name: impl Into<String>, answer: Answer) -> Self {
        Self { name: name.into(), answer }
    }
}

#[async_trait]
impl Check for FixedCheck {
    fn describe(&self) -> String {
        self.name.clone()
    }

    async fn check(&self, _subject: &Subject) -> Result<Answer> {
        Ok(self.answer.clone())
    }
}
