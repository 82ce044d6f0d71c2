//! The way of a command to its nodes, and what their agents do with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use super::account::{Account, Restart, Script};
use super::command::Status;
use super::node::{Lost, Node, Ping, Twice};
use super::process::{Job, Output, Run, Tap};

/// How often a running script's output is looked at where it is told while it runs.
const LOOK: Duration = Duration::from_millis(50);

/// A command on its way.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) command: String,
    pub(super) nodes: Vec<String>,
    pub(super) lines: String,
    pub(super) working_directory: Option<PathBuf>,
    /// `TimeoutSeconds`: bounds the start.
    pub(super) timeout: Duration,
    /// `executionTimeout`: bounds the run.
    pub(super) execution_timeout: Duration,
    pub(super) at_once: usize,
    /// `MaxErrors`: with more than these nobody else gets it.
    pub(super) errors: usize,
}

/// Brings the command to its nodes, so many at a time, until it failed on too many.
pub(super) async fn dispatch(account: Arc<Account>, order: Order) {
    let deadline = tokio::time::Instant::now() + order.timeout;
    let free = Arc::new(Semaphore::new(order.at_once.max(1)));
    let mut under_way = JoinSet::new();
    let order = Arc::new(order);
    for id in &order.nodes {
        // It is never closed.
        let Ok(place) = Arc::clone(&free).acquire_owned().await else { return };
        let now = account.clock.now();
        {
            let mut state = account.state();
            let Some(sent) = state.command(&order.command) else { return };
            let errors = sent.invocations.values().filter(|one| one.status.is_error()).count();
            let Some(one) = sent.invocations.get_mut(id) else { continue };
            if errors > order.errors && one.status == Status::Pending {
                one.end(Status::Terminated, -1, now);
            }
            if one.status != Status::Pending {
                continue;
            }
        }
        let (account, order, id) = (Arc::clone(&account), Arc::clone(&order), id.clone());
        under_way.spawn(async move {
            Delivery { account, order, id }.follow(deadline).await;
            drop(place);
        });
    }
    while under_way.join_next().await.is_some() {}
}

/// A command and one of its nodes.
#[derive(Clone)]
struct Delivery {
    account: Arc<Account>,
    order: Arc<Order>,
    id: String,
}

/// How a script ended.
type End = (Status, i32, Output);

impl Delivery {
    async fn follow(self, deadline: tokio::time::Instant) {
        let Some((mut node, restarts, mut cancel)) = self.channels() else { return };
        let picked_up = async {
            online(&mut node).await;
            let delay = node.borrow().picks_up_after;
            sleep(delay).await;
        };
        tokio::select! {
            () = picked_up => {}
            () = set(&mut cancel) => return,
            () = sleep_until(deadline) => return self.end(Status::DeliveryTimedOut, -1, &Output::default()),
        }
        if let Some(status) = not_run(&node.borrow()) {
            return self.end(status, -1, &Output::default());
        }
        if !self.begin() {
            return;
        }
        let twice = node.borrow().twice;
        let mut again = JoinSet::new();
        if twice == Some(Twice::Together) {
            again.spawn(self.clone().run_unreported(restarts.clone(), cancel.clone()));
        }
        let (status, code, output) = self.run(&mut node, restarts.clone(), cancel.clone()).await;
        self.report(&node, restarts.clone()).await;
        self.end(status, code, &output);
        if twice == Some(Twice::Afterwards) {
            again.spawn(self.clone().run_unreported(restarts, cancel));
        }
        while again.join_next().await.is_some() {}
    }

    #[expect(clippy::type_complexity, reason = "three receivers, taken apart at once")]
    fn channels(
        &self,
    ) -> Option<(watch::Receiver<Node>, watch::Receiver<(u64, Restart)>, watch::Receiver<bool>)> {
        let mut state = self.account.state();
        let cancel = state.invocation(&self.order.command, &self.id)?.cancel.subscribe();
        let managed = state.nodes.get(&self.id)?;
        Some((managed.node.subscribe(), managed.restarts.subscribe(), cancel))
    }

    /// Whether it was still wanted.
    fn begin(&self) -> bool {
        let now = self.account.clock.now();
        let mut state = self.account.state();
        let Some(one) = state.invocation(&self.order.command, &self.id) else { return false };
        if one.status != Status::Pending {
            return false;
        }
        one.status = Status::InProgress;
        one.started = Some(now);
        true
    }

