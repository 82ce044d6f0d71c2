//! Finding nodes: over the emulator of SSM, and EC2's over a double and over moto.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod double;
mod ec2;
mod moto;
mod ssm;

use deploy_core::secret::SecretText;
use deploy_ssm::aws::{AwsBuilder, Credentials};
use deploy_ssm::sim::Simulator;
use deploy_ssm::{Aws, Instances};

const ONE: &str = "i-0123456789abcdef0";
const TWO: &str = "i-0123456789abcdef1";

fn builder(ssm: &Simulator) -> AwsBuilder {
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SecretText::new("a secret key"));
    Aws::builder().region("us-east-1").credentials(credentials).ssm_endpoint(ssm.url())
}

/// What was found, or the error: its kind and its text.
async fn found(aws: &Aws, meant: Instances) -> String {
    match meant.find(aws).await {
        Ok(found) => found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + "),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

fn check(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{said}\nhas no {part}");
    }
}
