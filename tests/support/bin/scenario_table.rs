//! Writes the table of scenarios into the file named, from what runs of `cargo test` printed, on standard input.

use std::error::Error;
use std::io::Read;
use std::process::ExitCode;

use deploy_tests::scenario_table;

#[expect(clippy::print_stderr, reason = "a program of its own")]
fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: scenario-table FILE <PRINTED")?;
    let mut printed = String::new();
    std::io::stdin().read_to_string(&mut printed)?;
    std::fs::write(path, scenario_table(&printed)?)?;
    Ok(())
}
