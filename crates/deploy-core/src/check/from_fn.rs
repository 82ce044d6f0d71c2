//! A closure as a check.

use std::fmt;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::error::Result;
use crate::guard::{Answer, Check, Subject};

type Ask = dyn Fn(Subject) -> BoxFuture<'static, Result<Answer>> + Send + Sync;

/// A closure as a check. Made by [`from_fn`].
pub struct FnCheck {
    name: String,
    ask: Box<Ask>,
}

/// A check called `name` that asks `ask`. It gets the subject: what is looked at can depend on the images.
///
/// ```
/// use deploy_core::check::from_fn;
/// use deploy_core::guard::{Answer, Check, Subject};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let check = from_fn("orders come in", |_: Subject| async move {
///     let orders = 17; // … count them …
///     Ok(Answer::Yes { grounds: format!("{orders} orders in a minute") })
/// });
/// assert!(check.check(&Subject::new("production")).await?.is_yes());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
pub fn from_fn<F>(name: impl Into<String>, ask: impl Fn(Subject) -> F + Send + Sync + 'static) -> FnCheck
where
    F: Future<Output = Result<Answer>> + Send + 'static,
{
    FnCheck { name: name.into(), ask: Box::new(move |subject| ask(subject).boxed()) }
}

#[async_trait]
impl Check for FnCheck {
    fn describe(&self) -> String {
        self.name.clone()
    }

    async fn check(&self, subject: &Subject) -> Result<Answer> {
        (self.ask)(subject.clone()).await
    }
}

impl fmt::Debug for FnCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "check {:?}", self.name)
    }
}
