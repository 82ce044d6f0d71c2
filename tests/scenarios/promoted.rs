//! Promotions: what should run is in ConfigMaps, and what runs is on the cluster.

use std::sync::Arc;

use deploy_core::config::ConfigStore;
use deploy_core::event::{Event, EventKind, Observer};
use deploy_core::image::Reference;
use deploy_core::manifest::ImageOverride;
use deploy_core::memory::{MemoryAudit, MemoryRegistry, MemorySource};
use deploy_core::promotion::{Environment, Form, Promoted, Promotion, Status, Wanted};
use deploy_core::registry::Registry;
use deploy_core::rollout::Rollout;
use deploy_core::run::Cancel;
use deploy_core::tag::Holds;
use deploy_k8s::{ConfigMapStore, KindName, SetImages};
use deploy_registry::OciRegistry;
use deploy_tests::{Env, deployment, scenario};

/// Two environments in one namespace, each with a Deployment of its own.
struct Shop {
    env: Env,
    promotion: Promotion,
    audit: MemoryAudit,
}

impl Shop {
    fn new(env: &Env) -> Self {
        let image = format!("{}/api", env.registry);
        let registry: Arc<dyn Registry> = if env.embedded.is_some() {
            let registry = MemoryRegistry::new();
            for tag in ["v1", "v2", "v3", "crash"] {
                registry.put(&format!("{image}:{tag}").parse().expect("a reference"), "4f1c2d9");
            }
            Arc::new(registry)
        } else {
            Arc::new(OciRegistry::builder().build().expect("a registry"))
        };
        let audit = MemoryAudit::default();
        let environment = |name: &str| {
            let named = deployment("api:v1").replace("{name: api}", &format!("{{name: {name}}}"));
            let manifests = env.filled(&named.replace("app: api", &format!("app: {name}")));
            Environment::new(name, Arc::new(Self::store(env, name)))
                .writes("api", "api", Form::Pinned)
                .create_missing(true)
                .policy("scheme=/(?<name>.+)/ order=lexical".parse().expect("a policy"))
                .holds(Holds::new(Arc::new(Self::store(env, name)), "holds"))
                .deploys(env.rollout(), Arc::new(MemorySource::new("app.yaml", manifests)))
                .namespace(&env.namespace)
        };
        let promotion = Promotion::new("shop", registry)
            .image("api", image.parse().expect("a repository"))
            .environment(environment("dev"))
            .environment(environment("production"))
            .audit(Arc::new(audit.clone()))
            .by("a scenario");
        Self { env: env.clone(), promotion, audit }
    }

    fn store(env: &Env, name: &str) -> ConfigMapStore {
        ConfigMapStore::new(env.cluster.clone(), &env.namespace, format!("shop-{name}"))
    }

    async fn promote(&self, environment: &str, wanted: Wanted) -> Promoted {
        let (run, _) = self.env.run();
        self.promotion.promote(environment, &wanted, run).await.expect("started")
    }

    /// The tags that are written down, and that the Deployment has.
    async fn stands(&self, environment: &str) -> (String, String) {
        let tag = |image: &str| {
            let image: Reference = image.parse().expect("a reference");
            assert!(image.digest().is_some(), "{image}");
            image.tag().expect("a tag").to_string()
        };
        let entry = Self::store(&self.env, environment).get("api").await.expect("read").expect("written");
        let deployment = self.env.get("apps/v1", "Deployment", environment).await.expect("deployed");
        let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
        (tag(&entry.value), tag(image.as_str().expect("a text")))
    }

    fn recorded(&self) -> Vec<String> {
        let records = self.audit.records().into_iter();
        records
            .map(|record| format!("{} {}", record.action, record.environment.unwrap_or_default()))
            .collect()
    }
}

fn both(tag: &str) -> (String, String) {
    (tag.to_owned(), tag.to_owned())
}

