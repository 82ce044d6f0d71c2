//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::report::Row;
use crate::session::Session;
use crate::{Result, bad_image, history, many, small, start};

/// Measures xtask beside kubectl and helm on the cluster of KUBECONFIG.
#[derive(Parser)]
#[command(bin_name = "cargo bench --bench peers --")]
pub(crate) struct Args {
    /// How often each tool does each work
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Where the JSON goes, from the workspace's root [default: benches/peers.json in cargo's target directory]
    #[arg(long, value_name = "PATH")]
    pub(crate) json: Option<PathBuf>,
    /// Only this work
    #[arg(long)]
    only: Vec<Work>,
    /// What `cargo bench` passes, and `cargo test` does not.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

impl Args {
    pub(crate) fn works(&self) -> &[Work] {
        if self.only.is_empty() { Work::value_variants() } else { &self.only }
    }
}

/// What can be measured.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Work {
    Start,
    Many,
    BadImage,
    History,
    Small,
}

impl Work {
    pub(crate) fn measure(self, session: &Session) -> Result<Vec<Row>> {
        match self {
            Self::Start => start::measure(session),
            Self::Many => many::measure(session),
            Self::BadImage => bad_image::measure(session),
            Self::History => history::measure(session),
            Self::Small => small::measure(session),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_cargo_passes() {
        let args = Args::try_parse_from(["peers", "--rounds", "5", "--only", "many", "--bench"]).unwrap();
        assert_eq!((args.rounds, args.works().len(), args.bench), (5, 1, true));
        let args = Args::try_parse_from(["peers"]).unwrap();
        assert_eq!((args.rounds, args.works().len(), args.bench), (3, 5, false));
        assert!(Args::try_parse_from(["peers", "--rounds", "0"]).is_err());
    }
}
