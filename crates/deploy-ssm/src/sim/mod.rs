//! An emulator of SSM on a port of loopback, for tests: it speaks AWS's JSON protocol, and what is sent to a node is
//! really run there, with `sh` in a folder of the node's own.
//!
//! | operations | |
//! | --- | --- |
//! | Run Command | `SendCommand` (`AWS-RunShellScript`), `GetCommandInvocation`, `ListCommands`, `ListCommandInvocations`, `CancelCommand` |
//! | inventory | `DescribeInstanceInformation` |
//! | Parameter Store | put, get, list by path, history, delete |
//!
//! | what happens | by |
//! | --- | --- |
//! | exit codes are read, output is cut at 24,000 and 8,000 characters and empty until the end, `executionTimeout` and a cancel kill the process group | always, as the agent does |
//! | a child that holds the output holds the command | always, but for [`Node::ends_with_the_script`] |
//! | a node is offline, and comes back | [`Node::ping`], [`Simulator::change`] |
//! | a command is delivered twice | [`Node::delivers_twice`] |
//! | the end of a script is not told | [`Node::loses_the_end`] |
//! | an agent starts anew and runs what was in progress again | [`Simulator::restart_agent`] |
//! | the node loses its power | [`Simulator::crash`] |
//! | a command is not seen at first | [`SimulatorBuilder::invisible_calls`], [`SimulatorBuilder::unlisted_calls`] |
//! | throttling, no permission, expired credentials, lost answers, in any call | [`Simulator::fail_call`] and its like, with a [`Fault`] |
//! | a caller dies at a call of its | [`Simulator::killed_at`], [`Simulator::hold_call`] |
//! | all this for S3's calls, too | [`Simulator::in_front_of`] |
//! | programs are missing or others | [`Node::path`], [`Node::path_in_front`] |
//!
//! Nothing in it is random but what a seed says, and it waits in tokio's time; but scripts take the machine's, so a
//! test that pauses tokio's time while one runs sees its time-outs come at once. Not emulated: the exit codes by
//! which a script steers the agent (168, 169, 194), output to S3, documents but `AWS-RunShellScript`, signatures
//! (only that there is one, and its region).
//!
//! ```
//! use deploy_ssm::sim::{Node, Simulator};
//! # use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ssm = Simulator::builder().node(Node::new("i-0123456789abcdef0")).start().await?;
//!
//! let config = aws_sdk_ssm::Config::builder()
//!     .endpoint_url(ssm.url())
//!     .region(Region::new("us-east-1"))
//!     .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
//!     .behavior_version(BehaviorVersion::latest())
//!     # .http_client(aws_smithy_http_client::Builder::new().build_http())
//!     .build();
//! let client = aws_sdk_ssm::Client::from_conf(config);
//! client
//!     .send_command()
//!     .document_name("AWS-RunShellScript")
//!     .instance_ids("i-0123456789abcdef0")
//!     .parameters("commands", vec!["echo hello".into()])
//!     .send()
//!     .await?;
//! assert_eq!(ssm.calls().len(), 1);
//! assert_eq!(ssm.calls()[0].operation, "SendCommand");
//! # Ok(())
//! # }
//! ```

mod account;
mod agent;
mod builder;
mod command;
mod fault;
mod front;
mod inventory;
mod node;
#[allow(dead_code, unreachable_pub, reason = "a state machine of its own; tests include it by its path, too")]
mod parameters;
mod process;
mod read;
mod send;
mod serve;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;

pub use account::{Call, Restart, Script};
pub use builder::SimulatorBuilder;
pub use fault::{Fault, Held, Moment};
pub use node::{Lost, Node, Ping, Twice};

use account::Account;
use fault::When;

/// SSM on a port of loopback, until it is dropped. Then all that its nodes run is killed.
pub struct Simulator {
    account: Arc<Account>,
    address: SocketAddr,
    serving: JoinHandle<()>,
    /// The folder is its own, and goes with it.
    owns_folder: bool,
}

impl Simulator {
    /// An account without nodes, whose services behave.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// What the clients' `endpoint_url` is to be: `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a node, or puts it in the place of the one of its id.
    pub fn add(&self, node: Node) {
        let now = self.account.clock.now();
        builder::add(&mut self.account.state(), node, now);
    }

    /// The node is no longer managed.
    pub fn remove(&self, id: &str) {
        self.account.state().nodes.remove(id);
    }

    /// Changes a node while all runs: `ssm.change(id, |node| node.ping(Ping::ConnectionLost))`. Nothing happens
    /// where there is none.
    pub fn change(&self, id: &str, change: impl FnOnce(Node) -> Node) {
        if let Some(managed) = self.account.state().nodes.get(id) {
            managed.node.send_modify(|node| *node = change(node.clone()));
        }
    }

