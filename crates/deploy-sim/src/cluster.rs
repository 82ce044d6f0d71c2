//! The cluster as its users hold it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch::{Receiver, Sender};
use tokio::time::Instant;

use crate::drive::drive;
use crate::faults::{Fault, Faults};
use crate::kubelet::{Image, Images};
use crate::scale::Scale;
use crate::server::Server;
use crate::state::State;
use crate::status::Status;
use crate::user::User;

/// When a cluster's time begins, unless another time is given: 2026-01-01T00:00:00Z.
pub(crate) const BEGINNING: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// The last moment at which it may begin, 9000-01-01T00:00:00Z: nine centuries before the last that can be told.
const LAST_BEGINNING: Timestamp = Timestamp::constant(221_845_392_000, 0);
/// Longer than any process.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// A Kubernetes cluster in this process.
///
/// Its time is tokio's: on a runtime whose time is paused it is virtual, and passes as soon as nobody has anything to do. A clone is the
/// same cluster.
///
/// Where one of its components panics or never comes to rest, which is a mistake in this crate (or in a closure that it was given), it breaks: each request is
/// answered 500 from then on, with what went wrong, and its watches end with that.
///
/// ```
/// use deploy_sim::SimCluster;
/// use k8s_openapi::api::core::v1::Namespace;
/// use kube::Api;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), kube::Error> {
/// let cluster = SimCluster::builder().seed(7).start();
/// let namespaces: Api<Namespace> = Api::all(cluster.client());
/// assert!(namespaces.get_opt("default").await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SimCluster {
    pub(crate) shared: Arc<Shared>,
    /// What listens on ports: it ends with the last clone.
    #[cfg(feature = "listen")]
    pub(crate) listening: Arc<Mutex<tokio::task::JoinSet<()>>>,
}

/// What a cluster begins with.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SimClusterBuilder {
    seed: u64,
    images: Images,
    without_storage: bool,
    begins: Option<Timestamp>,
    scale: Scale,
    nodes: Option<u8>,
}

impl SimClusterBuilder {
    /// Nodes, at most: each has an address of its own.
    pub const MOST_NODES: u8 = 250;

    /// What uids and generated names are made from (default 0): the same seed gives the same ones.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What becomes of the containers made of the image `name`, which is as pods name it. Of what nothing is said here see [`Image`].
    pub fn image(mut self, name: impl Into<String>, image: Image) -> Self {
        self.images.add(name, image);
        self
    }

    /// What becomes of the containers made of images that [`Self::image`] does not name: asked with the image's name at each pull and
    /// each start; the same answer each time, please. It is asked while the cluster is locked: it must not call the cluster, which would wait for
    /// itself for ever.
    ///
    /// ```
    /// use deploy_sim::{Image, SimCluster};
    ///
    /// let cluster = SimCluster::builder()
    ///     .images(|name| if name.ends_with(":v1") { Image::new() } else { Image::not_found() });
    /// # let _ = cluster;
    /// ```
    pub fn images(mut self, find: impl Fn(&str) -> Image + Send + Sync + 'static) -> Self {
        self.images.ask(find);
        self
    }

    /// When its time begins (default 2026-01-01T00:00:00Z); it passes as tokio's does. Who looks at a cluster in real time, and asks the
    /// machine for the time, gives the machine's. A time before 1970 is taken for the beginning of 1970, one after 9000-01-01T00:00:00Z for
    /// that.
    pub fn begins(mut self, time: SystemTime) -> Self {
        let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let begins =
            SignedDuration::try_from(since_epoch).ok().and_then(|since| Timestamp::from_duration(since).ok());
        self.begins = Some(begins.map_or(LAST_BEGINNING, |begins| begins.min(LAST_BEGINNING)));
        self
    }

    /// How many times as fast as tokio's its time passes (default 1; from 0.001 to 100 000): a rollout that takes ten seconds takes
    /// one with 10. Clients' time does not: how long a watch lasts, how slow a [`Fault`] is, are said in real time.
    pub fn time_scale(mut self, factor: f64) -> Self {
        self.scale = Scale::of(factor);
        self
    }

    /// How many nodes it has (default 1; at most [`Self::MOST_NODES`]): `node-1` and so on. A pod goes to the one of those that take it that has the fewest.
    pub fn nodes(mut self, count: u8) -> Self {
        self.nodes = Some(count.clamp(1, Self::MOST_NODES));
        self
    }

