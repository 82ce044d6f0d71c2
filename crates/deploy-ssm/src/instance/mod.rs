//! The nodes that a deployment goes to: said by id, by tag or by name, and found among those that SSM manages.
//!
//! | said by | asked | needs |
//! | --- | --- | --- |
//! | [`Instances::id`], [`Instances::ids`] | SSM | `ssm:DescribeInstanceInformation` |
//! | [`Instances::tag`] | SSM, whose filters know no wildcards | the same |
//! | `Instances::named`, with the feature `ec2` | EC2 for the running ones whose tag `Name` matches, then SSM for their ids | `ec2:DescribeInstances`, too |
//!
//! A node must be [`Online`](PingStatus::Online). Several are an error that lists them, unless a [`Fleet`] was asked for.
//!
//! ```
//! use deploy_core::secret::SecretText;
//! use deploy_ssm::aws::{Aws, Credentials};
//! use deploy_ssm::instance::Instances;
//! # use deploy_ssm::sim::{Node, Simulator};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> deploy_core::error::Result<()> {
//! # let node = |id: &str| Node::new(id).tag("Role", "k3s");
//! # let ssm = Simulator::builder().node(node("i-0123456789abcdef0")).node(node("i-0123456789abcdef1")).start().await?;
//! let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SecretText::new("a secret key"));
//! let aws = Aws::builder().region("us-east-1").credentials(credentials).ssm_endpoint(ssm.url()).build()?;
//!
//! let found = Instances::id("i-0123456789abcdef0")?.find(&aws).await?;
//! assert_eq!(found[0].platform.as_deref(), Some("Linux"));
//!
//! let error = Instances::tag("Role", "k3s")?.find(&aws).await.unwrap_err();
//! assert!(error.to_string().contains("2 nodes match"));
//! # Ok(())
//! # }
//! ```

mod choose;
#[cfg(feature = "ec2")]
mod ec2;
mod find;
mod fleet;
mod selector;

use std::fmt;

use deploy_core::clock::Timestamp;

pub use fleet::{Fleet, Share};
pub use selector::Instances;

/// A node that SSM manages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instance {
    /// `i-…`, or `mi-…` outside EC2.
    pub id: String,
    /// The tag `Name` where EC2 was asked, else the name it was registered with or its host's.
    pub name: Option<String>,
    /// Its address, within its own network as a rule.
    pub ip: Option<String>,
    /// Whether SSM hears of its agent.
    pub ping: PingStatus,
    /// When SSM last heard of it.
    pub last_ping: Option<Timestamp>,
    /// The agent's version.
    pub agent_version: Option<String>,
    /// `Linux`, `Windows` or `MacOS`.
    pub platform: Option<String>,
}

/// Whether SSM hears of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PingStatus {
    /// It does.
    Online,
    /// Not at the moment.
    ConnectionLost,
    /// Not for 30 days and more.
    Inactive,
    /// A word of SSM's that this crate does not know.
    Other(String),
}

impl PingStatus {
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "Online" => Self::Online,
            "ConnectionLost" => Self::ConnectionLost,
            "Inactive" => Self::Inactive,
            other => Self::Other(other.chars().filter(char::is_ascii_alphanumeric).take(40).collect()),
        }
    }
}

impl fmt::Display for PingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Online => "Online",
            Self::ConnectionLost => "ConnectionLost",
            Self::Inactive => "Inactive",
            Self::Other(word) => word,
        })
    }
}

impl fmt::Display for Instance {
    /// What a reader tells it from others by: `i-0123456789abcdef0 (shop-k3s-master, 10.0.0.5, Online)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.id)?;
        for known in [&self.name, &self.ip].into_iter().flatten() {
            write!(f, "{}, ", known.escape_default())?;
        }
        write!(f, "{})", self.ping)
    }
}
