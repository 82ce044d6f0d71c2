#![cfg(unix)]

use std::sync::Arc;
use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::image::Tag;
use deploy_core::secret::SecretText;
use deploy_core::tag::{TagFields, TagScheme};
use deploy_registry::PushOptions;
use deploy_registry::build::{BuildOptions, Builder, CommandBuilder, NewImage};

use crate::double::{Double, Reply};
use crate::sample::Sample;
use crate::{client, hasty};

/// A builder that writes the sample's layout.
fn copies(sample: &Sample) -> CommandBuilder {
    CommandBuilder::new(["cp", "-r", sample.folder.path().to_str().unwrap(), "{output}"])
}

fn shell(script: &str) -> CommandBuilder {
    CommandBuilder::new(["sh", "-c", script, "{output}"])
}

fn tag() -> Tag {
    let scheme = TagScheme::template("{branch}-{sha}").unwrap();
    scheme.render(&TagFields::new().branch("main").sha("4f1c2d9")).unwrap()
}

fn image(double: &Double, name: &str, builder: CommandBuilder) -> NewImage {
    NewImage::new(name, Arc::new(builder), double.at(&format!("shop/{name}"))).tagged(tag())
}

/// In a folder that must be empty afterwards.
async fn build(images: &[NewImage]) -> (Result<Vec<String>, String>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let result = hasty()
        .plain_http("127.0.0.1")
        .build()
        .unwrap()
        .build_and_push(images, &BuildOptions::new().folder(folder.path()))
        .await;
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    let shown = |(name, reference): (String, _)| format!("{name} {reference}");
    (result.map(|pushed| pushed.into_iter().map(shown).collect()).map_err(|error| error.to_string()), left)
}

#[tokio::test]
async fn images_are_built_and_pushed_under_their_tags() {
    let double = Double::good().await;
    let (one, two) = (Sample::index(), Sample::image(&[b"web"]));
    let web = image(&double, "web", copies(&two)).tagged("stable".parse().unwrap());
    let (pushed, left) = build(&[web, image(&double, "api", copies(&one))]).await;
    let host = double.host();
    let expect = [
        format!("api {host}/shop/api:main-4f1c2d9@{}", one.digest),
        format!("web {host}/shop/web:main-4f1c2d9@{}", two.digest),
    ];
    assert_eq!((pushed, left), (Ok(expect.to_vec()), 0));
    for tag in ["main-4f1c2d9", "stable"] {
        assert_eq!(double.images().tag("shop/web", tag), Some(two.digest.clone()));
    }
}

#[tokio::test]
async fn nothing_is_pushed_unless_all_were_built() {
    let check = async |builder: CommandBuilder, says: &str| {
        let (double, sample) = (Double::good().await, Sample::image(&[]));
        let images = [image(&double, "api", copies(&sample)), image(&double, "web", builder)];
        let (pushed, left) = build(&images).await;
        let error = pushed.unwrap_err();
        assert!(error.contains(says), "{error}");
        assert!(error.contains("image \"web\""), "{error}");
        assert_eq!((double.taken(), left), (Vec::new(), 0), "{says}");
    };
    check(shell("echo one >&2; echo 'no such base image' >&2; exit 3"), "the code 3: one no such base image")
        .await;
    check(shell("true"), "wrote no image").await;
    check(shell("echo text > $0"), "read layout").await;
    check(shell("mkdir $0; echo '{\"imageLayoutVersion\": \"1.0.0\"}' > $0/oci-layout"), "no index.json")
        .await;
    check(CommandBuilder::new(["true"]), "no argument says where to write").await;
    check(CommandBuilder::new([""; 0]), "no program").await;
    check(CommandBuilder::new(["no-such-builder", "{output}"]), "not installed").await;
    let secret = shell("echo \"token is $TOKEN\" >&2; exit 1").secret("TOKEN", SecretText::new("hunter2"));
    check(secret, "token is ***").await;
    let long = shell("head -c 5000 /dev/zero | tr '\\0' x >&2; echo END >&2; exit 1");
    check(long, "xEND").await;
    // Its manifest is not what its digest says.
    let broken = Sample::image(&[]);
    let manifest = broken.folder.path().join("blobs/sha256").join(broken.digest.hex());
    let size = std::fs::metadata(&manifest).unwrap().len();
    std::fs::write(&manifest, " ".repeat(usize::try_from(size).unwrap())).unwrap();
    check(copies(&broken), "digest").await;
}

#[tokio::test]
async fn what_was_pushed_and_what_was_not_is_named() {
    let double = Double::scripted(|asked| {
        (asked.method == "PUT" && asked.path.contains("shop/web/manifests")).then(|| Reply::new(403))
    })
    .await;
    let sample = Sample::image(&[]);
    let images = ["api", "web", "worker"].map(|name| image(&double, name, copies(&sample)));
    let error = build(&images).await.0.unwrap_err();
    assert!(
        error.contains("push images: not pushed was \"web\", and pushed was \"api\", \"worker\""),
        "{error}"
    );
    assert_eq!(double.images().tag("shop/worker", "main-4f1c2d9"), Some(sample.digest.clone()));
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_it_is_built() {
    let (double, sample) = (Double::good().await, Sample::image(&[]));
    let api = || image(&double, "api", copies(&sample));
    let bare = NewImage::new("bare", Arc::new(copies(&sample)), double.at("shop/bare"));
    let check = async |images: &[NewImage], says: &str| {
        let error = client().build_and_push(images, &BuildOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(says), "{error}");
    };
    check(&[api(), api()], "two images have this name").await;
    check(&[api(), bare], "it has no tag").await;
    assert_eq!(client().build_and_push(&[], &BuildOptions::new()).await.unwrap().len(), 0);
    // A tag that must be new and is not.
    let new = BuildOptions::new().push(PushOptions::new().expect_absent(true));
    client().build_and_push(&[api()], &new).await.unwrap();
    let kept = Sample::index();
    let error = client().build_and_push(&[image(&double, "api", copies(&kept))], &new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_builder_is_bounded_in_time_and_stopped_when_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let sleeps =
        CommandBuilder::new(["sh", "-c", "echo $$ > pid; exec sleep 600", "{output}"]).folder(folder.path());
    let error =
        shell("exec sleep 600").timeout(Duration::from_millis(100)).build(folder.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let pid = folder.path().join("pid");
    let written = async {
        while !std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        built = sleeps.build(folder.path()) => panic!("{built:?}"),
        () = written => {}
    }
    let process = format!("/proc/{}/stat", std::fs::read_to_string(&pid).unwrap().trim());
    // A process that was killed and not yet waited for is a zombie.
    let lives = || std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z "));
    while lives() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