    /// The node's agent starts anew. It runs what was in progress once more, and tells what it had lost.
    pub fn restart_agent(&self, id: &str, how: Restart) {
        if let Some(managed) = self.account.state().nodes.get(id) {
            managed.restarts.send_modify(|(count, last)| (*count, *last) = (*count + 1, how));
        }
    }

    /// The power of the node goes: all that its scripts started is killed, wherever it moved, and its agent is lost
    /// until [`Simulator::change`] makes it [`Ping::Online`]. Then it runs what was in progress once more. Found are
    /// processes that kept the environment they were started with; only where there is a `/proc`.
    pub fn crash(&self, id: &str) {
        self.change(id, |node| node.ping(Ping::ConnectionLost));
        self.restart_agent(id, Restart::KillsScripts);
        process::kill_marked(&self.account.options.mark, id);
    }

    /// The call of this number (of any operation, counted from 1 since the start) goes wrong.
    pub fn fail_call(&self, number: usize, fault: Fault) {
        self.account.state().faults.add(When::Call(number), fault);
    }

    /// This call and all that follow go wrong, until [`Simulator::heal`].
    pub fn fail_from(&self, number: usize, fault: Fault) {
        self.account.state().faults.add(When::From(number), fault);
    }

    /// Every `step`-th call goes wrong.
    pub fn fail_every(&self, step: usize, fault: Fault) {
        self.account.state().faults.add(When::Every(step), fault);
    }

    /// `count` calls of one operation go wrong, after `after` more that go well.
    pub fn fail_operation(&self, operation: &str, after: usize, count: usize, fault: Fault) {
        let name = operation.to_owned();
        self.account.state().faults.add(When::Operation { name, after, count }, fault);
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.account.state().faults.clear();
    }

    /// The call of this number is never answered: it is held before or after it takes effect, until the client
    /// breaks it off. To kill a caller there, see [`Simulator::killed_at`].
    pub fn hold_call(&self, number: usize, moment: Moment) -> Held {
        self.account.state().faults.hold(number, moment)
    }

    /// Runs `caller` and drops it in the middle of the call of this number, counted from 1 with the caller's first.
    /// `None` if it was killed there, its output if it ended with fewer calls: a test that kills a caller at every
    /// call counts up until it gets one.
    ///
    /// ```
    /// use deploy_ssm::sim::{Moment, Simulator};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> deploy_core::error::Result<()> {
    /// let ssm = Simulator::builder().start().await?;
    /// for number in 1.. {
    ///     let caller = async { "what deploys" };
    ///     match ssm.killed_at(number, Moment::After, caller).await {
    ///         None => { /* what is left, and what the next one makes of it */ }
    ///         Some(_) => break,
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn killed_at<T>(
        &self,
        number: usize,
        moment: Moment,
        caller: impl Future<Output = T>,
    ) -> Option<T> {
        let held = {
            let mut state = self.account.state();
            let before = state.calls.len();
            state.faults.hold(before + number, moment)
        };
        let output = tokio::select! {
            biased;
            () = held.reached() => None,
            output = caller => Some(output),
        };
        self.account.state().faults.release();
        output
    }

    /// A port in front of another service on this machine, S3's as a rule: what a caller sends there is numbered and logged with the calls of SSM,
    /// and the same faults and holds strike it. So a caller can be killed at any of its requests, wherever it goes. An operation is what AWS's
    /// clients name it in the URL (`PutObject`), else method and path. What comes by a presigned URL passes uncounted: it is not the caller's.
    /// Lives as long as the simulator.
    ///
    /// # Errors
    /// `InvalidInput` for what is not like `http://127.0.0.1:9000`; `Unavailable` if there is no port.
    pub async fn in_front_of(&self, url: &str) -> deploy_core::error::Result<String> {
        front::open(&self.account, url).await
    }

    /// All calls up to now, in their order.
    pub fn calls(&self) -> Vec<Call> {
        self.account.state().calls.clone()
    }

    /// How often an operation was called.
    pub fn count(&self, operation: &str) -> usize {
        self.account.state().calls.iter().filter(|call| call.operation == operation).count()
    }

    /// The scripts that were started, duplicates too, in their order.
    pub fn scripts(&self) -> Vec<Script> {
        self.account.state().scripts.clone()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.serving.abort();
        self.account.stop();
        process::kill_marked(&self.account.options.mark, "");
        if self.owns_folder {
            // A folder that cannot be removed is left to the machine's own sweeping.
            let _ = std::fs::remove_dir_all(&self.account.options.folder);
        }
    }
}