scenario!(promotion_to_production_and_a_bad_one_back, async |env| {
    let shop = Shop::new(&env);
    for tag in ["v1", "v2"] {
        for (environment, wanted) in [("dev", Wanted::tags([("api", tag)])), ("production", Wanted::next())] {
            let promoted = shop.promote(environment, wanted).await;
            assert_eq!(promoted.status, Status::Promoted, "{promoted}");
            assert_eq!(shop.stands(environment).await, both(tag));
        }
    }
    let promoted = shop.promote("dev", Wanted::tags([("api", "crash")]).even_older()).await;
    assert_eq!(promoted.status, Status::Undone, "{promoted}");
    assert!(promoted.to_string().contains("boom") || promoted.to_string().contains("exit"), "{promoted}");
    assert_eq!(shop.stands("dev").await, both("v2"));
    assert_eq!(promoted.holds.len(), 1, "{promoted}");
    let again = Wanted::tags([("api", "crash")]).even_older();
    let (run, _) = env.run();
    let refused = shop.promotion.promote("dev", &again, run).await.expect_err("it is held");
    assert!(refused.to_string().contains("held"), "{refused}");
    assert_eq!(
        shop.recorded(),
        ["promote dev", "promote production", "promote dev", "promote production", "undo dev"]
    );
    env.assert_no_records().await;
});

/// Is told when it is written down.
struct Written(Cancel);

impl Observer for Written {
    fn observe(&self, event: &Event) {
        if matches!(event.kind, EventKind::Written { .. }) {
            self.0.cancel();
        }
    }
}

scenario!(promotion_that_dies_once_it_is_written, async |env| {
    let shop = Shop::new(&env);
    assert_eq!(shop.promote("dev", Wanted::tags([("api", "v1")])).await.status, Status::Promoted);
    let written = Cancel::new();
    let (run, _) = env.run();
    let run = run.observer(Arc::new(Written(written.clone())));
    let wanted = Wanted::tags([("api", "v2")]);
    // Dropped, as if its process had been killed.
    tokio::select! {
        promoted = shop.promotion.promote("dev", &wanted, run) => panic!("it should die: {promoted:?}"),
        () = written.cancelled() => {}
    }
    assert_eq!(shop.stands("dev").await, ("v2".to_owned(), "v1".to_owned()));
    // Something else is wanted meanwhile: the way back stays that to v1.
    let promoted = shop.promote("dev", Wanted::tags([("api", "v3")])).await;
    assert_eq!(promoted.status, Status::Promoted, "{promoted}");
    assert_eq!(promoted.changes(), ["api: v1 to v3"]);
    assert_eq!(shop.stands("dev").await, both("v3"));
    env.assert_no_records().await;
});

scenario!(what_was_changed_by_hand_is_written_down, async |env| {
    let shop = Shop::new(&env);
    assert_eq!(shop.promote("dev", Wanted::tags([("api", "v2")])).await.status, Status::Promoted);
    // As `kubectl set image` does in an emergency.
    let target = env.target().field_manager("by-hand").expect("a name");
    let image = ImageOverride::new("api", &format!("{}/api:v1", env.registry)).expect("an image");
    let workload = "deploy/dev".parse::<KindName>().expect("KIND/NAME").in_namespace(&env.namespace);
    let by_hand = SetImages::new(&target, workload, vec![image]);
    let (run, _) = env.run();
    let outcome = Rollout::new(Arc::new(by_hand.target())).run_derived(&by_hand, run).await.expect("started");
    assert!(outcome.status.is_success(), "{outcome}");
    let (run, _) = env.run();
    let shown = shop.promotion.sync("dev", &env.cluster, &env.namespace, false, &run).await.expect("seen");
    assert_eq!(shown.differences.len(), 1, "{shown:?}");
    assert!(!shown.written);
    let written = shop.promotion.sync("dev", &env.cluster, &env.namespace, true, &run).await.expect("seen");
    assert!(written.written, "{written:?}");
    let entry = Shop::store(&env, "dev").get("api").await.expect("read").expect("written");
    assert!(entry.value.contains("/api:v1@sha256:"), "{}", entry.value);
});
