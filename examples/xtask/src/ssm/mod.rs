//! `ssm`: a K3s node that nobody can reach, through AWS. The cluster is asked by the node alone.

mod args;
mod ask;
mod deploy;
mod far;
pub(crate) mod help;
mod node;
mod resume;
mod sweep;
mod words;

use std::sync::Arc;

use deploy_core::error::Result;
use deploy_core::run::{OnFailure, Policy, Run};

pub(crate) use args::SsmArgs;
use args::{FollowArgs, SsmCommand};
pub(crate) use far::{Far, open};

use crate::Done;
use crate::images::Desk;
use crate::report::Deed;

pub(crate) async fn execute(args: &SsmArgs, far: &Far, desk: &Desk<'_>) -> Result<Done> {
    match &args.command {
        SsmCommand::Deploy(args) => Ok(Done::followed(deploy::deploy(args, far, desk).await?, Deed::Rollout)),
        SsmCommand::Rollback(args) => {
            Ok(Done::followed(deploy::roll_back(args, far, desk).await?, Deed::Rollout))
        }
        SsmCommand::Resume(args) => Ok(Done::followed(resume::resume(args, far, desk).await?, Deed::Rollout)),
        SsmCommand::Cancel(args) => resume::cancel(args, far, desk).await,
        SsmCommand::Status(args) => ask::status(args, far, desk).await,
        SsmCommand::History(_) => ask::history(far, desk).await,
        SsmCommand::Sweep(args) => sweep::sweep(args, far, desk).await,
        SsmCommand::Diagnose(_) => node::diagnose(far, desk).await,
        SsmCommand::Health(_) => node::health(far, desk).await,
    }
}

/// A run on the desk's clock, which a signal cancels.
fn run(desk: &Desk<'_>) -> Run {
    Run::on_clock(Arc::new(desk.clock)).cancelled_by(desk.cancel.clone()).observer(desk.progress.clone())
}

/// One that is followed to its end.
fn followed(run: Run, follow: &FollowArgs, on_failure: OnFailure, far: &Far) -> Run {
    let policy = Policy::default().timeout(follow.timeout).rollback_timeout(follow.rollback_timeout);
    run.named(far.target.app()).policy(policy.on_failure(on_failure))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::help::*;
    use crate::args::Cli;

    #[test]
    fn reads_the_command_lines_of_its_examples() {
        let examples = [
            SSM_EXAMPLES,
            SSM_DEPLOY_EXAMPLES,
            SSM_STATUS_EXAMPLES,
            SSM_RESUME_EXAMPLES,
            SSM_CANCEL_EXAMPLES,
            SSM_ROLLBACK_EXAMPLES,
            SSM_HISTORY_EXAMPLES,
            SSM_SWEEP_EXAMPLES,
            SSM_DIAGNOSE_EXAMPLES,
            SSM_HEALTH_EXAMPLES,
        ];
        let lines = examples.iter().flat_map(|text| text.lines());
        let mut count = 0;
        for line in lines.filter_map(|line| line.split_once("cargo ").map(|(_, rest)| rest)) {
            let line = line.split(" | ").next().unwrap().replace('\'', "");
            Cli::try_parse_from(line.split_whitespace())
                .map_or_else(|error| panic!("{line}: {error}"), |_| count += 1);
        }
        assert_eq!(count, 25);
    }

    #[test]
    fn refuses_bad_command_lines() {
        let check = |line: &str, expect: &str| {
            let line = format!("xtask ssm {line}");
            let error =
                Cli::try_parse_from(line.split_whitespace()).err().unwrap_or_else(|| panic!("{line} passed"));
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(expect), "{line}: {error}");
        };
        let node = "--instance i-01234567";
        check("deploy -f a --app shop", "<--instance <ID>|--tag <K=V>|--name <PATTERN>>");
        check(&format!("deploy -f a {node}"), "--app <APP>");
        check(&format!("deploy --app shop {node}"), "<--filename <PATH>...|--kustomize <DIR>>");
        check(&format!("deploy -f a -k b --app shop {node}"), "cannot be used with");
        check(&format!("deploy -f a --app shop {node} --tag Role=k3s"), "cannot be used with");
        check(&format!("deploy -f a --app shop {node} --bucket b --temporary-bucket"), "cannot be used with");
        check(&format!("deploy -f a --app shop {node} --prefix p"), "--bucket <BUCKET>");
        check(&format!("deploy -f a --app shop {node} --keep 0"), "0 is not in 1..=1000");
        check(
            &format!("deploy -f a --app shop {node} --validate maybe"),
            "[possible values: strict, warn, ignore]",
        );
        check(&format!("deploy -f a --app shop {node} --max-errors many"), "is no number of nodes");
        check(&format!("deploy -f a --app shop {node} --timeout 5"), "a unit is missing");
        check(&format!("deploy -f a --app shop {node} --report a.txt"), ".json, .md or .html");
        check(&format!("resume --app shop {node}"), "--id <ID>");
        check(&format!("rollback 0 --app shop {node}"), "0 is not in 1..");
        check(&format!("rollback --app shop {node} --prune"), "--prune");
        check(&format!("sweep --app shop {node} --older-than soon"), "there is no such unit");
        check("health", "<--instance <ID>|--tag <K=V>|--name <PATTERN>>");
        check(&format!("health {node} --app shop"), "--app");
    }
}