    fn end(&self, status: Status, code: i32, output: &Output) {
        let now = self.account.clock.now();
        let mut state = self.account.state();
        if let Some(one) = state.invocation(&self.order.command, &self.id) {
            one.tell(output);
            one.end(status, code, now);
        }
    }

    /// Returns when SSM hears of the end: at once, but for an agent that loses it.
    async fn report(&self, node: &watch::Receiver<Node>, mut restarts: watch::Receiver<(u64, Restart)>) {
        let lost = node.borrow().lost;
        match lost {
            None => {}
            Some(Lost::UntilRestart) => {
                restarts.mark_unchanged();
                let _ = restarts.changed().await;
            }
            Some(Lost::Forever) => std::future::pending().await,
        }
    }

    /// The script to its end; an agent that starts anew runs it again.
    async fn run(
        &self,
        node: &mut watch::Receiver<Node>,
        mut restarts: watch::Receiver<(u64, Restart)>,
        mut cancel: watch::Receiver<bool>,
    ) -> End {
        let deadline = tokio::time::Instant::now() + self.order.execution_timeout;
        loop {
            restarts.mark_unchanged();
            let started = self.start(&node.borrow());
            let (number, mut run) = match started {
                Ok(run) => run,
                Err(error) => {
                    let stderr = format!("failed to start the script: {error}").into_bytes();
                    return (Status::Failed, 1, Output { stderr, ..Output::default() });
                }
            };
            let told = node.borrow().tells_while_running.then(|| run.tap());
            tokio::select! {
                code = run.ended() => {
                    self.note_end(number, code);
                    return (Status::of(code), code, run.output());
                }
                () = set(&mut cancel) => {
                    run.kill().await;
                    return (Status::Cancelled, 137, run.output());
                }
                () = sleep_until(deadline) => {
                    run.kill().await;
                    return (Status::ExecutionTimedOut, 137, run.output());
                }
                Ok(()) = restarts.changed() => {}
                () = self.tell(told) => {}
            }
            let how = restarts.borrow().1;
            match how {
                Restart::KillsScripts => run.kill().await,
                Restart::LeavesScripts => self.account.state().left.push(run),
            }
            online(node).await;
        }
    }

    /// Tells the output while it runs, where the agent does; never returns.
    async fn tell(&self, told: Option<Tap>) {
        let Some(tap) = told else { return std::future::pending().await };
        loop {
            sleep(LOOK).await;
            let output = tap.output();
            if let Some(one) = self.account.state().invocation(&self.order.command, &self.id) {
                one.tell(&output);
            }
        }
    }

    /// The second of two deliveries: nobody is told its end.
    async fn run_unreported(self, restarts: watch::Receiver<(u64, Restart)>, cancel: watch::Receiver<bool>) {
        let Some((mut node, ..)) = self.channels() else { return };
        self.run(&mut node, restarts, cancel).await;
    }

    fn note_end(&self, number: usize, code: i32) {
        let now = self.account.clock.now();
        let script = &mut self.account.state().scripts[number];
        (script.ended, script.code) = (Some(now), Some(code));
    }

    /// The script's number, and how it runs.
    fn start(&self, node: &Node) -> std::io::Result<(usize, Run)> {
        let options = &self.account.options;
        let folder = node.folder.clone().unwrap_or_else(|| options.folder.join(&self.id));
        let (command, started) = (self.order.command.clone(), self.account.clock.now());
        let number = {
            let scripts = &mut self.account.state().scripts;
            scripts.push(Script { node: self.id.clone(), command, started, ended: None, code: None });
            scripts.len() - 1
        };
        let place = folder.join("orchestration").join(&self.order.command).join(number.to_string());
        let job = Job {
            place,
            folder,
            lines: self.order.lines.clone(),
            working_directory: self.order.working_directory.clone(),
            region: options.region.clone(),
            mark: options.mark.clone(),
        };
        Ok((number, Run::start(&job, node)?))
    }
}

/// Why it is not run at all.
fn not_run(node: &Node) -> Option<Status> {
    match node {
        _ if node.undeliverable => Some(Status::Undeliverable),
        _ if node.platform != "Linux" => Some(Status::InvalidPlatform),
        _ => None,
    }
}

async fn online(node: &mut watch::Receiver<Node>) {
    if node.wait_for(|node| node.ping == Ping::Online).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn set(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|set| *set).await.is_err() {
        std::future::pending::<()>().await;
    }
}
