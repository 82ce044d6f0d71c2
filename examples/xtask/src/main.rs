//! A project's own deployment tool on the deploy crates: `cargo xtask apply`, `diff`, `set-image`, `status`,
//! kubectl's rollout verbs, `release` for what Helm does, `tags` and others for what registries hold, `ssm` for a node behind AWS.
//!
//! Progress goes to standard error, results to standard output. `args` says what can be asked, `rollout` is where the crates
//! are put together, `report` what is shown in the end.
#![expect(clippy::format_push_string, reason = "reports are short, and writing to a String cannot fail")]

mod apply;
mod args;
mod board;
mod connect;
mod diff;
mod duration;
mod environment;
mod exit;
mod failure;
mod help;
mod history;
mod images;
mod paint;
mod progress;
mod release;
mod report;
mod report_file;
mod rollout;
mod running;
#[cfg(test)]
mod sample;
mod session;
mod set_image;
mod signals;
mod source;
#[cfg(feature = "ssm")]
mod ssm;
mod stats;
mod status;
mod table;
mod verbs;

use std::cell::OnceCell;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use deploy_core::clock::{Clock, SystemClock, Timestamp};
use deploy_core::error::{Error, Result};
use deploy_core::outcome::Outcome;
use deploy_core::plan::Action;
use deploy_core::run::Cancel;
use serde_json::{Value, json};

use args::{Cli, Command};
use environment::Environment;
use exit::{INTERRUPTED, exit_code};
use images::Desk;
use paint::{Paint, Tone};
use progress::Progress;
use report::Deed;
use session::Session;

fn main() -> ExitCode {
    let clock = SystemClock::new();
    let started = clock.now();
    let cli = Cli::parse();
    let environment = Environment::read();
    // One thread is enough: the work is waiting for answers.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(&Error::invalid("the runtime does not start").source(error), &cli, &environment);
        }
    };
    let code = runtime.block_on(run(&cli, &environment, clock, started));
    // A thread that still reads standard input or asks for an address is not waited for.
    runtime.shutdown_background();
    code
}

async fn run(cli: &Cli, environment: &Environment, clock: SystemClock, started: Timestamp) -> ExitCode {
    let (cancel, progress) = (Cancel::new(), Arc::new(Progress::new(clock, started, environment)));
    let shown = Shown { cli, environment, cancel: &cancel, progress: &progress };
    if let Command::Images(command) = &cli.command {
        let registry = match images::open(command, environment, &progress) {
            Ok(registry) => registry,
            Err(error) => return fail(&error, cli, environment),
        };
        let desk =
            Desk { cli, environment, clock, cancel: &cancel, progress: &progress, json: cli.output.json };
        let code =
            conduct(Box::pin(images::execute(command, &registry, &desk)), &shown, || left(&cli.command))
                .await;
        shown.stats(registry.stats().requests, None, clock.now().since(started));
        return code;
    }
    #[cfg(feature = "ssm")]
    if let Command::Ssm(args) = &cli.command {
        let far = match ssm::open(args, &cli.cluster, environment).await {
            Ok(far) => far,
            Err(error) => return fail(&error, cli, environment),
        };
        let desk =
            Desk { cli, environment, clock, cancel: &cancel, progress: &progress, json: cli.output.json };
        let code = conduct(Box::pin(ssm::execute(args, &far, &desk)), &shown, || far.left()).await;
        shown.stats(far.requests(), None, clock.now().since(started));
        return code;
    }
    let cluster = match connect::connect(&cli.cluster, environment).await {
        Ok(cluster) => cluster,
        Err(error) => return fail(&error, cli, environment),
    };
    let session = Session {
        namespace: connect::namespace(&cli.cluster, &cluster),
        cluster,
        holder: environment.holder.clone(),
        clock,
        started,
        cancel: cancel.clone(),
        progress: progress.clone(),
        first_request: OnceCell::new(),
        step_summary: environment.step_summary.clone(),
        registry_variables: environment.registry_variables.clone(),
    };
    let code = conduct(Box::pin(execute(&cli.command, &session)), &shown, || left(&cli.command)).await;
    let first = session.first_request.get().copied();
    shown.stats(session.cluster.requests_sent(), first, clock.now().since(started));
    code
}

/// Where a command shows what it comes to.
struct Shown<'a> {
    cli: &'a Cli,
    environment: &'a Environment,
    cancel: &'a Cancel,
    progress: &'a Progress,
}

impl Shown<'_> {
    fn stats(&self, requests: u64, first: Option<Duration>, wall: Duration) {
        if self.cli.output.stats {
            let line = stats::line(requests, wall, first, stats::peak_memory());
            print_to(&mut io::stderr(), &(line + "\n"));
        }
    }
}

