//! Images: which tag is to run, what is in one, copies, pushes, what can go. A registry is asked, and a cluster only about what runs.

pub(crate) mod args;
mod inspect;
mod preflight;
mod promote;
mod push;
mod registry;
mod retention;
mod tags;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::{Clock, SystemClock, Timestamp};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::inventory::{Inventory, RunningImage};
use deploy_core::run::Cancel;
use deploy_k8s::Cluster;
use deploy_registry::OciRegistry;

use crate::Done;
use crate::args::Cli;
use crate::connect;
use crate::environment::Environment;
use crate::paint::Tone;
use crate::progress::Progress;
pub(crate) use args::ImageCommand;
pub(crate) use preflight::{Guards, ImageArgs, PreflightTable, guarded};
pub(crate) use tags::Unchosen;

/// How often something that takes long says how far it is.
const PACE: Duration = Duration::from_secs(2);

/// One command at work, without a cluster.
pub(crate) struct Desk<'a> {
    pub(crate) cli: &'a Cli,
    pub(crate) environment: &'a Environment,
    pub(crate) clock: SystemClock,
    pub(crate) cancel: &'a Cancel,
    pub(crate) progress: &'a Arc<Progress>,
    /// Whether the result is wanted as JSON.
    pub(crate) json: bool,
}

impl Desk<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn cluster(&self) -> Result<Cluster> {
        connect::connect(&self.cli.cluster, self.environment).await
    }

    /// What runs in these namespaces.
    async fn running(&self, namespaces: &[String]) -> Result<Vec<RunningImage>> {
        let cluster = self.cluster().await?;
        let mut running = Vec::new();
        for namespace in namespaces {
            running.append(&mut cluster.running(namespace).await?);
        }
        Ok(running)
    }
}

/// The registry as the command line says.
pub(crate) fn open(
    command: &ImageCommand,
    environment: &Environment,
    progress: &Arc<Progress>,
) -> Result<Arc<OciRegistry>> {
    Ok(Arc::new(registry::open(command.registry(), &environment.registry_variables, progress)?))
}

/// Works until it is done, or cancelled.
pub(crate) async fn execute(
    command: &ImageCommand,
    registry: &Arc<OciRegistry>,
    desk: &Desk<'_>,
) -> Result<Done> {
    let work = async {
        match command {
            ImageCommand::Tags(args) => tags::tags(args, registry.clone(), desk).await,
            ImageCommand::Inspect(args) => inspect::inspect(&args.image, &**registry).await,
            ImageCommand::Promote(args) => promote::promote(args, registry, desk).await,
            ImageCommand::Push(args) => push::push(args, registry, desk).await,
            ImageCommand::Retention(args) => retention::retention(args, registry, desk).await,
        }
    };
    tokio::select! {
        done = work => done,
        () = desk.cancel.cancelled() => Err(Error::new(ErrorKind::Cancelled, "cancelled")
            .help("what was pushed or deleted by then stays so; the same command goes on")),
    }
}

/// Says now and then how many there are by now.
struct Reading<'a> {
    progress: &'a Progress,
    clock: SystemClock,
    what: String,
    count: usize,
    told: Timestamp,
}

impl<'a> Reading<'a> {
    fn new(desk: &Desk<'a>, what: String) -> Self {
        Self { progress: desk.progress, clock: desk.clock, what, count: 0, told: desk.now() }
    }

    fn one_more(&mut self) {
        self.count += 1;
        // The clock is not asked for each of a million.
        if !self.count.is_multiple_of(64) {
            return;
        }
        let now = self.clock.now();
        if now.since(self.told) >= PACE {
            self.told = now;
            self.progress.tell(Tone::Plain, &format!("{} {} read so far", self.count, self.what));
        }
    }
}

/// A whole file, up to so many bytes.
fn read_file(path: &Path, at_most: u64) -> Result<Vec<u8>> {
    let failed = |source: std::io::Error| {
        let kind = match source.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::InvalidInput,
        };
        Error::new(kind, format!("it cannot be read: {source}")).on(path.display())
    };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(at_most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > at_most) {
        return Err(Error::invalid(format!("it has more than {at_most} bytes")).on(path.display()));
    }
    Ok(bytes)
}
