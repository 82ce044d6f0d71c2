//! A closure as a gate.

use std::fmt;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::error::Result;
use crate::guard::{Answer, Gate, Subject};

type Ask = dyn Fn(Subject) -> BoxFuture<'static, Result<Answer>> + Send + Sync;

/// A closure as a gate. Made by [`from_fn`].
pub struct FnGate {
    name: String,
    ask: Box<Ask>,
}

/// A gate called `name` that asks `ask`: a chat, a ticket, whatever knows.
///
/// ```
/// use deploy_core::gate::from_fn;
/// use deploy_core::guard::{Answer, Gate, Subject};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let gate = from_fn("approved in the ticket", |subject: Subject| async move {
///     // … look it up …
///     Ok(Answer::Yes { grounds: format!("ann approved {} in SHOP-17", subject.environment) })
/// });
/// assert!(gate.ask(&Subject::new("production")).await?.is_yes());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
pub fn from_fn<F>(name: impl Into<String>, ask: impl Fn(Subject) -> F + Send + Sync + 'static) -> FnGate
where
    F: Future<Output = Result<Answer>> + Send + 'static,
{
    FnGate { name: name.into(), ask: Box::new(move |subject| ask(subject).boxed()) }
}

#[async_trait]
impl Gate for FnGate {
    fn describe(&self) -> String {
        self.name.clone()
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        (self.ask)(subject.clone()).await
    }
}

impl fmt::Debug for FnGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gate {:?}", self.name)
    }
}
