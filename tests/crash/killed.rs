//! Kills a deployment at its requests, and looks at what the next one comes to.

use std::collections::BTreeSet;

use deploy_core::error::ErrorKind;
use deploy_k8s::ReleaseStatus;
use deploy_sim::{Moment, Mortal};
use deploy_tests::{Env, embedded, live};

use crate::cases::Case;
use crate::end::End;

/// What the writes that die on a live cluster are drawn by.
const SEED: u64 = 20_261_121;

/// Every request, before and after its effect.
#[expect(clippy::print_stdout, reason = "what was tried, for --nocapture")]
pub(crate) async fn at_every_request(case: &'static Case) {
    let mut wanted = None;
    embedded(case.name, async |env| wanted = Some(undisturbed(case, &env).await.0)).await;
    let wanted = wanted.expect("it ended");
    let (mut deaths, mut reads) = (0, BTreeSet::new());
    for moment in [Moment::Before, Moment::After] {
        for request in 0.. {
            // After a read everything is as before the next request.
            if moment == Moment::After && reads.contains(&request) {
                continue;
            }
            let process = Mortal::at(request, moment);
            let mut died = false;
            embedded(case.name, async |env| died = is_killed(case, &env, &process, &wanted).await).await;
            if !died {
                break;
            }
            if process.fatal_request().is_some_and(|fatal| fatal.starts_with("GET ")) {
                reads.insert(request);
            }
            deaths += 1;
        }
    }
    println!("{}: {deaths} deaths", case.name);
    assert!(deaths >= 20, "{}: only {deaths} deaths", case.name);
}

/// One of the writes.
pub(crate) async fn at_a_write(case: &'static Case) {
    let mut first = None;
    live(case.name, async |env| {
        first = Some(undisturbed(case, &env).await);
        tidy(&env).await;
    })
    .await;
    let (wanted, writes) = first.expect("it ended");
    let seed = case.name.bytes().fold(SEED, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let moment = if seed.is_multiple_of(2) { Moment::Before } else { Moment::After };
    // Time on a live cluster is its own: the lease may be renewed once less than the first time.
    let write = (seed / 2) % writes.saturating_sub(3).max(1);
    let process = Mortal::at_write(write, moment);
    let mut died = false;
    live(&format!("{}_again", case.name), async |env| {
        died = is_killed(case, &env, &process, &wanted).await;
        tidy(&env).await;
    })
    .await;
    assert!(died, "{}: it ended before write {write} of {writes}", case.name);
}

/// A definition does not go with the namespace.
async fn tidy(env: &Env) {
    let definition = format!("widgets.{}.example.com", env.namespace);
    if env.has_definition(&definition).await {
        env.remove_definition(&definition).await;
    }
}

/// No revision of the release is under way, none is missing, and one of them at most is deployed.
async fn settled(env: &Env) -> Result<(), String> {
    let Ok(history) = env.release("app").revisions().await else { return Ok(()) };
    let told = || history.iter().map(|one| format!("{} {}", one.revision, one.status)).collect::<Vec<_>>();
    let deployed = history.iter().filter(|one| one.status == ReleaseStatus::Deployed).count();
    let is_whole =
        history.iter().zip(history.iter().skip(1)).all(|(newer, older)| newer.revision == older.revision + 1);
    let rests =
        history.iter().all(|one| !one.status.is_pending() && one.status != ReleaseStatus::Uninstalling);
    if deployed <= 1 && is_whole && rests { Ok(()) } else { Err(told().join(", ")) }
}

/// How it ends when nobody disturbs it, and after how many writes.
async fn undisturbed(case: &Case, env: &Env) -> (End, u64) {
    case.begin(env).await;
    let process = Mortal::at_write(u64::MAX, Moment::Before);
    let outcome =
        case.deploy(&env.through(process.client(env.kube.clone())), "first").await.expect("started");
    assert_eq!(outcome.status, case.ends, "{}: {outcome}", case.name);
    (End::of(env).await, process.requests())
}

/// Deploys and is killed, and deploys again: that comes to the same end. Whether it was killed at all.
async fn is_killed(case: &Case, env: &Env, process: &Mortal, wanted: &End) -> bool {
    case.begin(env).await;
    let dying = env.through(process.client(env.kube.clone()));
    if let Some(ended) = process.until_death(case.deploy(&dying, "first")).await {
        assert_eq!(ended.expect("started").status, case.ends, "{}", case.name);
        return false;
    }
    let death = format!("{}, {process}", case.name);
    match case.deploy(env, "second").await {
        Ok(outcome) => assert_eq!(outcome.status, case.ends, "{death}: {outcome}"),
        Err(error) if case.removes() && error.kind() == ErrorKind::NotFound => {}
        Err(error) => panic!("{death}: {error}"),
    }
    if let Err(why) = settled(env).await {
        panic!("{death}: {why}");
    }
    let end = End::of(env).await;
    if let Some(difference) = wanted.differs(&end) {
        panic!("{death}: it came to another end\n{difference}");
    }
    true
}
