//! What the cluster's images are, and do when they run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

/// An image, by what becomes of the containers that are made of it.
///
/// An image that nothing else is said of runs until it is told to stop, is ready at once, and stops at once with code 0. As an init
/// container, or in a pod that is not to be restarted, it ends with code 0.
///
/// ```
/// use std::time::Duration;
/// use deploy_sim::Image;
///
/// let crashes = Image::new().exits(1, Duration::from_secs(2)).logs(["starting", "panic: no database"]);
/// let hangs = Image::new().never_ready();
/// let missing = Image::not_found();
/// # let _ = (crashes, hangs, missing);
/// ```
#[derive(Clone, Debug)]
pub struct Image {
    pub(super) pull: Pull,
    pub(super) exit: Option<(i64, SignedDuration)>,
    pub(super) runs_out_of_memory: bool,
    /// By the program that a container runs instead of the image's own.
    commands: BTreeMap<String, Image>,
    lacks: BTreeSet<String>,
    pub(super) logs: Vec<String>,
    /// After its start; `None` never.
    pub(super) ready_after: Option<SignedDuration>,
    /// After its start the liveness probe fails; `None` never.
    pub(super) unhealthy_after: Option<SignedDuration>,
    pub(super) answers: BTreeMap<String, u16>,
    /// From the signal to its end; `None` it has to be killed.
    pub(super) stops_after: Option<SignedDuration>,
    /// The code that it ends with when it stops.
    pub(super) stop_code: i64,
    /// Where its ports lead to.
    #[cfg(feature = "listen")]
    serves: BTreeMap<u16, std::net::SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pull {
    Works,
    NotFound,
    Unreachable,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            pull: Pull::Works,
            exit: None,
            runs_out_of_memory: false,
            commands: BTreeMap::new(),
            lacks: BTreeSet::new(),
            logs: Vec::new(),
            ready_after: Some(SignedDuration::ZERO),
            unhealthy_after: None,
            answers: BTreeMap::new(),
            stops_after: Some(SignedDuration::ZERO),
            stop_code: 0,
            #[cfg(feature = "listen")]
            serves: BTreeMap::new(),
        }
    }
}

impl Image {
    /// An image that runs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An image that its registry does not have.
    #[must_use]
    pub fn not_found() -> Self {
        Self { pull: Pull::NotFound, ..Self::default() }
    }

    /// An image whose registry does not answer.
    #[must_use]
    pub fn unreachable() -> Self {
        Self { pull: Pull::Unreachable, ..Self::default() }
    }

    /// Ends with this code so long after its start.
    #[must_use]
    pub fn exits(self, code: u8, after: Duration) -> Self {
        Self { exit: Some((code.into(), signed(after))), ..self }
    }

    /// Is killed so long after its start, because it takes more memory than its limit.
    #[must_use]
    pub fn out_of_memory(self, after: Duration) -> Self {
        Self { runs_out_of_memory: true, ..self.exits(137, after) }
    }

    /// What a container does whose `command` begins with this program, where it is not what the image does by itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use deploy_sim::Image;
    ///
    /// let api = Image::new().command("/bin/migrate", Image::new().exits(0, Duration::from_secs(1)));
    /// # let _ = api;
    /// ```
    #[must_use]
    pub fn command(mut self, program: impl Into<String>, does: Self) -> Self {
        self.commands.insert(program.into(), does);
        self
    }

    /// Does not have this program: a container whose `command` begins with it does not start.
    #[must_use]
    pub fn lacks(mut self, program: impl Into<String>) -> Self {
        self.lacks.insert(program.into());
        self
    }

    /// Writes these lines at its start.
    #[must_use]
    pub fn logs<L: Into<String>>(self, lines: impl IntoIterator<Item = L>) -> Self {
        Self { logs: lines.into_iter().map(Into::into).collect(), ..self }
    }

    /// Its readiness and startup probes pass so long after its start.
    #[must_use]
    pub fn ready_after(self, after: Duration) -> Self {
        Self { ready_after: Some(signed(after)), ..self }
    }

    /// Its readiness and startup probes never pass.
    #[must_use]
    pub fn never_ready(self) -> Self {
        Self { ready_after: None, ..self }
    }

