//! What is deployed, over what, and how it ends.

use std::sync::Arc;

use deploy_core::error::Result;
use deploy_core::manifest::{ImageOverride, ObjectId};
use deploy_core::outcome::{Outcome, Status};
use deploy_core::rollout::Rollout;
use deploy_k8s::{Apply, ApplySet, KindName, LeaseLock, RolloutVerb, SetImages};
use deploy_tests::{Env, deployment, job, workload};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// A deployment that is to be killed.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What is deployed before it.
    before: &'static [What],
    what: What,
    /// How it ends when nobody disturbs it.
    pub(crate) ends: Status,
}

type Target = fn(&Env) -> Apply;

#[derive(Clone, Copy)]
enum What {
    Manifests(Target, fn() -> String),
    Image(&'static str),
    /// The one verb that can be asked for again when it is done: `undo` would go on to another revision, `pause` is refused.
    Restart,
    /// A release called `app`.
    Release(Step),
}

/// What is done with the release.
#[derive(Clone, Copy)]
enum Step {
    Upgrade(fn() -> String),
    /// The same, over what is not the release's.
    TakeOver(fn() -> String),
    /// To the first revision.
    RollBack,
    Uninstall,
}

use Step::{RollBack, TakeOver, Uninstall, Upgrade};
use What::{Image, Manifests, Release, Restart};

const fn case(name: &'static str, before: &'static [What], what: What, ends: Status) -> Case {
    Case { name, before, what, ends }
}

pub(crate) const CASES: &[Case] = &[
    case("install", &[], Manifests(plain, v1), Status::Healthy),
    case("install_that_fails", &[], Manifests(plain, bad), Status::RolledBack),
    case("upgrade", &[Manifests(plain, v1)], Manifests(plain, v2), Status::Healthy),
    case("upgrade_that_fails", &[Manifests(plain, v1)], Manifests(plain, bad), Status::RolledBack),
    case(
        "stateful_set_that_fails",
        &[Manifests(plain, || set("api:v1"))],
        Manifests(plain, || set("api:does-not-exist")),
        Status::RolledBack,
    ),
    case(
        "job_that_fails",
        &[Manifests(plain, v1)],
        Manifests(plain, || job("api:crash") + "---\n" + &v2()),
        Status::RolledBack,
    ),
    case(
        "set_with_members_to_prune",
        &[Manifests(pruned, v1)],
        Manifests(pruned, || deployment("api:v2")),
        Status::Healthy,
    ),
    case(
        "set_that_fails",
        &[Manifests(pruned, v1)],
        Manifests(pruned, || deployment("api:crash")),
        Status::RolledBack,
    ),
    case("created_anew", &[Manifests(plain, v1)], Manifests(anew, || relabelled(&v2())), Status::Healthy),
    case(
        "created_anew_and_fails",
        &[Manifests(plain, v1)],
        Manifests(anew, || relabelled(&bad())),
        Status::RolledBack,
    ),
    case("definition_and_its_object", &[], Manifests(plain, widget), Status::Healthy),
    case("taken_over", &[Manifests(theirs, v1)], Manifests(taking, v2), Status::Healthy),
    case("taken_over_and_fails", &[Manifests(theirs, v1)], Manifests(taking, bad), Status::RolledBack),
    case("image_set", &[Manifests(plain, v1)], Image("api:v2"), Status::Healthy),
    case("image_set_that_fails", &[Manifests(plain, v1)], Image("api:does-not-exist"), Status::RolledBack),
    case(
        "daemon_set_that_fails",
        &[Manifests(plain, || daemon("api:v1"))],
        Manifests(plain, || daemon("api:crash")),
        Status::RolledBack,
    ),
    case(
        "job_before_its_follower",
        &[Manifests(plain, || deployment("api:v1"))],
        Manifests(plain, after_job),
        Status::Healthy,
    ),
    case("service_to_be_replaced", &[Manifests(plain, v1)], Manifests(plain, external), Status::RolledBack),
    case("restarted", &[Manifests(plain, v1)], Restart, Status::Healthy),
    case("release_installed", &[], Release(Upgrade(hooked)), Status::Healthy),
    case("release_installed_and_fails", &[], Release(Upgrade(bad)), Status::RolledBack),
    case("release_upgraded", &[Release(Upgrade(v1))], Release(Upgrade(without_old)), Status::Healthy),
    case("release_upgraded_and_fails", &[Release(Upgrade(v1))], Release(Upgrade(bad)), Status::RolledBack),
    case(
        "release_whose_hook_fails",
        &[Release(Upgrade(v1))],
        Release(Upgrade(|| {
            hooked().replace("command: [/bin/true], image: $REGISTRY/api:v1", "image: $REGISTRY/api:crash")
        })),
        Status::RolledBack,
    ),
    case(
        "release_rolled_back",
        &[Release(Upgrade(v1)), Release(Upgrade(without_old))],
        Release(RollBack),
        Status::Healthy,
    ),
    case("release_that_takes_over", &[Manifests(plain, v1)], Release(TakeOver(v2)), Status::Healthy),
    case(
        "release_that_takes_over_and_fails",
        &[Manifests(plain, v1)],
        Release(TakeOver(bad)),
        Status::RolledBack,
    ),
    case("release_uninstalled", &[Release(Upgrade(hooked))], Release(Uninstall), Status::Healthy),
];

/// The case of this name.
pub(crate) fn named(name: &str) -> &'static Case {
    CASES.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
}

