//! What stands below the flags in `--help`.

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    healthy; planned, with --dry-run; with diff: no differences
  1    failed or rolled back, cancelled, locked by another run, refused or not reached; healthy, but
       not all that --prune deletes is gone; with status: not healthy (yet); with diff: differences
  2    bad input, and nothing was written: flags, manifests, and a file, context, namespace,
       kind, workload, release or revision that is not there; with diff: any error, so that 1 is never one
  130  left at once by a second Ctrl-C";

pub(crate) const APPLY_EXAMPLES: &str = "\
Examples:
  cargo xtask apply -f deploy/ -n shop --name shop
  cargo xtask apply -f api.yaml -n shop --image api=registry.example/shop/api:v2 --timeout 2m
  cargo xtask apply --chart chart/ --values prod.yaml --set image.tag=v2 -n shop --name shop
  cargo xtask apply -k overlays/prod -n shop --name shop
  kustomize build . | cargo xtask apply -f - -n shop --dry-run
  cargo xtask apply -f deploy/ -n shop --name shop --prune --yield spec.replicas
  cargo xtask apply -f deploy/ -n shop --recreate job --recreate Widget.example.com
  cargo xtask apply -f deploy/ -n shop --preflight --pin
  cargo xtask apply -f deploy/ -n shop --pin --cosign-key cosign.pub --scan-report api.json
  cargo xtask apply -f deploy/ -n shop --json | jq .status
  cargo xtask apply -f deploy/ -n shop --report rollout.html --report rollout.md

Of a chart the hooks are left out (and named), because only a release runs them; its CRDs are
applied like all else. It is rendered for the version and the APIs of the cluster
(`.Capabilities`), but `lookup` finds nothing.

Ctrl-C (or SIGTERM) stops the run and brings the old state back; a second Ctrl-C leaves at once.";

pub(crate) const DIFF_EXAMPLES: &str = "\
Examples:
  cargo xtask diff -f deploy/ -n shop
  cargo xtask diff -f deploy/ -n shop --name shop --prune
  cargo xtask diff --chart chart/ --values prod.yaml -n shop --name shop
  cargo xtask diff -k overlays/prod -n shop
  cargo xtask diff -f deploy/ -n shop --json | jq .objects

Secrets' values are masked; that one changes still shows. It exits with 0 if there are no
differences, 1 if there are some, 2 if it cannot be told.";

pub(crate) const HISTORY_EXAMPLES: &str = "\
Examples:
  cargo xtask history deployment/api -n shop
  cargo xtask history sts/db -n shop --json | jq .revisions[0].images";

pub(crate) const UNDO_EXAMPLES: &str = "\
Examples:
  cargo xtask undo deployment/api -n shop
  cargo xtask undo sts/db -n shop --to-revision 3 --name shop";

pub(crate) const RESTART_EXAMPLES: &str = "\
Examples:
  cargo xtask restart deployment/api -n shop
  cargo xtask restart ds/agent -n shop --name shop --timeout 10m";

pub(crate) const RUNNING_EXAMPLES: &str = "\
Examples:
  cargo xtask running -n shop
  cargo xtask running -n shop --json | jq '.running[].digests'

Digests are those that the pods report; more than one while a rollout is under way. The commit is the
one that the workload was deployed with, and DEPLOYED is when its image was written last.";

pub(crate) const TAGS_EXAMPLES: &str = "\
Examples:
  cargo xtask tags registry.example/shop/api --policy 'scheme=branch.timestamp.sha branch=main'
  cargo xtask tags registry.example/shop/api --policy 'scheme=semver range=\">=1.2 <2\"' --explain
  cargo xtask tags registry.example/shop/api --policy scheme=semver --running shop
  cargo xtask tags 127.0.0.1:5000/api --policy 'scheme=run-timestamp order=run' --explain=100
  cargo xtask tags registry.example/shop/api --policy scheme=semver --json | jq .choice

The choice stands alone on the last line. If nothing may run, or if it cannot be told, nothing is
chosen: the command fails and says why.";

pub(crate) const INSPECT_EXAMPLES: &str = "\
Examples:
  cargo xtask inspect registry.example/shop/api:v1
  cargo xtask inspect 127.0.0.1:5000/api:v1 --json | jq .revision";

pub(crate) const PROMOTE_EXAMPLES: &str = "\
Examples:
  cargo xtask promote registry.example/dev/api:v1 registry.example/prod/api:v1
  cargo xtask promote registry.example/api:v1 registry.internal:5000/api:v1 --referrers

The digest stays the same. Within a registry nothing is sent twice that it can mount.";

pub(crate) const PUSH_EXAMPLES: &str = "\
Examples:
  cargo xtask push image.tar registry.example/shop/api:v1
  cargo xtask push build/layout 127.0.0.1:5000/api:v1 --select v1

Make the file with: docker buildx build --output type=oci,dest=image.tar .";