    /// Its liveness probe fails from so long after its start.
    #[must_use]
    pub fn unhealthy_after(self, after: Duration) -> Self {
        Self { unhealthy_after: Some(signed(after)), ..self }
    }

    /// Answers HTTP probes of this path with this status, whatever else is said of it.
    #[must_use]
    pub fn answers(mut self, path: impl Into<String>, status: u16) -> Self {
        self.answers.insert(path.into(), status);
        self
    }

    /// Listens on `port`: who has it forwarded to (`pods/portforward`, by WebSocket) gets to what listens at `address` on this machine.
    ///
    /// ```
    /// use deploy_sim::Image;
    ///
    /// let api = Image::new().serves(8080, "127.0.0.1:41234".parse()?);
    /// # let _ = api;
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[cfg(feature = "listen")]
    #[must_use]
    pub fn serves(mut self, port: u16, address: std::net::SocketAddr) -> Self {
        self.serves.insert(port, address);
        self
    }

    /// Takes so long to stop when it is told to; longer than its grace period, and it is killed.
    #[must_use]
    pub fn stops_after(self, after: Duration) -> Self {
        Self { stops_after: Some(signed(after)), ..self }
    }

    /// Ends with this code when it stops because it is told to (default 0).
    #[must_use]
    pub fn stops_with(self, code: u8) -> Self {
        Self { stop_code: code.into(), ..self }
    }

    /// Does not stop when it is told to, but when it is killed, with code 137: what the main process of a container does that knows of no
    /// signals.
    #[must_use]
    pub fn ignores_sigterm(self) -> Self {
        Self { stops_after: None, ..self }
    }

    /// What it does in a container.
    pub(super) fn within(self, container: &Value) -> Self {
        let program = container.pointer("/command/0").and_then(Value::as_str);
        match program.and_then(|program| self.commands.get(program)) {
            Some(does) => Self { pull: self.pull, ..does.clone() },
            None => self,
        }
    }

    /// The runtime's words for why a container of it does not start.
    pub(super) fn start_error(&self, container: &Value) -> Option<String> {
        let program = container.pointer("/command/0").and_then(Value::as_str)?;
        self.lacks.contains(program).then(|| {
            format!(
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"{program}\": stat {program}: no such file or directory: unknown"
            )
        })
    }

    /// The runtime's words for why the image is not pulled.
    pub(super) fn refusal(&self, image: &str) -> Option<String> {
        let resolve =
            format!("failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\"");
        let (host, path) = image.split_once('/').unwrap_or(("docker.io", image));
        let (repository, tag) = path.rsplit_once(':').unwrap_or((path, "latest"));
        match self.pull {
            Pull::Works => None,
            Pull::NotFound => {
                Some(format!("rpc error: code = NotFound desc = {resolve}: {image}: not found"))
            }
            Pull::Unreachable => Some(format!(
                "{resolve}: failed to do request: Head \"https://{host}/v2/{repository}/manifests/{tag}\": dial tcp: connect: connection refused"
            )),
        }
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// The images that the cluster's node can pull.
#[derive(Clone, Default)]
pub(crate) struct Images {
    table: BTreeMap<String, Image>,
    find: Option<Arc<Find>>,
}

type Find = dyn Fn(&str) -> Image + Send + Sync;

impl Images {
    pub(crate) fn add(&mut self, name: impl Into<String>, image: Image) {
        self.table.insert(name.into(), image);
    }

    /// Who knows the images that are not in the table.
    pub(crate) fn ask(&mut self, find: impl Fn(&str) -> Image + Send + Sync + 'static) {
        self.find = Some(Arc::new(find));
    }

    /// Where a port of a pod leads to.
    #[cfg(feature = "listen")]
    pub(crate) fn served(&self, pod: &Value, port: u16) -> Option<std::net::SocketAddr> {
        let containers = pod.pointer("/spec/containers").and_then(Value::as_array)?;
        containers.iter().find_map(|container| {
            let image = self.of(container.get("image")?.as_str()?).within(container);
            image.serves.get(&port).copied()
        })
    }

    pub(super) fn of(&self, name: &str) -> Image {
        match (self.table.get(name), &self.find) {
            (Some(image), _) => image.clone(),
            (None, Some(find)) => find(name),
            (None, None) => Image::default(),
        }
    }
}

impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Images").field("table", &self.table).finish_non_exhaustive()
    }
}