impl Case {
    /// Deploys what is there before.
    pub(crate) async fn begin(&self, env: &Env) {
        for what in self.before {
            let outcome = what.deploy(env, "before").await.expect("started");
            assert_eq!(outcome.status, Status::Healthy, "before {}: {outcome}", self.name);
        }
    }

    /// The deployment, by this holder of the lock.
    ///
    /// # Errors
    /// It did not start.
    pub(crate) async fn deploy(&self, env: &Env, holder: &'static str) -> Result<Outcome> {
        self.what.deploy(env, holder).await
    }

    /// Whether it is done when there is nothing left to do it to.
    pub(crate) fn removes(&self) -> bool {
        matches!(self.what, Release(Uninstall))
    }
}

impl What {
    fn deploy<'a>(&'a self, env: &'a Env, holder: &'static str) -> BoxFuture<'a, Result<Outcome>> {
        match self {
            Manifests(target, manifests) => {
                async move { deploy(env, target(env), &manifests(), holder).await }.boxed()
            }
            Image(image) => set_image(env, image, holder).boxed(),
            Restart => {
                roll(env, RolloutVerb::restart(&env.target(), api(env), env.clock.now()), holder).boxed()
            }
            Release(step) => release(env, *step, holder).boxed(),
        }
    }
}

async fn release(env: &Env, step: Step, holder: &str) -> Result<Outcome> {
    let (release, (run, _)) = (env.release("app").holder(holder), env.run());
    match step {
        Upgrade(manifests) => release.upgrade(&env.bundle(&manifests()), run).await,
        TakeOver(manifests) => release.take_ownership(true).upgrade(&env.bundle(&manifests()), run).await,
        RollBack => release.roll_back(Some(1), run).await,
        Uninstall => release.uninstall(false, run).await,
    }
}

async fn deploy(env: &Env, target: Apply, manifests: &str, holder: &str) -> Result<Outcome> {
    let (run, _) = env.run();
    recorded(env, Rollout::new(Arc::new(target)), holder).run(&env.bundle(manifests), run.named("app")).await
}

/// With lock and journal in the namespace.
fn recorded(env: &Env, rollout: Rollout, holder: &str) -> Rollout {
    let lock = LeaseLock::new(env.cluster.clone(), &env.namespace);
    rollout.lock(Arc::new(lock)).journal(Arc::new(env.journal())).holder(holder)
}

