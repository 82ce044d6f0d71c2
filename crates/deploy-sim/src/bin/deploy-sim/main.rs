//! `deploy-sim`: a Kubernetes cluster in a process, for kubectl, helm and tests in any language.
//!
//! The result, how to reach it, goes to standard output; all else to standard error.

mod args;
mod behaviour;
mod child;
mod file;
mod signals;
mod words;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use deploy_sim::{Endpoint, KUBERNETES_VERSION, SimCluster};

use args::Args;
use file::Kubeconfig;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(why) = args.check() {
        Args::command().error(ErrorKind::ArgumentConflict, why).exit();
    }
    // Its time is the machine's at the start: clients show ages by their own clocks.
    #[expect(clippy::disallowed_methods, reason = "the edge of the program")]
    let now = SystemTime::now();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime does not start: {error}")),
    };
    match runtime.block_on(run(&args, now)) {
        Ok(code) => code,
        Err(why) => fail(&why),
    }
}

fn fail(why: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {why}");
    ExitCode::FAILURE
}

/// Runs the cluster until a signal, or the command that it is for, ends it.
async fn run(args: &Args, now: SystemTime) -> Result<ExitCode, String> {
    // Before anything is written: a signal that comes early is not lost.
    let mut signals =
        signals::Signals::new().map_err(|error| format!("no signals can be caught: {error}"))?;
    if let Some(path) = &args.kubeconfig {
        file::remove_stale(path);
    }
    if args.http && !args.address.is_loopback() {
        let _ = writeln!(io::stderr(), "warning: whoever reaches {} is the administrator", args.address);
    }
    let cluster = start(args, now);
    let endpoint = listen(args, &cluster).await?;
    let kubeconfig = endpoint.kubeconfig().map_err(|error| format!("no token can be made: {error}"))?;
    let file = Kubeconfig::write(args.kubeconfig.as_deref(), &kubeconfig)?;
    if let Some((program, arguments)) = args.command.split_first() {
        let code = child::run(program, arguments, file.path(), &mut signals).await;
        return Ok(code.unwrap_or_else(|error| {
            fail(&format!("run {}: {error}", program.to_string_lossy()));
            child::code_of(&error)
        }));
    }
    let said = format!("export KUBECONFIG={}\n", quoted(file.path()));
    let _ = writeln!(io::stderr(), "Kubernetes {KUBERNETES_VERSION} at {}; Ctrl-C ends it", endpoint.url());
    let mut out = io::stdout();
    out.write_all(said.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("write to standard output: {error}"))?;
    signals.next().await;
    Ok(ExitCode::SUCCESS)
}

fn start(args: &Args, now: SystemTime) -> SimCluster {
    let mut builder =
        SimCluster::builder().seed(args.seed).begins(now).time_scale(args.time_scale).nodes(args.nodes);
    for (name, image) in &args.image {
        builder = if name == "*" {
            let image = image.clone();
            builder.images(move |_| image.clone())
        } else {
            builder.image(name, image.clone())
        };
    }
    let cluster = builder.start();
    for fault in &args.fault {
        match fault {
            behaviour::Trouble::Fault(fault) => cluster.inject(fault.clone()),
            behaviour::Trouble::Down(time) => cluster.down_for(*time),
        }
    }
    cluster
}

async fn listen(args: &Args, cluster: &SimCluster) -> Result<Endpoint, String> {
    let address = SocketAddr::new(args.address, args.port);
    let bound = if args.http {
        cluster.serve_plain(address).await.map(|endpoint| match args.host.first() {
            Some(host) => endpoint.named(host.clone()),
            None => endpoint,
        })
    } else {
        cluster.serve_tls_named(address, args.host.iter().cloned()).await
    };
    bound.map_err(|error| format!("listen on {address}: {error}"))
}

/// As a shell reads it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}
