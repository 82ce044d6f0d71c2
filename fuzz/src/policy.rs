//! Policies for tags, for keeping them, and the hours of deployments: a line of text is a policy or refused, a policy comes back from its text, and no tag upsets it.
#![no_main]

use deploy_core::gate::window::{Hours, Zone};
use deploy_core::image::Digest;
use deploy_core::tag::TagPolicy;
use deploy_core::tag::retention::{InUse, RetentionPolicy, plan};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (policy, tag) = text.split_once('\n').unwrap_or((text, "main.20261121-101112.4f1c2d9"));
    if let Ok(policy) = policy.parse::<RetentionPolicy>() {
        let again: RetentionPolicy = policy.to_string().parse().expect("we wrote it");
        assert_eq!(again, policy);
        let repository = "shop/api".parse().expect("a repository");
        let now = "2026-11-22T00:00:00Z".parse().expect("a time");
        let tags = tag.parse().ok().map(|tag| (tag, Digest::sha256(b"")));
        let plan = plan(&policy, &repository, tags, &InUse::new(), now).expect("one tag");
        assert!(plan.table().to_string().starts_with("TAG "));
    }
    if let Ok(hours) = policy.parse::<Hours>() {
        assert_eq!(hours.to_string().parse::<Hours>().expect("we wrote it"), hours);
    }
    let _ = policy.parse::<Zone>();
    let Ok(policy) = policy.parse::<TagPolicy>() else { return };
    let again: TagPolicy = policy.to_string().parse().expect("we wrote it");
    assert_eq!(again.to_string(), policy.to_string());
    let _ = policy.commit(tag);
});