/// Works until it is done, or left by a second Ctrl-C.
async fn conduct(
    work: impl Future<Output = Result<Done>>,
    shown: &Shown<'_>,
    left: impl FnOnce() -> String,
) -> ExitCode {
    let Shown { cli, environment, cancel, progress } = shown;
    let done = tokio::select! {
        done = work => Some(done),
        () = signals::listen(cancel, |text| progress.tell(Tone::Warn, text)) => None,
        never = progress.animate() => match never {},
    };
    progress.finish();
    match done {
        None => {
            progress.tell(Tone::Bad, &left());
            ExitCode::from(INTERRUPTED)
        }
        Some(Err(error)) => fail(&error, cli, environment),
        Some(Ok(done)) => show(&done, cli, environment),
    }
}

/// What a command came to, in both forms.
struct Done {
    json: Value,
    text: Box<dyn Fn(Paint) -> String>,
    /// Whether all is as it should be; of a diff, whether there are no differences.
    good: bool,
}

impl Done {
    /// What was read.
    fn told(json: Value, text: impl Fn(Paint) -> String + 'static) -> Self {
        Self { json, text: Box::new(text), good: true }
    }

    /// A run that was followed to its end.
    fn followed(outcome: Outcome, deed: Deed) -> Self {
        Self {
            json: report::json(&outcome),
            good: outcome.status.is_success(),
            text: Box::new(move |paint| report::outcome(&outcome, deed, paint)),
        }
    }

    /// What would be changed.
    fn compared(outcome: Outcome) -> Self {
        Self {
            json: report::json(&outcome),
            good: outcome.objects.iter().all(|object| object.action == Action::Unchanged),
            text: Box::new(move |paint| diff::unified(&outcome, paint)),
        }
    }
}

async fn execute(command: &Command, session: &Session) -> Result<Done> {
    let outcome = match command {
        Command::Apply(args) => apply::apply(args, session).await?,
        Command::SetImage(args) => set_image::set_image(args, session).await?,
        Command::Undo(args) => verbs::undo(args, session).await?,
        Command::Restart(args) => verbs::restart(args, session).await?,
        Command::Pause(args) => verbs::pause(args, session).await?,
        Command::Resume(args) => verbs::resume(args, session).await?,
        Command::Diff(args) => return Ok(Done::compared(apply::diff(args, session).await?)),
        Command::History(args) => {
            let history = history::history(args, session).await?;
            return Ok(Done::told(history.json(), move |paint| history.text(paint)));
        }
        Command::Running => {
            let running = running::running(session).await?;
            return Ok(Done::told(running.json(), move |paint| running.text(paint)));
        }
        Command::Release(args) => return release::release(args, session).await,
        // They have no session.
        #[cfg(feature = "ssm")]
        Command::Ssm(_) => return Err(Error::invalid("this needs no cluster")),
        Command::Images(_) => return Err(Error::invalid("this needs no cluster")),
        Command::Status(args) if args.watch => status::follow(args, session).await?,
        Command::Status(args) => {
            let status = status::look(args, session).await?;
            return Ok(Done {
                json: status.json(),
                good: status.is_healthy(),
                text: Box::new(move |paint| status.text(paint)),
            });
        }
    };
    Ok(Done::followed(outcome, Deed::Rollout))
}

fn show(done: &Done, cli: &Cli, environment: &Environment) -> ExitCode {
    let text = if cli.output.json {
        format!("{:#}\n", done.json)
    } else {
        (done.text)(Paint(environment.stdout_colour))
    };
    print_to(&mut io::stdout(), &text);
    ExitCode::from(exit_code(cli.command.compares(), Ok(done.good)))
}

fn fail(error: &Error, cli: &Cli, environment: &Environment) -> ExitCode {
    print_to(&mut io::stderr(), &failure::render(error, Paint(environment.stderr_colour)));
    if cli.output.json {
        print_to(&mut io::stdout(), &format!("{:#}\n", json!({"error": failure::json(error)})));
    }
    ExitCode::from(exit_code(cli.command.compares(), Err(error.kind())))
}

/// What is told at the second Ctrl-C, when the run is dropped where it is.
fn left(command: &Command) -> String {
    match command.name() {
        Some(name) => {
            format!("left at once; the next run named \"{name}\" finishes or undoes what was written")
        }
        None => {
            "left at once; what was written stays (a run with --name would be finished or undone by the next)"
                .to_owned()
        }
    }
}

/// A closed pipe is the reader's choice, and no reason to fail a deployment.
fn print_to(stream: &mut dyn Write, text: &str) {
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.flush();
}
