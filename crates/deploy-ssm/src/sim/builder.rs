//! How an emulator is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::{Clock, SystemClock, Timestamp};
use deploy_core::error::{Error, ErrorKind, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Simulator;
use super::account::{Account, Managed, Options, Restart, State};
use super::node::Node;
use super::serve;

/// Sets up a [`Simulator`].
///
/// ```
/// use deploy_ssm::sim::{Fault, Node, Simulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> deploy_core::error::Result<()> {
/// let ssm = Simulator::builder()
///     .node(Node::new("i-0123456789abcdef0").tag("Name", "shop-k3s-master"))
///     .invisible_calls(2)
///     .start()
///     .await?;
/// ssm.fail_every(5, Fault::Throttled);
/// # Ok(())
/// # }
/// ```
pub struct SimulatorBuilder {
    nodes: Vec<Node>,
    folder: Option<PathBuf>,
    region: String,
    seed: u64,
    clock: Option<Arc<dyn Clock>>,
    latency: Duration,
    invisible_calls: u32,
    invisible_for: Duration,
    unlisted_calls: u32,
    spaced_details: bool,
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            folder: None,
            region: "us-east-1".into(),
            seed: 0,
            clock: None,
            latency: Duration::ZERO,
            invisible_calls: 0,
            invisible_for: Duration::ZERO,
            unlisted_calls: 0,
            spaced_details: false,
        }
    }
}

impl SimulatorBuilder {
    /// Adds a node.
    #[must_use]
    pub fn node(mut self, node: Node) -> Self {
        self.nodes.push(node);
        self
    }

    /// Where the folders of the nodes are made; it stays. By default a temporary one, which goes with the simulator.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The region that the nodes are in; default `us-east-1`. A call that is signed for another finds none.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// What the commands' ids are made of; default 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What tells the times that are answered; by default the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// What every call takes; default zero. tokio's time.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// For so many looks after it was sent, a command's invocations are not seen: `InvocationDoesNotExist`, and an
    /// empty list. Default 0.
    #[must_use]
    pub fn invisible_calls(mut self, calls: u32) -> Self {
        self.invisible_calls = calls;
        self
    }

    /// The same for a time, by the [clock](Self::clock). Default zero.
    #[must_use]
    pub fn invisible_for(mut self, time: Duration) -> Self {
        self.invisible_for = time;
        self
    }

    /// For so many `ListCommands` after it was sent, a command is not listed. Default 0.
    #[must_use]
    pub fn unlisted_calls(mut self, calls: u32) -> Self {
        self.unlisted_calls = calls;
        self
    }

    /// `StatusDetails` are written with spaces, as AWS's documents have them: `Delivery Timed Out`.
    #[must_use]
    pub fn spaced_details(mut self) -> Self {
        self.spaced_details = true;
        self
    }

    /// Opens a port of loopback.
    ///
    /// # Errors
    ///
    /// `Unavailable` if there is no port, or no folder can be made.
    pub async fn start(self) -> Result<Simulator> {
        let failed = |what: &str, source: std::io::Error| {
            Error::new(ErrorKind::Unavailable, format!("{what}: {source}"))
                .during("start the emulator of SSM")
                .source(source)
        };
        let mark = format!("{:032x}", fastrand::u128(..));
        let owns_folder = self.folder.is_none();
        let folder =
            self.folder.unwrap_or_else(|| std::env::temp_dir().join(format!("deploy-ssm-sim-{mark}")));
        std::fs::create_dir_all(&folder).map_err(|source| failed("no folder could be made", source))?;
        let folder = folder.canonicalize().map_err(|source| failed("the folder is not there", source))?;
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.map_err(|source| failed("no port of loopback is free", source))?;
        let address = listener.local_addr().map_err(|source| failed("the port has no address", source))?;

        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let mut state = State { random: fastrand::Rng::with_seed(self.seed), ..State::default() };
        state.faults.latency = self.latency;
        for node in self.nodes {
            add(&mut state, node, clock.now());
        }
        let options = Options {
            region: self.region,
            folder,
            mark,
            spaced_details: self.spaced_details,
            invisible_calls: self.invisible_calls,
            invisible_for: self.invisible_for,
            unlisted_calls: self.unlisted_calls,
        };
        let account = Arc::new(Account::new(options, clock, state));
        let serving = tokio::spawn(serve::accept(listener, Arc::clone(&account)));
        Ok(Simulator { account, address, serving, owns_folder })
    }
}

/// Adds a node; commands that were on their way to one of its id go to it.
pub(super) fn add(state: &mut State, node: Node, now: Timestamp) {
    match state.nodes.get(&node.id) {
        Some(managed) => {
            managed.node.send_replace(node);
        }
        None => {
            let restarts = watch::Sender::new((0, Restart::KillsScripts));
            let id = node.id.clone();
            state.nodes.insert(id, Managed { node: watch::Sender::new(node), restarts, last_ping: now });
        }
    }
}
