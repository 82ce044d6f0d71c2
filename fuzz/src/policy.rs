//! Tag policies: a line of text is a policy or refused, a policy comes back from its text, and no tag upsets it.
#![no_main]

use deploy_core::tag::TagPolicy;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (policy, tag) = text.split_once('\n').unwrap_or((text, "main.20261121-101112.4f1c2d9"));
    let Ok(policy) = policy.parse::<TagPolicy>() else { return };
    let again: TagPolicy = policy.to_string().parse().expect("we wrote it");
    assert_eq!(again.to_string(), policy.to_string());
    let _ = policy.commit(tag);
});
