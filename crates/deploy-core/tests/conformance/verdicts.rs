//! The gates and checks that decide by data, bare and behind every layer.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::check::{self, AllOf, Within};
use deploy_core::clock::{SystemClock, Timestamp};
use deploy_core::conformance;
use deploy_core::error::{Error, ErrorKind};
use deploy_core::gate::approval::{Approval, Approvals, Approved, Approvers, GivenApprovals};
use deploy_core::gate::window::{Calendar, TimeWindow, Zone};
use deploy_core::gate::{self, AncestorOf, NeverDowngrade, NotHeld};
use deploy_core::guard::{Answer, Check, Gate, Subject};
use deploy_core::layer::{Backoff, RateLimit, Retry, Timeout};
use deploy_core::memory::{FixedCheck, MemoryAncestry, MemoryConfigStore};
use deploy_core::tag::{Hold, Holds};

fn clock() -> Arc<SystemClock> {
    Arc::new(SystemClock::starting_at(now()))
}

/// A Saturday.
fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

fn subject() -> Subject {
    let mut subject = Subject::new("production");
    subject.images = vec!["shop/api:sha-bbbbbbb".into()];
    subject.before = vec![Some("shop/api:sha-aaaaaaa".into())];
    subject.git_revision = Some("bbbbbbb".into());
    subject
}

fn other() -> Subject {
    let mut other = subject();
    other.git_revision = None;
    other
}

fn git() -> Arc<MemoryAncestry> {
    Arc::new(MemoryAncestry::line(["aaaaaaa", "bbbbbbb", "ccccccc"]))
}

/// A holder of broken records.
async fn broken() -> Arc<MemoryConfigStore> {
    let store = MemoryConfigStore::new();
    let edit = deploy_core::config::Edit::put("key", "{");
    deploy_core::config::ConfigStore::set(&store, &[edit], &deploy_core::config::Note::default())
        .await
        .unwrap();
    Arc::new(store)
}

async fn held(tag: &str) -> Holds {
    let holds = Holds::new(Arc::new(MemoryConfigStore::new()), "key");
    let hold = Hold::not_this("shop/api".parse().unwrap(), "production", tag.parse().unwrap());
    holds.place(hold).await.unwrap();
    holds
}

fn window(hours: &str) -> Box<dyn Gate> {
    let calendar = Calendar::new(Zone::utc()).open(hours.parse().unwrap());
    Box::new(TimeWindow::new(calendar, clock()))
}

fn approved(approvals: Vec<Approval>) -> Box<dyn Gate> {
    Box::new(Approved::new(Approvers::anyone(), Arc::new(GivenApprovals::new(approvals)), clock()))
}

fn downgrade(history: &[&str]) -> Box<dyn Gate> {
    let gate = NeverDowngrade::new("scheme=sha-short order=ancestry".parse().unwrap());
    let head = history.last().copied().unwrap_or("none");
    Box::new(gate.ancestry(Arc::new(MemoryAncestry::line(history.iter().copied())), head))
}

fn closure(answer: Option<Answer>) -> Box<dyn Gate> {
    Box::new(gate::from_fn("closure", move |_: Subject| {
        let answer = answer.clone();
        async move { answer.ok_or_else(|| Error::new(ErrorKind::Internal, "nobody knows")) }
    }))
}

/// Willing, unwilling, undecided.
type Three<T> = (Box<T>, Box<T>, Option<Box<T>>);

fn yes() -> Answer {
    Answer::Yes { grounds: "fine".into() }
}

fn no() -> Answer {
    Answer::No { why: "bad".into() }
}

async fn gate(name: &str) -> Three<dyn Gate> {
    let policy = || "scheme=sha-short order=ancestry".parse().unwrap();
    match name {
        "approved" => {
            let undecided =
                Approved::new(Approvers::anyone(), Arc::new(Approvals::new(broken().await, "key")), clock());
            let (willing, unwilling) =
                (Approval::new("ann", &subject(), now()), Approval::new("ann", &other(), now()));
            (approved(vec![willing]), approved(vec![unwilling]), Some(Box::new(undecided)))
        }
        "window" => (window("sat 06:00-10:00"), window("mon-fri 06:00-10:00"), None),
        "downgrade" => (
            downgrade(&["aaaaaaa", "bbbbbbb"]),
            downgrade(&["bbbbbbb", "aaaaaaa"]),
            Some(downgrade(&["bbbbbbb"])),
        ),
        "ancestor" => (
            Box::new(AncestorOf::new(git(), "ccccccc")),
            Box::new(AncestorOf::new(git(), "aaaaaaa")),
            Some(Box::new(AncestorOf::new(git(), "0000000"))),
        ),
        "held" => (
            Box::new(NotHeld::new(held("sha-ccccccc").await, policy())),
            Box::new(NotHeld::new(held("sha-bbbbbbb").await, policy())),
            Some(Box::new(NotHeld::new(Holds::new(broken().await, "key"), policy()))),
        ),
        _ => (closure(Some(yes())), closure(Some(no())), Some(closure(None))),
    }
}

