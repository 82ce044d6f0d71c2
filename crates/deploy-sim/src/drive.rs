//! What keeps the controllers, the scheduler and the kubelet at work while the cluster lives.

use std::any::Any;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;

use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::cluster::Shared;
use crate::controllers::settle;

/// Works whenever something changed or is due; ends with the cluster.
pub(crate) async fn drive(cluster: Weak<Shared>, mut changed: Receiver<u64>) {
    loop {
        // Nothing of the cluster is held while waiting: it ends when the last of its users lets it go.
        let Some(alive) = cluster.upgrade() else { return };
        // Who panics leaves the state's lock poisoned: nothing of it is used again.
        let next = match catch_unwind(AssertUnwindSafe(|| work(&alive, &mut changed))) {
            Ok(Ok(next)) => next,
            Ok(Err(why)) => return alive.breaks(why),
            Err(panic) => return alive.breaks(format!("its controllers panicked: {}", words(&*panic))),
        };
        drop(alive);
        let due = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            changed = changed.changed() => if changed.is_err() { return },
            () = due => {}
        }
    }
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nobody knows why")
}

/// Does all that is due, and says when the next thing is.
fn work(cluster: &Shared, changed: &mut Receiver<u64>) -> Result<Option<Instant>, String> {
    let mut state = cluster.state();
    let before = state.store.revision();
    let next = settle(&mut state)?;
    if state.store.revision() != before {
        cluster.tell(&state);
    }
    // Before anybody else can write: what they write is told after this.
    changed.mark_unchanged();
    Ok(next.map(|next| cluster.instant(next)))
}
