use std::fmt::Write as _;

use serde_json::json;

use super::good;
use crate::manifest::*;

const POD: &str = "{initContainers: [{name: init, image: busybox}], containers: [{name: api, image: 'shop/api:v1'}, \
                   {name: proxy, image: 'docker.io/envoyproxy/envoy:v1'}], ephemeralContainers: [{name: debug, image: busybox}]}";

fn kinds() -> Vec<Object> {
    let template = format!("{{spec: {{template: {{spec: {POD}}}}}}}");
    let mut text = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: x}}, spec: {POD}}}\n---\n{{apiVersion: v1, kind: PodTemplate, metadata: {{name: x}}, template: {{spec: {POD}}}}}\n---\n{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: x}}, spec: {{jobTemplate: {template}}}}}\n"
    );
    for (version, kind) in [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("v1", "ReplicationController"),
        ("batch/v1", "Job"),
        ("argoproj.io/v1alpha1", "Rollout"),
    ] {
        let _ = write!(
            text,
            "---\n{{apiVersion: {version}, kind: {kind}, metadata: {{name: x}}, spec: {{template: {{spec: {POD}}}}}}}\n"
        );
    }
    good(&text)
}

fn build(objects: Vec<Object>, overrides: &[&str]) -> crate::error::Result<Bundle> {
    let mut builder = Bundle::builder().objects(objects);
    for text in overrides {
        builder = builder.image(text.parse()?);
    }
    builder.build()
}

#[test]
fn finds_every_container_of_every_kind() {
    let bundle = build(kinds(), &[]).unwrap();
    assert_eq!(bundle.images().len(), 10 * 4);
    let names: Vec<&str> = bundle.images().iter().take(4).map(|image| image.container.as_str()).collect();
    assert_eq!(names, ["api", "proxy", "init", "debug"]);
    assert_eq!(bundle.images()[1].pointer, "/spec/containers/1/image");
}

#[test]
fn replaces_by_container_or_by_image() {
    let check = |overrides: &[&str], expect: [&str; 4]| {
        let bundle = build(kinds(), overrides).unwrap();
        for images in bundle.images().chunks(4) {
            let found: Vec<&str> = images
                .iter()
                .map(|image| {
                    bundle.get(&image.object).unwrap().get(&image.pointer).unwrap().as_str().unwrap()
                })
                .collect();
            assert_eq!(found, expect, "{overrides:?} {}", images[0].object);
        }
    };
    // api, proxy, init, debug; what is not named stays as it is written.
    let envoy = "docker.io/envoyproxy/envoy:v1";
    check(&[], ["shop/api:v1", envoy, "busybox", "busybox"]);
    check(&["api=shop/api:v2"], ["shop/api:v2", envoy, "busybox", "busybox"]);
    check(&["shop/api=shop/api:v2"], ["shop/api:v2", envoy, "busybox", "busybox"]);
    check(&["docker.io/shop/api=ghcr.io/shop/api:v2"], ["ghcr.io/shop/api:v2", envoy, "busybox", "busybox"]);
    check(&["envoyproxy/envoy=e:2"], ["shop/api:v1", "e:2", "busybox", "busybox"]);
    check(&["busybox=b"], ["shop/api:v1", envoy, "b", "b"]);
    check(&["library/busybox=b"], ["shop/api:v1", envoy, "b", "b"]);
    check(&["init=b"], ["shop/api:v1", envoy, "b", "busybox"]);
    check(&["*=b:1"], ["b:1", "b:1", "b:1", "b:1"]);
    check(&["*=b:1", "api=c:1"], ["c:1", "b:1", "b:1", "b:1"]);
    check(&["busybox=b", "init=c"], ["shop/api:v1", envoy, "c", "b"]);
    // Names are matched against what the manifests say, not against what an earlier override put there.
    check(&["api=x:1", "shop/api=y:1"], ["y:1", envoy, "busybox", "busybox"]);
}

#[test]
fn a_container_s_name_goes_before_an_image_s() {
    let objects = good(
        "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: redis, image: a}, {name: b, image: redis}]}}",
    );
    let bundle = build(objects, &["redis=c:1"]).unwrap();
    let images: Vec<String> = bundle.images().iter().map(|image| image.image.to_string()).collect();
    assert_eq!(images, ["c:1", "redis:latest"]);
}