fn fixed(answer: Answer) -> Arc<dyn Check> {
    Arc::new(FixedCheck::new("fixed", answer))
}

fn failing() -> Arc<dyn Check> {
    Arc::new(check::from_fn("failing", |_: Subject| async {
        Err(Error::new(ErrorKind::Unavailable, "gone"))
    }))
}

fn checks(name: &str) -> Three<dyn Check> {
    let within = |check| Box::new(Within::new(check, Duration::from_secs(5), clock()));
    match name {
        "in order" => (
            Box::new(AllOf::in_order([fixed(yes()), fixed(yes())])),
            Box::new(AllOf::in_order([fixed(yes()), fixed(no())])),
            Some(Box::new(AllOf::in_order([fixed(yes()), failing()]))),
        ),
        "at once" => (
            Box::new(AllOf::at_once([fixed(yes()), fixed(yes())])),
            Box::new(AllOf::at_once([failing(), fixed(no())])),
            Some(Box::new(AllOf::at_once([failing(), fixed(yes())]))),
        ),
        _ => (within(fixed(yes())), within(fixed(no())), Some(within(failing()))),
    }
}

#[derive(Clone, Copy, Debug)]
enum Layer {
    Bare,
    Retry,
    Timeout,
    RateLimit,
}

const LAYERS: [Layer; 4] = [Layer::Bare, Layer::Retry, Layer::Timeout, Layer::RateLimit];

/// What is behind a layer, as the same trait object.
macro_rules! wrapped {
    ($kind:ty, $layer:expr, $inner:expr) => {
        match $layer {
            Layer::Bare => $inner,
            Layer::Retry => Box::new(Retry::new(Arc::<$kind>::from($inner), clock(), Backoff::default())),
            Layer::Timeout => {
                Box::new(Timeout::new(Arc::<$kind>::from($inner), clock(), Duration::from_secs(60)))
            }
            Layer::RateLimit => {
                Box::new(RateLimit::new(Arc::<$kind>::from($inner), clock(), 3, Duration::from_millis(10)))
            }
        }
    };
}

/// Each is made anew for each clause, which asks for one of the three.
struct Made<T: ?Sized>(std::sync::Mutex<Option<Three<T>>>, Layer);

impl<T: ?Sized> Made<T> {
    fn new(three: Three<T>, layer: Layer) -> Self {
        Self(std::sync::Mutex::new(Some(three)), layer)
    }

    fn take(&self) -> Three<T> {
        self.0.lock().unwrap().take().unwrap()
    }
}

impl conformance::gate::Fixture for Made<dyn Gate> {
    fn subject(&self) -> Subject {
        subject()
    }

    fn willing(&self) -> Box<dyn Gate> {
        wrapped!(dyn Gate, self.1, self.take().0)
    }

    fn unwilling(&self) -> Box<dyn Gate> {
        wrapped!(dyn Gate, self.1, self.take().1)
    }

    fn undecided(&self) -> Option<Box<dyn Gate>> {
        self.take().2.map(|undecided| wrapped!(dyn Gate, self.1, undecided))
    }
}

impl conformance::check::Fixture for Made<dyn Check> {
    fn willing(&self) -> Box<dyn Check> {
        wrapped!(dyn Check, self.1, self.take().0)
    }

    fn unwilling(&self) -> Box<dyn Check> {
        wrapped!(dyn Check, self.1, self.take().1)
    }

    fn undecided(&self) -> Option<Box<dyn Check>> {
        self.take().2.map(|undecided| wrapped!(dyn Check, self.1, undecided))
    }
}

#[tokio::test(start_paused = true)]
async fn gates_that_decide_by_data() {
    for name in ["approved", "window", "downgrade", "ancestor", "held", "closure"] {
        for layer in LAYERS {
            conformance::gate::run(|| async { Made::new(gate(name).await, layer) }).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn checks_that_are_put_together() {
    for name in ["in order", "at once", "within"] {
        for layer in LAYERS {
            conformance::check::run(|| async { Made::new(checks(name), layer) }).await;
        }
    }
}
