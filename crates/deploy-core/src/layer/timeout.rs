//! Not waiting for ever.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};

use super::{Layered, Policy};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};

/// An adapter whose calls end after a time: a read with [`Timeout`](ErrorKind::Timeout), a write with
/// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown), because it may have had its effect. A listing may take that long for each item.
pub type Timeout<T> = Layered<T, Limited>;

impl<T: ?Sized> Timeout<T> {
    /// Waits no longer than `limit`, on `clock`, for any call to `inner`.
    pub fn new(inner: Arc<T>, clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self::with_policy(inner, Limited { limit, clock })
    }
}

/// The policy of [`Timeout`].
#[derive(Clone)]
pub struct Limited {
    limit: Duration,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Limited").field(&self.limit).finish()
    }
}

impl Limited {
    async fn wait<R>(&self, call: impl Future<Output = R> + Send, kind: ErrorKind) -> Result<R> {
        tokio::select! {
            biased;
            answer = call => Ok(answer),
            () = self.clock.sleep(self.limit) => {
                Err(Error::new(kind, format!("no answer within {} s", self.limit.as_secs_f64())))
            }
        }
    }
}

impl Policy for Limited {
    async fn read<'a, R: Send + 'a>(
        &'a self,
        call: impl Fn() -> BoxFuture<'a, Result<R>> + Send + Sync + 'a,
    ) -> Result<R> {
        self.wait(call(), ErrorKind::Timeout).await?
    }

    async fn write<'a>(
        &'a self,
        call: impl Fn() -> BoxFuture<'a, Result<()>> + Send + Sync + 'a,
        _stands: impl Fn() -> BoxFuture<'a, Result<bool>> + Send + Sync + 'a,
    ) -> Result<()> {
        self.wait(call(), ErrorKind::OutcomeUnknown).await?
    }

    fn list<R: Clone + Ord + Send + Sync + 'static>(
        &self,
        open: impl Fn() -> BoxStream<'static, Result<R>> + Send + Sync + 'static,
    ) -> BoxStream<'static, Result<R>> {
        stream::unfold(Some((self.clone(), open())), |listing| async {
            let (policy, mut items) = listing?;
            match policy.wait(items.next(), ErrorKind::Timeout).await {
                Ok(item) => Some((item?, Some((policy, items)))),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}