#[test]
fn says_what_there_is() {
    let check = |objects: Vec<Object>, text: &str, message: &str| {
        assert_eq!(build(objects, &[text]).unwrap_err().to_string(), message);
    };
    check(
        kinds(),
        "apo=shop/api:v2",
        "the image override \"apo=shop/api:v2\" matches no container and no image (did you mean \"api\"? containers: api, debug, init, \
         proxy; images: busybox, envoyproxy/envoy, shop/api)",
    );
    check(
        kinds(),
        "zzzzzz=a",
        "the image override \"zzzzzz=a\" matches no container and no image (containers: api, debug, init, proxy; images: busybox, \
         envoyproxy/envoy, shop/api)",
    );
    check(
        good("{apiVersion: v1, kind: Service, metadata: {name: a}}"),
        "a=b",
        "the image override \"a=b\" matches no container and no image (there is no container in these manifests)",
    );
    check(
        kinds(),
        "api=ghcr.io/Shop/api",
        "invalid image reference \"ghcr.io/Shop/api\": the repository must be lowercase ('S' at character 9)",
    );
}

#[test]
fn a_bad_reference_is_named_with_its_place() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\nspec:\n  template:\n    spec:\n      containers:\n      - name: api\n        image: ";
    let check = |image: &str, message: &str| {
        let error = build(good(&format!("{text}{image}\n")), &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("t.yaml:9:16: Deployment shop/api: container \"api\": {message}")
        );
    };
    check(
        "ghcr.io/Shop/api",
        "invalid image reference \"ghcr.io/Shop/api\": the repository must be lowercase ('S' at character 9)",
    );
    check("''", "invalid image reference \"\": it is empty");
    check("1.5", "the image is not a string");
    // Left to the API server, and to what fills it in.
    assert!(build(good(&format!("{text}\n")), &[]).is_ok());
    assert_eq!(build(good(&format!("{text}\n")), &["api=b"]).unwrap().images().len(), 1);
}

#[test]
fn odd_shapes_are_left_alone() {
    let check = |spec: serde_json::Value| {
        let value =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": spec});
        let bundle = build(vec![Object::new(value.clone()).unwrap()], &[]).unwrap();
        assert!(bundle.images().is_empty());
        assert_eq!(*bundle.objects()[0].value(), value);
    };
    check(json!(null));
    check(json!({"template": []}));
    check(json!({"template": {"spec": {"containers": {"image": "a"}}}}));
    check(json!({"template": {"spec": {"containers": ["a", null, {"name": 1}]}}}));
}

#[test]
fn hooks_get_the_same_images() {
    let (hooks, objects) = (kinds(), good("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}"));
    let twice = [hooks.clone(), hooks].concat();
    let bundle = Bundle::builder().objects(objects).hooks(twice).image("api=shop/api:v2".parse().unwrap());
    let bundle = bundle.build().unwrap();
    let images = bundle.images().iter().filter(|used| used.container == "api");
    let images: Vec<String> = images.map(|used| used.image.to_string()).collect();
    assert_eq!((images.len(), bundle.objects().len()), (bundle.hooks().len(), 1));
    assert!(images.iter().all(|image| image == "shop/api:v2"), "{images:?}");
}

#[test]
fn pinning_changes_the_images_alone() {
    let objects = kinds();
    let bundle = Bundle::builder().objects(objects.clone()).hooks(objects.clone()).build().unwrap();
    let digest = |image: &crate::image::Reference| crate::image::Digest::sha256(image.canonical().as_bytes());
    let digests = bundle.images().iter().map(|used| (used.image.clone(), digest(&used.image))).collect();
    let pinned = bundle.clone().pinned(&digests).unwrap();
    assert_eq!(pinned.images().len(), bundle.images().len());
    for (now, before) in pinned.images().iter().zip(bundle.images()) {
        assert_eq!(now.image, before.image.clone().with_digest(digest(&before.image)));
    }
    let text = serde_json::to_string(pinned.objects()).unwrap();
    assert!(
        text.contains("\"busybox:latest@sha256:") && text.contains("\"docker.io/envoyproxy/envoy:v1@sha256:")
    );
    // With the images as they were it is the same bundle, places and all.
    let mut back = pinned.objects().to_vec();
    for ContainerImage { object, pointer, .. } in bundle.images() {
        let (now, then) = (back.iter_mut(), &objects);
        let then = then.iter().find(|one| one.id() == *object).unwrap();
        for now in now.filter(|one| one.id() == *object) {
            assert_eq!(now.place(pointer), then.place(pointer));
            now.set(pointer.trim_end_matches("/image"), "image", then.get(pointer).unwrap().clone());
        }
    }
    assert_eq!(back, objects);
    // Again is the same, and nobody need be asked.
    assert_eq!(pinned.clone().pinned(&std::collections::BTreeMap::new()).unwrap(), pinned);
    let error = bundle.pinned(&std::collections::BTreeMap::new()).unwrap_err().to_string();
    assert!(
        error.contains("Pod x: the digest of the image shop/api:v1 of container \"api\" is not known"),
        "{error}"
    );
}
