//! Secrets go through a bucket, and show nowhere.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;

use crate::app::{secret, small};
use crate::far_scenario;
use crate::storage::BUCKET;

/// No word of this must be seen but in the Secret.
const WORD: &str = "k8cKq1vHTzo0Xh";

far_scenario!(a_secret_does_not_go_inline, async |world| {
    let manifests = small("api:v1", "a") + &secret(WORD);
    let target = world.inline().build().unwrap();
    let error = world.refused(target, &manifests, world.run()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let told = error.to_string();
    assert!(told.contains("Secret") && told.contains("name a bucket"), "{told}");
    assert!(!told.contains(WORD), "{told}");
    assert_eq!(world.ssm.count("SendCommand"), 0);
});

far_scenario!(a_secret_shows_nowhere, async |world| {
    for (image, status) in [("api:v1", Status::Healthy), ("api:does-not-exist", Status::RolledBack)] {
        let manifests = small(image, "a") + &secret(WORD);
        let target = world.target();
        let run = world.run();
        let id = run.id().clone();
        let outcome = world.apply(target.clone(), &manifests, run).await.unwrap();
        assert_eq!(outcome.status, status, "{outcome}");
        let key = world.env.get("v1", "Secret", "key").await.unwrap();
        assert_eq!(key["data"]["key"], "azhjS3ExdkhUem8wWGg=", "it arrived");
        let json = serde_json::to_string(&outcome).unwrap();
        let node = std::fs::read_to_string(world.on_node("runs").join(id.as_str()).join("log")).unwrap();
        let events =
            std::fs::read_to_string(world.on_node("runs").join(id.as_str()).join("events.jsonl")).unwrap();
        let log = target.log(&id).unwrap_or_default();
        for told in [json, node, events, log, format!("{target:?} {outcome:?}"), world.told_by_ssm().await] {
            for hidden in [WORD, "azhjS3Exdkh"] {
                assert!(!told.contains(hidden), "{told}");
            }
        }
    }
});

// The S3 of these tests knows no tags of buckets: that they work is tested against moto.
far_scenario!(a_temporary_bucket_that_cannot_be_tagged_is_not_left, async |world| {
    let target = world.inline().temporary_bucket().build().unwrap();
    let manifests = small("api:v1", "a") + &secret(WORD);
    let error = world.refused(target.clone(), &manifests, world.run()).await;
    assert!(error.to_string().contains("tag bucket deploy-ssm-"), "{error}");
    assert_eq!(world.storage.buckets(), [BUCKET]);
    assert_eq!(world.ssm.count("SendCommand"), 0);
});
