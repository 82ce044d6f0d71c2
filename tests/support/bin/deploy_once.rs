//! Deploys the manifests on standard input into `$NAMESPACE` under the name `app`, telling each event on a line: a process to be killed.
//! With `PRUNE` set, as the set `app`.

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use deploy_core::event::{Event, Observer};
use deploy_core::manifest::{Bundle, read};
use deploy_core::rollout::Rollout;
use deploy_core::run::Run;
use deploy_k8s::{Apply, ApplySet, Cluster, LeaseLock, SecretJournal};

struct Lines;

impl Observer for Lines {
    #[expect(clippy::print_stdout, reason = "the test reads these lines")]
    fn observe(&self, event: &Event) {
        println!("{}", event.kind);
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test's own process"
)]
async fn main() -> ExitCode {
    let namespace = std::env::var("NAMESPACE").expect("NAMESPACE");
    let mut manifests = Vec::new();
    std::io::stdin().read_to_end(&mut manifests).expect("manifests on standard input");
    let objects = read("stdin", &manifests).expect("good manifests");
    let bundle = Bundle::builder().objects(objects).namespace(&namespace).build().expect("a good bundle");
    let cluster = Cluster::builder().build().await.expect("a cluster");
    let mut target = Apply::new(cluster.clone());
    if std::env::var("PRUNE").is_ok() {
        target = target.prune(ApplySet::new("app", &namespace).expect("a good name"));
    }
    let rollout = Rollout::new(Arc::new(target))
        .lock(Arc::new(LeaseLock::new(cluster.clone(), &namespace)))
        .journal(Arc::new(SecretJournal::new(cluster, &namespace)))
        .holder("deploy-once");
    match rollout.run(&bundle, Run::new().named("app").observer(Arc::new(Lines))).await {
        Ok(outcome) => {
            println!("{outcome}");
            ExitCode::from(u8::from(!outcome.status.is_success()))
        }
        Err(error) => {
            println!("error: {error}");
            ExitCode::from(2)
        }
    }
}
