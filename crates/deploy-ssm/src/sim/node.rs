//! A managed node: what SSM tells about it, where its scripts run, and how its agent behaves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What SSM says of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// It answers.
    Online,
    /// It has not been heard of; commands wait for it until their `TimeoutSeconds` are over.
    ConnectionLost,
    /// It has not been heard of for a month; commands are refused.
    Inactive,
}

impl Ping {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Online => "Online",
            Self::ConnectionLost => "ConnectionLost",
            Self::Inactive => "Inactive",
        }
    }
}

/// A command that reaches its node a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twice {
    /// Both at once.
    Together,
    /// The second when the first has ended and been reported.
    Afterwards,
}

/// Until when the agent keeps the end of a command to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Until [`restart_agent`](super::Simulator::restart_agent).
    UntilRestart,
    /// For good: the command is `InProgress` for ever.
    Forever,
}

/// A managed node, by default one of Linux that is online and whose agent behaves.
///
/// ```
/// use deploy_ssm::sim::{Node, Ping};
///
/// let node = Node::new("i-0123456789abcdef0")
///     .tag("Name", "shop-k3s-master")
///     .path_in_front("/opt/shims")
///     .env("KUBECONFIG", "/etc/rancher/k3s/k3s.yaml")
///     .ping(Ping::ConnectionLost);
/// assert_eq!(node.id(), "i-0123456789abcdef0");
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Node {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) computer: String,
    pub(super) ip: String,
    pub(super) agent_version: String,
    pub(super) platform: &'static str,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) ping: Ping,
    pub(super) folder: Option<PathBuf>,
    pub(super) path: Option<String>,
    pub(super) front: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) has_home: bool,
    pub(super) twice: Option<Twice>,
    pub(super) lost: Option<Lost>,
    pub(super) picks_up_after: Duration,
    pub(super) waits_for_eof: bool,
    pub(super) tells_while_running: bool,
    pub(super) undeliverable: bool,
}

impl Node {
    /// A node with an id like `i-0123456789abcdef0` or `mi-0123456789abcdef0`.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        let last = id.bytes().last().unwrap_or(0);
        Self {
            name: None,
            computer: format!("ip-10-0-0-{last}.internal"),
            ip: format!("10.0.0.{last}"),
            agent_version: "3.3.987.0".into(),
            platform: "Linux",
            tags: BTreeMap::new(),
            ping: Ping::Online,
            folder: None,
            path: None,
            front: Vec::new(),
            env: BTreeMap::new(),
            has_home: true,
            twice: None,
            lost: None,
            picks_up_after: Duration::ZERO,
            waits_for_eof: true,
            tells_while_running: false,
            undeliverable: false,
            id,
        }
    }

    /// The id it was made with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// The name it was registered with; only nodes outside EC2 (`mi-…`) have one.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What SSM says of the agent; default [`Ping::Online`].
    #[must_use]
    pub fn ping(mut self, ping: Ping) -> Self {
        self.ping = ping;
        self
    }

    /// `Windows` instead of `Linux`: `AWS-RunShellScript` does not run there.
    #[must_use]
    pub fn windows(mut self) -> Self {
        self.platform = "Windows";
        self
    }

    /// Where its scripts run: their working directory, `HOME` and `TMPDIR` are in it. By default a folder named by
    /// the id in the simulator's.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// A folder of programs that are found before the machine's own, and before those given earlier.
    #[must_use]
    pub fn path_in_front(mut self, folder: impl Into<String>) -> Self {
        self.front.insert(0, folder.into());
        self
    }

    /// The whole `PATH` instead of the machine's: a node where programs are missing.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// A variable that scripts see. They see none of the machine's own but `PATH`.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Scripts have no `HOME`, as under the agent of many distributions.
    #[must_use]
    pub fn without_home(mut self) -> Self {
        self.has_home = false;
        self
    }

    /// Every command reaches it twice (the next ones, if a node that runs is changed).
    #[must_use]
    pub fn delivers_twice(mut self, twice: Twice) -> Self {
        self.twice = Some(twice);
        self
    }

    /// Scripts end, and SSM is not told.
    #[must_use]
    pub fn loses_the_end(mut self, lost: Lost) -> Self {
        self.lost = Some(lost);
        self
    }

    /// How long a command is `Pending` before its script starts; default zero. tokio's time.
    #[must_use]
    pub fn picks_up_after(mut self, time: Duration) -> Self {
        self.picks_up_after = time;
        self
    }

    /// A command ends with its script, though a child that it left behind holds its standard output. The default is
    /// what the agent does: wait for the end of the output.
    #[must_use]
    pub fn ends_with_the_script(mut self) -> Self {
        self.waits_for_eof = false;
        self
    }

    /// Output is told while the script runs; by default it is empty until the end.
    #[must_use]
    pub fn tells_while_running(mut self) -> Self {
        self.tells_while_running = true;
        self
    }

    /// Commands are accepted and end as `Undeliverable`.
    #[must_use]
    pub fn undeliverable(mut self) -> Self {
        self.undeliverable = true;
        self
    }
}
