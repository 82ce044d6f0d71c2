//! The emulated account: its nodes, commands and parameters, and what was asked of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deploy_core::clock::{Clock, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::command::{Invocation, Sent};
use super::fault::Faults;
use super::node::Node;
use super::parameters::Parameters;
use super::process::Run;

/// One call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// `SendCommand`.
    pub operation: String,
    /// The type of the error it was answered with; `dropped` where the connection broke.
    pub refused: Option<String>,
}

/// A script that was started on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Script {
    /// The node's id.
    pub node: String,
    /// The command's id.
    pub command: String,
    /// When it was started, by the simulator's clock.
    pub started: Timestamp,
    /// When it ended by itself, whether or not SSM was told.
    pub ended: Option<Timestamp>,
    /// What it ended with; −1 for a signal.
    pub code: Option<i32>,
}

/// What happens to the scripts that run when an agent starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// They end with it.
    KillsScripts,
    /// They go on; what they end with is told to nobody.
    LeavesScripts,
}

/// A node, and who wants to know of its changes.
#[derive(Debug)]
pub(super) struct Managed {
    pub(super) node: watch::Sender<Node>,
    /// How often its agent started anew, and what that did the last time.
    pub(super) restarts: watch::Sender<(u64, Restart)>,
    pub(super) last_ping: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) nodes: BTreeMap<String, Managed>,
    pub(super) commands: Vec<Sent>,
    pub(super) parameters: Parameters,
    pub(super) faults: Faults,
    pub(super) calls: Vec<Call>,
    pub(super) scripts: Vec<Script>,
    /// Scripts that an agent's restart left running.
    pub(super) left: Vec<Run>,
    pub(super) random: fastrand::Rng,
}

impl State {
    pub(super) fn command(&mut self, id: &str) -> Option<&mut Sent> {
        self.commands.iter_mut().find(|sent| sent.id == id)
    }

    pub(super) fn invocation(&mut self, id: &str, node: &str) -> Option<&mut Invocation> {
        self.command(id)?.invocations.get_mut(node)
    }

    pub(super) fn node(&self, id: &str) -> Option<Node> {
        self.nodes.get(id).map(|managed| managed.node.borrow().clone())
    }

    /// An id in the form of a UUID.
    pub(super) fn new_id(&mut self) -> String {
        let (high, low) = (self.random.u64(..), self.random.u64(..));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }
}

#[derive(Debug)]
pub(super) struct Options {
    pub(super) region: String,
    /// Where the nodes' folders are.
    pub(super) folder: PathBuf,
    /// What the processes of this simulator carry.
    pub(super) mark: String,
    pub(super) spaced_details: bool,
    pub(super) invisible_calls: u32,
    pub(super) invisible_for: Duration,
    pub(super) unlisted_calls: u32,
}

pub(super) struct Account {
    state: Mutex<State>,
    tasks: Mutex<JoinSet<()>>,
    pub(super) options: Options,
    pub(super) clock: Arc<dyn Clock>,
}

impl Account {
    pub(super) fn new(options: Options, clock: Arc<dyn Clock>, state: State) -> Self {
        Self { state: Mutex::new(state), tasks: Mutex::default(), options, clock }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs until the simulator is dropped.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    pub(super) fn stop(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        drop(tasks);
        let left = std::mem::take(&mut self.state().left);
        drop(left);
    }
}
