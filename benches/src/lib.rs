//! Measures `xtask` side by side with the real kubectl and helm, on a live cluster. README.md says what and how.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a program that shows numbers, none of them near 2^52"
)]

mod args;
mod bad_image;
mod environment;
mod history;
mod machine;
mod manifests;
mod many;
mod namespaces;
mod parts;
mod program;
mod report;
mod session;
mod small;
mod start;
mod stats;
mod tools;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::environment::Environment;
use crate::machine::Machine;
use crate::report::Row;
use crate::session::Session;

pub use crate::manifests::{config_maps, deployment};
pub use crate::parts::{measure_parts, median};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The whole benchmark; the program is only this.
///
/// A bar that is missed is marked in the table and fails nothing: the machine may have been busy. Everything else that goes wrong does.
pub fn peers() -> ExitCode {
    let args = Args::parse();
    if !args.bench {
        println!("nothing is measured: cargo bench --bench peers");
        return ExitCode::SUCCESS;
    }
    match measure(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> Result<()> {
    let environment = Environment::read()?;
    let session = Session::begin(environment, args.rounds)?;
    let machine = Machine::look(&session)?;
    let mut rows: Vec<Row> = Vec::new();
    for work in args.works() {
        rows.extend(work.measure(&session)?);
    }
    let machine = machine.at_the_end();
    println!("\n{}\n{}", report::table(&rows), machine.text(args.rounds));
    let path = match &args.json {
        // cargo runs benchmarks in their package's folder, and nobody else does.
        Some(path) => session.workspace.join(path),
        None => session.folder.join("peers.json"),
    };
    write(&path, &report::json(&rows, &machine, args.rounds))?;
    println!("\nall samples: {}", path.display());
    Ok(())
}

fn write(path: &Path, json: &serde_json::Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, format!("{json:#}\n")).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(())
}
