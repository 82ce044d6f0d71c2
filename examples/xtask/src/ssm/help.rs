//! What stands below the flags of `ssm` in `--help`.

pub(crate) const SSM_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm deploy -f deploy/ -n shop --app shop --instance i-0123456789abcdef0
  cargo xtask ssm status --app shop --instance i-0123456789abcdef0
  cargo xtask ssm rollback --app shop --tag Name=shop-k3s-master --bucket deployments
  cargo xtask ssm diagnose --name 'shop-k3s-*'

The node applies, judges, and keeps or undoes by itself: it needs no inbound port, and goes on
when this command dies. What names no namespace goes to that of -n, or to `default`: no kubeconfig
of this machine is read. Credentials are found as AWS's own tools find them; $AWS_ENDPOINT_URL_SSM
and $AWS_ENDPOINT_URL_S3 name other endpoints.";

pub(super) const SSM_DEPLOY_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm deploy -f deploy/ -n shop --app shop --instance i-0123456789abcdef0
  cargo xtask ssm deploy -f deploy/ -n shop --app shop --tag Name=shop-k3s-master --bucket deployments --prefix prod
  cargo xtask ssm deploy -f api.yaml -n shop --app shop --name 'shop-k3s-*' --image api=registry.example/shop/api:v2
  cargo xtask ssm deploy -k overlays/prod -n shop --app shop --tag Role=k3s --temporary-bucket --timeout 3m --log node.log
  helm template api chart/ | cargo xtask ssm deploy -f - -n shop --app shop --instance i-0123456789abcdef0
  cargo xtask ssm deploy -f deploy/ --app shop --tag Role=edge --fleet --max-concurrency 25% --bucket deployments
  cargo xtask ssm deploy -f deploy/ --app shop --instance i-0123456789abcdef0 --dry-run
  cargo xtask ssm deploy -f deploy/ --app shop --instance i-0123456789abcdef0 --json | jq .status

What fails is undone on the node: the last good bundle is applied again, and of a first deployment
nothing is left but the volume claims of its StatefulSets, which go only with a namespace that it
made itself. Secrets need a bucket: a command and its history would show them.

Ctrl-C (or SIGTERM) has the node stop and go back, and follows it; a second Ctrl-C leaves at once,
and says how to follow what the node goes on with.";

pub(super) const SSM_STATUS_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm status --app shop --instance i-0123456789abcdef0
  cargo xtask ssm status --app shop --tag Role=k3s --id 20261122-101500-4f1c2d --json | jq .run.state";

pub(super) const SSM_RESUME_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm resume --id 20261122-101500-4f1c2d --app shop --instance i-0123456789abcdef0 --bucket deployments

Name the bucket that it was begun with: there its progress and its log are. It exits as the
deployment itself would; of one that has ended it tells the result at once.";

pub(super) const SSM_CANCEL_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm cancel --id 20261122-101500-4f1c2d --app shop --instance i-0123456789abcdef0

It exits with 0 if the old state is back.";

pub(super) const SSM_ROLLBACK_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm rollback --app shop --instance i-0123456789abcdef0
  cargo xtask ssm rollback 3 --app shop --tag Role=k3s --bucket deployments --dry-run

What only later bundles had is deleted. `ssm history` says which bundles the node keeps.";

pub(super) const SSM_HISTORY_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm history --app shop --instance i-0123456789abcdef0
  cargo xtask ssm history --app shop --tag Role=k3s --json | jq .kept";

pub(super) const SSM_SWEEP_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm sweep --app shop --instance i-0123456789abcdef0 --bucket deployments --dry-run
  cargo xtask ssm sweep --app shop --tag Role=k3s --temporary-bucket --older-than 2h

Looked through are the bucket named (or buckets made for a while), commands that wait or run, and
the node's old runs.";

pub(super) const SSM_DIAGNOSE_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm diagnose --instance i-0123456789abcdef0
  cargo xtask ssm diagnose --name 'shop-k3s-*' --json | jq .disk";

pub(super) const SSM_HEALTH_EXAMPLES: &str = "\
Examples:
  cargo xtask ssm health --instance i-0123456789abcdef0

It exits with 0 if the API server is ready, 1 if it is not, or if the node cannot be asked.";