pub(crate) const RETENTION_EXAMPLES: &str = "\
Examples:
  cargo xtask retention registry.example/shop/api --policy 'scheme=branch.timestamp.sha last=10' --running shop --plan
  cargo xtask retention registry.example/shop/api --policy 'scheme=sha keep=all' --running shop --running shop-dev
  cargo xtask retention 127.0.0.1:5000/api --policy 'scheme=semver last=5' --runs-nowhere --delete

Never deleted: what runs in the namespaces named, what a way back there needs, what no scheme of
the policy reads, and any image of which another tag stays.";

pub(crate) const PAUSE_EXAMPLES: &str = "\
Examples:
  cargo xtask pause deployment/api -n shop

It is done once Kubernetes knows: a rollout that it stops half-way stays half-way, and is not waited for.";

pub(crate) const RESUME_EXAMPLES: &str = "\
Examples:
  cargo xtask resume deployment/api -n shop
  cargo xtask resume deployment/api -n shop --no-rollback

If the rollout fails, the Deployment is paused again, with the pods that it has by then.";

pub(crate) const SET_IMAGE_EXAMPLES: &str = "\
Examples:
  cargo xtask set-image deployment/api api=registry.example/shop/api:v2 -n shop
  cargo xtask set-image sts/db '*=registry.example/shop/db:v7' -n shop --name shop";

pub(crate) const STATUS_EXAMPLES: &str = "\
Examples:
  cargo xtask status deployment/api -n shop
  cargo xtask status deploy/api -n shop --watch=false --json | jq .verdict.state";

pub(crate) const RELEASE_EXAMPLES: &str = "\
Examples:
  cargo xtask release upgrade api --chart chart/ --values prod.yaml -n shop
  cargo xtask release rollback api -n shop
  cargo xtask release list -A
  cargo xtask release history api -n shop
  cargo xtask release get api 3 -n shop --show all-values
  cargo xtask release status api -n shop --json | jq .images

A release is what is recorded of it in the cluster, by helm 3 or 4 as well: each goes on where
the other stopped. helm itself is needed only to render a chart.";

/// clap puts what is required first, and behind the files a name would be one more.
pub(crate) const RELEASE_UPGRADE_USAGE: &str = "\
cargo xtask release upgrade <NAME> <--filename <PATH>...|--chart <DIR>|--kustomize <DIR>> [OPTIONS]";

pub(crate) const RELEASE_UPGRADE_EXAMPLES: &str = "\
Examples:
  cargo xtask release upgrade api -f deploy/ -n shop --create-namespace --git-revision 4f1c2d9
  cargo xtask release upgrade api --chart chart/ --values prod.yaml --set image.tag=v2 -n shop
  cargo xtask release upgrade api --chart chart/ --reuse-values --set image.tag=v3 -n shop
  cargo xtask release upgrade api -k overlays/prod -n shop --image api=registry.example/shop/api:v2
  cargo xtask release upgrade api -f deploy/ -n shop --take-ownership --timeout 2m --dry-run
  cargo xtask release upgrade api -f deploy/ -n shop --take-over-helm=10m --json | jq .revision

What fails is rolled back to the newest good revision, as a revision of its own; of a first
install that fails only the record is left. Ctrl-C (or SIGTERM) does the same; a second Ctrl-C
leaves at once, and the next run takes the revision up.

A chart is rendered for the version and the APIs of the cluster (`.Capabilities`), but `lookup`
finds nothing: a chart that looks for the password that it made would make another, so give
it one. Besides the cluster's APIs a chart sees those that helm knows by itself.

As with helm, an upgrade without values keeps those of the deployed revision; with any of
--values, --set and --set-string only these count, and with --reset-values none of before.
--reuse-values keeps them under those given now, and the chart's own as they were then, too.";

pub(crate) const RELEASE_ROLLBACK_EXAMPLES: &str = "\
Examples:
  cargo xtask release rollback api -n shop
  cargo xtask release rollback api 3 -n shop --dry-run

Without a REVISION it goes to the newest good one before the present; helm goes to the one
before the newest, which may have failed.";

pub(crate) const RELEASE_UNINSTALL_EXAMPLES: &str = "\
Examples:
  cargo xtask release uninstall api -n shop
  cargo xtask release uninstall api -n shop --keep-history

Its hooks for pre-delete and post-delete run, then all records go. What is annotated
helm.sh/resource-policy: keep stays, and so do a chart's crds/ and the objects of hooks that
their own policy (helm.sh/hook-delete-policy) did not delete: helm leaves them, too.
What is interrupted goes on with the next run.";

pub(crate) const RELEASE_TEST_EXAMPLES: &str = "\
Examples:
  cargo xtask release test api -n shop --timeout 2m

The logs of a test that fails are shown. helm status tells how the tests came out, too.";

pub(crate) const RELEASE_DIFF_EXAMPLES: &str = "\
Examples:
  cargo xtask release diff api -n shop
  cargo xtask release diff api 3 -n shop --json | jq .objects

Nothing is written. It exits with 0 if there are no differences, 1 if there are some, 2 if it
cannot be told.";
