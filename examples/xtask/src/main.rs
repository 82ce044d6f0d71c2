//! A project's own deployment tool on the deploy crates: `cargo xtask apply`, `diff`, `set-image`, `status`,
//! kubectl's rollout verbs, and `release` for what Helm does.
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
mod stats;
mod status;
mod table;
mod verbs;

use std::cell::OnceCell;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

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
        cancel: Cancel::new(),
        progress: Arc::new(Progress::new(clock, started, environment)),
        first_request: OnceCell::new(),
        step_summary: environment.step_summary.clone(),
    };
    let progress = session.progress.clone();
    let done = tokio::select! {
        done = execute(&cli.command, &session) => Some(done),
        () = signals::listen(&session.cancel, |text| progress.tell(Tone::Warn, text)) => None,
        never = progress.animate() => match never {},
    };
    progress.finish();
    let code = match done {
        None => leave(&cli.command, &progress),
        Some(Err(error)) => fail(&error, cli, environment),
        Some(Ok(done)) => show(&done, cli, environment),
    };
    if cli.output.stats {
        let (requests, wall) = (session.cluster.requests_sent(), clock.now().since(started));
        print_to(
            &mut io::stderr(),
            &(stats::line(requests, wall, session.first_request.get().copied(), stats::peak_memory()) + "\n"),
        );
    }
    code
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

/// The second Ctrl-C: the run is dropped where it is.
fn leave(command: &Command, progress: &Progress) -> ExitCode {
    let what = match command.name() {
        Some(name) => {
            format!("left at once; the next run named \"{name}\" finishes or undoes what was written")
        }
        None => {
            "left at once; what was written stays (a run with --name would be finished or undone by the next)"
                .to_owned()
        }
    };
    progress.tell(Tone::Bad, &what);
    ExitCode::from(INTERRUPTED)
}

/// A closed pipe is the reader's choice, and no reason to fail a deployment.
fn print_to(stream: &mut dyn Write, text: &str) {
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.flush();
}
