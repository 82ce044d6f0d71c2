//! A clock that lets time pass at once.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::clock::{Clock, Timestamp};

/// Waits take no time, and are counted.
pub struct Hasty(Mutex<(Timestamp, Duration)>);

impl Default for Hasty {
    fn default() -> Self {
        Self(Mutex::new(("2026-11-22T12:00:00Z".parse().unwrap(), Duration::ZERO)))
    }
}

impl Hasty {
    /// How long was waited in all.
    pub fn waited(&self) -> Duration {
        self.0.lock().unwrap().1
    }

    /// Lets time pass without anybody waiting.
    pub fn advance(&self, duration: Duration) {
        let mut kept = self.0.lock().unwrap();
        kept.0 = kept.0 + duration;
    }
}

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    async fn sleep(&self, duration: Duration) {
        let mut kept = self.0.lock().unwrap();
        kept.0 = kept.0 + duration;
        kept.1 += duration;
    }
}