    /// Without volumes: claims stay pending, and pods that use them unscheduled. Else there is a volume for every claim.
    pub fn without_storage(mut self) -> Self {
        self.without_storage = true;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time.
    pub fn start(self) -> SimCluster {
        let begins = self.begins.unwrap_or(BEGINNING);
        let mut state = State::new(self.seed, begins);
        state.node.images = self.images;
        state.node.count = self.nodes.unwrap_or(1);
        state.has_storage = !self.without_storage;
        let changed = Sender::new(state.store.revision());
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            faults: Mutex::default(),
            broken: OnceLock::new(),
            changed,
            begins,
            started: Instant::now(),
            scale: self.scale,
        });
        tokio::spawn(drive(Arc::downgrade(&shared), shared.changes()));
        SimCluster {
            shared,
            #[cfg(feature = "listen")]
            listening: Arc::default(),
        }
    }
}

impl SimCluster {
    /// A cluster that is to be started.
    pub fn builder() -> SimClusterBuilder {
        SimClusterBuilder::default()
    }

    /// A client of it, as its administrator, in the namespace `default`.
    pub fn client(&self) -> kube::Client {
        self.client_as(User::admin())
    }

    /// A client of it, as this user, in the namespace `default`. What the user may do, Roles and ClusterRoles bound to them say.
    pub fn client_as(&self, user: User) -> kube::Client {
        kube::Client::new(Server::new(Arc::clone(&self.shared), user), "default")
    }

    /// As [`SimClusterBuilder::image`], from now on: an image that is pushed, or one that gets well.
    pub fn image(&self, name: impl Into<String>, image: Image) {
        self.shared.state().node.images.add(name, image);
    }

    /// What time it is in the cluster.
    pub fn now(&self) -> SystemTime {
        self.shared.state().now.into()
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults().plan(fault);
    }

    /// Refuses connections for so long, and breaks those that there are; for thirty years at most. Controllers go on, unlike on a real
    /// cluster.
    pub fn down_for(&self, time: Duration) {
        self.shared.faults().down_until = Some(Instant::now() + time.min(FOR_EVER));
        self.shared.tell(&self.shared.state());
    }

    /// Lets nothing go wrong any more.
    pub fn heal(&self) {
        self.shared.faults().clear();
    }

    /// How many requests came so far, watches too, those that were lost too.
    pub fn requests(&self) -> u64 {
        self.shared.faults().requests
    }

    /// Forgets the changes that watches and chunked lists go on from: whoever asks for them next is answered 410.
    pub fn compact(&self) {
        let mut state = self.shared.state();
        state.store.compact();
        self.shared.tell(&state);
    }
}

/// What all that touch the cluster share.
pub(crate) struct Shared {
    state: Mutex<State>,
    faults: Mutex<Faults>,
    /// Why the controllers work no more.
    broken: OnceLock<String>,
    /// The latest revision.
    changed: Sender<u64>,
    begins: Timestamp,
    started: Instant,
    scale: Scale,
}

/// Without its state: that has Secrets and tokens.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// The state, at the present time.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = SignedDuration::try_from(self.scale.passed(self.started.elapsed()))
            .unwrap_or(SignedDuration::ZERO);
        state.now = self.begins.saturating_add(passed).unwrap_or(Timestamp::MAX);
        state
    }

    /// The state, at the present time, where all that wrote it ended as it should.
    ///
    /// # Errors
    /// Somebody panicked while the state was theirs: nothing that it says is to be trusted, and no controller works any more.
    pub(crate) fn sound_state(&self) -> Result<MutexGuard<'_, State>, Status> {
        let state = self.state();
        match self.broken.get() {
            Some(why) => Err(Status::broken(why)),
            None if self.state.is_poisoned() => Err(Status::broken("something panicked that wrote to it")),
            None => Ok(state),
        }
    }

    /// Says why nothing is to be answered from now on, and breaks the watches.
    pub(crate) fn breaks(&self, why: String) {
        let _ = self.broken.set(why);
        self.tell(&self.state());
    }

    /// What goes wrong. Not to be held while asking for the state.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it shows that something changed.
    pub(crate) fn changes(&self) -> Receiver<u64> {
        self.changed.subscribe()
    }

    /// Tells whoever waits for changes that there may be some. A watch that is to learn that its changes are forgotten learns it, too.
    pub(crate) fn tell(&self, state: &State) {
        self.changed.send_replace(state.store.revision());
    }

    /// When a moment of the cluster's time is for the runtime.
    pub(crate) fn instant(&self, moment: Timestamp) -> Instant {
        let since = Duration::try_from(moment.duration_since(self.begins)).unwrap_or_default();
        // Instants may end before moments do; nobody waits for either.
        self.started.checked_add(self.scale.takes(since)).unwrap_or(self.started + FOR_EVER)
    }
}
