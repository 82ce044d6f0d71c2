//! What can be asked of the program.

use std::collections::HashSet;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Parser;
use deploy_sim::{Host, Image, SimClusterBuilder};

use crate::behaviour::{self, Trouble};

/// A Kubernetes cluster in one process, for kubectl, helm and tests.
///
/// It starts in milliseconds, keeps everything in memory, and ends with Ctrl-C. Deployments roll out
/// and pods become ready as in a real cluster, but no container runs: what becomes of a container is
/// what --image says of its image.
#[derive(Debug, Parser)]
#[command(name = "deploy-sim", version, after_long_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Args {
    /// The port to listen on; 0 for any that is free
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub(crate) port: u16,

    /// The address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "IP")]
    pub(crate) address: IpAddr,

    /// A name by which other machines and containers find it; may be given many times
    ///
    /// A DNS name or an IP address. The certificate is for all of them, and the server in the kubeconfig
    /// is the first one [default: the address that it listens on].
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<Host>,

    /// Plain HTTP instead of TLS: whoever reaches the port is the administrator
    #[arg(long)]
    pub(crate) http: bool,

    /// Where to write the kubeconfig [default: a temporary file]
    ///
    /// It is removed at the end. A file that another program wrote is not overwritten.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// How many times as fast as real time the cluster's passes: 10 makes a minute six seconds
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    pub(crate) time_scale: f64,

    /// How many nodes there are
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=MOST_NODES))]
    pub(crate) nodes: u8,

    /// What uids and generated names are made from: the same seed gives the same ones
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    pub(crate) seed: u64,

    /// What containers of an image do; may be given many times
    ///
    /// NAME is the image as pods name it, or * for all that are not named. BEHAVIOUR is one or more of
    /// these, with commas between them:
    ///
    ///   runs                  it runs until it is told to stop (what images do anyway)
    ///   not-found             there is no such image
    ///   unreachable           its registry cannot be reached
    ///   exits:CODE[:TIME]     it ends with this code, TIME after its start
    ///   out-of-memory[:TIME]  it is killed for its use of memory
    ///   ready-after:TIME      its readiness probe fails until then
    ///   never-ready           its readiness probe fails
    ///   unhealthy-after:TIME  its liveness probe fails from then on
    ///   stops-after:TIME      it takes this long to stop
    ///   ignores-sigterm       it has to be killed
    ///   log:LINE              it writes this line when it starts
    ///   serves:PORT:ADDRESS   its port leads to this address (kubectl port-forward)
    ///
    /// TIME is written like 500ms, 2s, 1m or 1h. A LINE is all up to the next ",log:": it may have
    /// commas, so that logs stand last.
    #[arg(long, value_name = "NAME=BEHAVIOUR", value_parser = behaviour::image, verbatim_doc_comment)]
    pub(crate) image: Vec<(String, Image)>,

    /// What goes wrong with requests; may be given many times
    ///
    /// KIND is one of these:
    ///
    ///   latency:TIME       the answer takes so much longer
    ///   overloaded[:TIME]  429, to be tried again after TIME
    ///   server-error       500
    ///   request-lost       the connection breaks before the request has an effect
    ///   answer-lost        the request has its effect, then the connection breaks
    ///   watch-broken:TIME  watches break after so long
    ///   expired            410 to watches and to lists that go on
    ///   down:TIME          from the start nothing is answered for so long
    ///
    /// It hits the next request. With commas behind it: on:METHOD PATH (only requests of this method whose
    /// path contains PATH; * for any method), skip:N (not before so many of them), times:N (so many of
    /// them; times:always for all).
    #[arg(long, value_name = "KIND[,…]", value_parser = behaviour::trouble, verbatim_doc_comment)]
    pub(crate) fault: Vec<Trouble>,

    /// A command to run with KUBECONFIG set: the cluster ends with it, and with its exit code
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

const MOST_NODES: i64 = SimClusterBuilder::MOST_NODES as i64;

const EXAMPLES: &str = "\
Examples:
  deploy-sim -- kubectl get nodes
  deploy-sim --time-scale 20 -- pytest
  deploy-sim --kubeconfig sim.yaml --port 6443
  deploy-sim --address 0.0.0.0 --port 6443 --host sim --kubeconfig /shared/sim.yaml  # a container \"sim\"
  deploy-sim --image shop/api:v2=exits:1:2s,log:'no database' --image '*=runs'
  deploy-sim --fault 'overloaded:1s,on:PATCH /deployments/,times:3'

In a script:
  rm -f sim.yaml; deploy-sim --kubeconfig sim.yaml >/dev/null &
  until [ -e sim.yaml ]; do kill -0 $! || exit 1; sleep 0.01; done
  export KUBECONFIG=sim.yaml

Exit codes: that of COMMAND, 128+N where signal N ended it; 127 where there is no such command, 126
where it may not run; 1 where the cluster does not start, 2 where the options are wrong.";

impl Args {
    /// What no option sees by itself.
    ///
    /// # Errors
    /// An image that is told twice what to do.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut seen = HashSet::new();
        match self.image.iter().find(|(name, _)| !seen.insert(name)) {
            Some((name, _)) => Err(format!("--image says twice what \"{name}\" does")),
            None => Ok(()),
        }
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.001..=100_000.0).contains(&factor) => Ok(factor),
        _ => Err("the factor is a number from 0.001 to 100000".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        Args::command().debug_assert();
        let read = |arguments: &[&str]| Args::try_parse_from([&["deploy-sim"], arguments].concat());
        let args = read(&["--port", "6443", "--http", "--", "kubectl", "get", "--help"]).unwrap();
        assert_eq!((args.port, args.http, args.command.len()), (6443, true, 3));
        let twice = read(&["--image", "a=runs", "--image", "b=runs", "--image", "a=exits:1"]).unwrap();
        assert_eq!(twice.check(), Err("--image says twice what \"a\" does".to_owned()));
        assert_eq!(args.check(), Ok(()));
        for wrong in [
            &["--time-scale", "0"][..],
            &["--time-scale", "NaN"],
            &["--image", "api:v1"],
            &["--image", "api:v1=flies"],
            &["--fault", "nonsense"],
            &["--port", "70000"],
            &["--nodes", "0"],
            &["--nodes", "251"],
            &["--host", "*.example"],
            &["kubectl"],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