async fn set_image(env: &Env, image: &str, holder: &str) -> Result<Outcome> {
    let image = ImageOverride::new("api", &format!("{}/{image}", env.registry)).expect("an image");
    let change = SetImages::new(&env.target(), api(env), vec![image]);
    let (run, _) = env.run();
    let rollout = recorded(env, Rollout::new(Arc::new(change.target())), holder);
    rollout.run_derived(&change, run.named("app")).await
}

async fn roll(env: &Env, verb: Result<RolloutVerb>, holder: &str) -> Result<Outcome> {
    let verb = verb?;
    let (run, _) = env.run();
    let rollout = recorded(env, Rollout::new(Arc::new(verb.target())), holder);
    rollout.run_derived(&verb, run.named("app")).await
}

fn api(env: &Env) -> ObjectId {
    "deployment/api".parse::<KindName>().expect("KIND/NAME").in_namespace(&env.namespace)
}

fn plain(env: &Env) -> Apply {
    env.target()
}

fn pruned(env: &Env) -> Apply {
    env.target().prune(ApplySet::new("app", &env.namespace).expect("a good name"))
}

fn anew(env: &Env) -> Apply {
    env.target().recreate("apps", "Deployment").expect("a kind without data")
}

fn theirs(env: &Env) -> Apply {
    env.target().field_manager("theirs").expect("a good name")
}

fn taking(env: &Env) -> Apply {
    env.target().take_over_from(["theirs"])
}

fn v1() -> String {
    app("api:v1", "1", &["settings", "old"])
}

fn v2() -> String {
    app("api:v2", "2", &["settings", "old", "new"])
}

fn bad() -> String {
    app("api:does-not-exist", "3", &["settings", "old", "new"])
}

/// A Deployment with a Service and ConfigMaps.
fn app(image: &str, value: &str, maps: &[&str]) -> String {
    let mut app = deployment(image);
    app += "---\napiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec: {selector: {app: api}, ports: [{port: 80}]}\n";
    for map in maps {
        app += &[
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ",
            map,
            "}\ndata: {v: \"",
            value,
            "\"}\n",
        ]
        .concat();
    }
    app
}

fn without_old() -> String {
    app("api:v2", "2", &["settings", "new"])
}

/// With Jobs before and after.
fn hooked() -> String {
    let hook = |name: &str, events: &str| {
        let job = job("api:v1").replace("name: migrate, image", "name: migrate, command: [/bin/true], image");
        let annotations = format!("{{helm.sh/hook: '{events}', helm.sh/hook-delete-policy: hook-succeeded}}");
        job.replace(
            "metadata: {name: migrate}",
            &format!("metadata: {{name: {name}, annotations: {annotations}}}"),
        )
    };
    let (before, after) =
        (hook("before", "pre-install,pre-upgrade"), hook("after", "post-install,pre-delete"));
    [v2(), before, after].join("---\n")
}

fn relabelled(app: &str) -> String {
    app.replace("app: api", "app: other")
}

fn set(image: &str) -> String {
    workload("apps/v1", "StatefulSet", "replicas: 2", image, "")
}

fn widget() -> String {
    include_str!("../scenarios/crd.yaml").replace("$GROUP", "$NAMESPACE.example.com")
}

fn daemon(image: &str) -> String {
    workload("apps/v1", "DaemonSet", "minReadySeconds: 0", image, "")
}

/// A Deployment that waits for a Job.
fn after_job() -> String {
    let job = job("api:v1").replace("name: migrate, image", "name: migrate, command: [/bin/true], image");
    let waits = "annotations: {config.kubernetes.io/depends-on: batch/namespaces/$NAMESPACE/Job/migrate}";
    job + "---\n"
        + &deployment("api:v2").replace("metadata: {name: api}", &format!("metadata: {{name: api, {waits}}}"))
}

/// What it makes of the Service cannot be changed back: the Service is replaced on the way back.
fn external() -> String {
    let spec = "spec: {type: ExternalName, externalName: example.com, ";
    bad().replace("spec: {selector: {app: api}, ports", &format!("{spec}selector: {{app: api}}, ports"))
}
