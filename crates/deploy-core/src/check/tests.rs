use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::guard::{Answer, Check, Subject};

/// Answers by a script, a character a try, the last one for ever: `y`, `n`, `e` (an error), `i` (of the input), `h` (hangs), `s` (takes 5 s).
struct Scripted {
    name: &'static str,
    script: &'static str,
    tries: AtomicUsize,
}

fn scripted(name: &'static str, script: &'static str) -> Arc<Scripted> {
    Arc::new(Scripted { name, script, tries: AtomicUsize::new(0) })
}

#[async_trait]
impl Check for Scripted {
    fn describe(&self) -> String {
        self.name.into()
    }

    async fn check(&self, _subject: &Subject) -> Result<Answer> {
        let number = self.tries.fetch_add(1, Ordering::SeqCst);
        match self.script.chars().nth(number).or(self.script.chars().last()) {
            Some('n') => Ok(Answer::No { why: format!("no {number}") }),
            Some('e') => Err(Error::new(ErrorKind::Unavailable, format!("gone {number}"))),
            Some('i') => Err(Error::invalid("no URL")),
            Some('h') => std::future::pending().await,
            Some('s') => {
                tokio::time::sleep(Duration::from_secs(5)).await;
                Ok(Answer::Yes { grounds: format!("slow {number}") })
            }
            _ => Ok(Answer::Yes { grounds: format!("fine {number}") }),
        }
    }
}

async fn told(check: &dyn Check) -> String {
    match check.check(&Subject::new("production")).await {
        Ok(Answer::Yes { grounds }) => format!("yes: {grounds}"),
        Ok(Answer::No { why }) => format!("no: {why}"),
        Err(error) => format!("error: {error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn is_repeated_within_its_time() {
    let check = async |script: &'static str, successes: u32, expect: &str, seconds: u64| {
        let clock = Arc::new(SystemClock::new());
        let start = clock.now();
        let within = Within::new(scripted("home", script), Duration::from_secs(10), clock.clone());
        assert_eq!(told(&within.successes(successes)).await, expect, "{script}");
        assert_eq!(clock.now().since(start).as_secs(), seconds, "{script}");
    };
    check("y", 1, "yes: fine 0", 0).await;
    check("nney", 1, "yes: fine 3 (at try 4, after 6 s)", 6).await;
    check("n", 1, "no: after 6 tries in 10 s: no 5", 10).await;
    check("e", 1, "error: after 6 tries in 10 s: gone 5", 10).await;
    check("ni", 1, "error: no URL", 2).await;
    check("yynyyy", 3, "yes: fine 5 (3 times in a row, after 10 s)", 10).await;
    check("yynyyn", 3, "no: after 6 tries in 10 s: no 5", 10).await;
    check("nnnnny", 2, "no: after 6 tries in 10 s: passed 1 times in a row, not 2: fine 5", 10).await;
    check("h", 1, "error: it did not answer within 10 s", 10).await;
    check("nh", 1, "no: after 1 try in 10 s: no 0", 10).await;
    // An answer at the deadline counts; one after it does not.
    check("ns", 1, "yes: slow 1 (at try 2, after 7 s)", 7).await;
    check("nnns", 1, "no: after 3 tries in 10 s: no 2", 10).await;
}

#[tokio::test(start_paused = true)]
async fn is_tried_once_without_any_time() {
    let clock = Arc::new(SystemClock::new());
    let check = scripted("home", "n");
    let within = Within::new(check.clone(), Duration::ZERO, clock);
    assert_eq!(told(&within).await, "no: after 1 try in 0 s: no 0");
    assert_eq!(check.tries.load(Ordering::SeqCst), 1);
}

fn all(scripts: &[(&'static str, &'static str)]) -> (Vec<Arc<Scripted>>, Vec<Arc<dyn Check>>) {
    let checks: Vec<_> = scripts.iter().map(|(name, script)| scripted(name, script)).collect();
    let shared = checks.iter().map(|check| Arc::clone(check) as Arc<dyn Check>).collect();
    (checks, shared)
}

#[tokio::test(start_paused = true)]
async fn in_order_it_stops_at_the_first_that_fails() {
    let check = async |scripts: &[(&'static str, &'static str)], expect: &str, asked: usize| {
        let (checks, shared) = all(scripts);
        assert_eq!(told(&AllOf::in_order(shared)).await, expect);
        let tries: usize = checks.iter().map(|check| check.tries.load(Ordering::SeqCst)).sum();
        assert_eq!(tries, asked);
    };
    check(&[("a", "y"), ("b", "y")], "yes: a: fine 0; b: fine 0", 2).await;
    check(&[("a", "n"), ("b", "y")], "no: a: no 0", 1).await;
    check(&[("a", "y"), ("b", "e"), ("c", "n")], "error: b: gone 0", 2).await;
    check(&[], "error: there is no check among them, so nothing was looked at", 0).await;
}

#[tokio::test(start_paused = true)]
async fn at_once_all_are_told() {
    let check =
        async |scripts: &[(&'static str, &'static str)], at_once: usize, expect: &str, seconds: u64| {
            let clock = SystemClock::new();
            let start = clock.now();
            let (_, shared) = all(scripts);
            assert_eq!(told(&AllOf::at_once(shared).at_most(at_once)).await, expect);
            assert_eq!(clock.now().since(start).as_secs(), seconds);
        };
    let slow = [("a", "s"), ("b", "s"), ("c", "s")];
    check(&slow, 3, "yes: a: slow 0; b: slow 0; c: slow 0", 5).await;
    check(&slow, 2, "yes: a: slow 0; b: slow 0; c: slow 0", 10).await;
    check(&slow, 0, "yes: a: slow 0; b: slow 0; c: slow 0", 15).await;
    check(&[("a", "n"), ("b", "e"), ("c", "n")], 8, "no: a: no 0; c: no 0; and not decided: b: gone 0", 0)
        .await;
    check(&[("a", "y"), ("b", "e")], 8, "error: b: gone 0", 0).await;
    check(&[], 8, "error: there is no check among them, so nothing was looked at", 0).await;
}

#[tokio::test]
async fn says_what_it_is() {
    let (_, shared) = all(&[("a", "y"), ("b", "y")]);
    assert_eq!(AllOf::in_order(shared.clone()).describe(), "a, then b");
    let both = Arc::new(AllOf::at_once(shared));
    let within = Within::new(both, Duration::from_secs(30), Arc::new(SystemClock::new()));
    assert_eq!(within.describe(), "a and b within 30 s");
    let closure = from_fn("orders", |_: Subject| async { Ok(Answer::Yes { grounds: "17".into() }) });
    assert_eq!((closure.describe(), told(&closure).await), ("orders".into(), "yes: 17".into()));
}
