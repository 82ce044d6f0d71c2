use std::collections::BTreeMap;

use deploy_core::error::Result;
use proptest::prelude::*;

use super::*;
use crate::credentials::Kind;

fn basic(user: &str, password: &str) -> Credential {
    Credential::basic(user, password)
}

#[tokio::test]
async fn reads_what_auths_says() {
    let check = async |auths: &str, host: &str, expect: Option<Credential>| {
        let text = format!("{{\"auths\": {auths}, \"HttpHeaders\": {{}}}}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(DockerConfig::at(&path).find(host).await.unwrap(), expect, "{auths} {host}");
        let parsed = DockerConfig::parse("s", text.as_bytes()).unwrap();
        assert_eq!(parsed.find(host).await.unwrap(), expect, "{auths} {host}");
        let parsed = DockerConfig::parse_dockercfg("s", auths.as_bytes()).unwrap();
        assert_eq!(parsed.find(host).await.unwrap(), expect, "{auths} {host}");
    };
    let ci = || Some(basic("ci", "pw"));
    check(r#"{"ghcr.io": {"auth": "Y2k6cHc="}}"#, "ghcr.io", ci()).await;
    check(r#"{"ghcr.io": {"auth": "Y2k6cHc"}}"#, "ghcr.io", ci()).await;
    check(r#"{"ghcr.io": {"auth": "Y2k6cHcAAAA="}}"#, "ghcr.io", ci()).await;
    check(r#"{"ghcr.io": {"auth": "Y2k6cDp3"}}"#, "ghcr.io", Some(basic("ci", "p:w"))).await;
    check(r#"{"ghcr.io": {"auth": "Y2k6"}}"#, "ghcr.io", Some(basic("ci", ""))).await;
    check(r#"{"ghcr.io": {"auth": "Y2k6cHc="}}"#, "quay.io", None).await;
    check(r#"{"https://ghcr.io/v1/": {"auth": "Y2k6cHc="}}"#, "ghcr.io", ci()).await;
    check(r#"{"https://index.docker.io/v1/": {"auth": "Y2k6cHc="}}"#, "docker.io", ci()).await;
    check(r#"{"docker.io": {"auth": "Y2k6cHc="}}"#, "index.docker.io", ci()).await;
    check(r#"{"localhost:5000": {"auth": "Y2k6cHc="}}"#, "localhost:5000", ci()).await;
    check(r#"{"localhost:5000": {"auth": "Y2k6cHc="}}"#, "localhost", None).await;
    check(r#"{"quay.io/shop": {"auth": "Y2k6cHc="}}"#, "quay.io", None).await;
    check(r#"{"a": {"username": "ci", "password": "pw"}}"#, "a", ci()).await;
    check(r#"{"a": {"username": "x", "password": "y", "auth": "Y2k6cHc="}}"#, "a", ci()).await;
    check(r#"{"a": {"identitytoken": "t", "auth": "Y2k6"}}"#, "a", Some(Credential::identity_token("t")))
        .await;
    check(r#"{"a": {"registrytoken": "t", "auth": "Y2k6"}}"#, "a", Some(Credential::bearer("t"))).await;
    check(r#"{"a": {}, "b": 7}"#, "a", None).await;
    check(r#"{"a": null}"#, "a", None).await;
    check(r#"{"a": {"auth": "", "email": "a@b"}}"#, "a", None).await;
    check("{}", "a", None).await;
    // The key that is the host itself goes first.
    check(r#"{"https://a": {"auth": "eDp5"}, "a": {"auth": "Y2k6cHc="}}"#, "a", ci()).await;
}

#[tokio::test]
async fn says_what_is_wrong_and_never_what_it_holds() {
    let check = async |text: &str, expect: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        let error = DockerConfig::at(&path).find("a").await.unwrap_err();
        assert_eq!(error.to_string(), format!("{}: {expect}", path.display()), "{text}");
        assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    };
    check("{\"auths\": s3cr3t}", "it is not JSON (line 1, column 11)").await;
    check("{\"auths\": \"s3cr3t\"}", "it is not a Docker config file (line 1, column 18)").await;
    check("{\"s3cr3t\"", "it is not JSON (line 1, column 9)").await;
    check("s3cr3t", "it is not JSON (line 1, column 1)").await;
    check(r#"{"auths": {"a": "s3cr3t"}}"#, "the entry \"a\" of \"auths\" is not an object of texts").await;
    check(
        r#"{"auths": {"a": {"auth": ["s3cr3t"]}}}"#,
        "the entry \"a\" of \"auths\" is not an object of texts",
    )
    .await;
    let entry = "the entry \"https://a/v1/\" of \"auths\"";
    check(
        r#"{"auths": {"https://a/v1/": {"auth": "s3cr3t!"}}}"#,
        &format!("{entry} has an \"auth\" that is not base64"),
    )
    .await;
    check(
        r#"{"auths": {"https://a/v1/": {"auth": "czNjcjN0"}}}"#,
        &format!("{entry} has an \"auth\" that is not user:password"),
    )
    .await;
    check(
        r#"{"auths": {"https://a/v1/": {"auth": "/////w=="}}}"#,
        &format!("{entry} has an \"auth\" that is not UTF-8"),
    )
    .await;
    check(
        r#"{"auths": {"https://a/v1/": {"password": "s3cr3t"}}}"#,
        &format!("{entry} has a \"password\" without a \"username\""),
    )
    .await;
    check(
        r#"{"credsStore": "../s3cr3t; rm"}"#.replace("s3cr3t", "x").as_str(),
        "\"../x; rm\" cannot be the name of a credential helper (letters, digits, '.', '_' and '-' only: the part after \"docker-credential-\")",
    )
    .await;
    check(&format!("{{\"auths\": {{}}}}{}", " ".repeat(1024 * 1024)), "it is larger than 1 MiB").await;
}

#[tokio::test]
async fn the_file_is_read_each_time() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let config = DockerConfig::at(&path);
    assert_eq!(config.find("a").await?, None);
    std::fs::write(&path, "").unwrap();
    assert_eq!(config.find("a").await?, None);
    std::fs::write(&path, r#"{"auths": {"a": {"auth": "Y2k6b25l"}}}"#).unwrap();
    assert_eq!(config.find("a").await?, Some(basic("ci", "one")));
    std::fs::write(&path, r#"{"auths": {"a": {"auth": "Y2k6dHdv"}}}"#).unwrap();
    assert_eq!(config.find("a").await?, Some(basic("ci", "two")));
    let error = DockerConfig::at(folder.path()).find("a").await.unwrap_err();
    assert_eq!(error.to_string(), format!("{}: it is not a file", folder.path().display()));
    Ok(())
}

#[test]
fn the_environment_names_the_file() {
    let check = |variables: &[(&str, &str)], docker: Option<&str>, podman: Option<&str>| {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let read = |name: &str| variables.get(name).map(OsString::from);
        let name = |config: Option<DockerConfig>| config.map(|config| config.describe());
        assert_eq!(name(DockerConfig::of_environment(read)).as_deref(), docker, "{variables:?}");
        assert_eq!(name(DockerConfig::of_podman(read)).as_deref(), podman, "{variables:?}");
    };
    check(&[], None, None);
    check(&[("HOME", "/h")], Some("/h/.docker/config.json"), None);
    check(&[("USERPROFILE", "/u")], Some("/u/.docker/config.json"), None);
    check(&[("HOME", "/h"), ("DOCKER_CONFIG", "/d")], Some("/d/config.json"), None);
    check(&[("HOME", "/h"), ("DOCKER_CONFIG", "")], Some("/h/.docker/config.json"), None);
    check(&[("XDG_RUNTIME_DIR", "/run/1")], None, Some("/run/1/containers/auth.json"));
    check(&[("XDG_RUNTIME_DIR", "/run/1"), ("REGISTRY_AUTH_FILE", "/a")], None, Some("/a"));
}

#[tokio::test]
async fn a_pull_secret_has_wildcards_and_runs_nothing() -> Result<()> {
    let text = br#"{"auths": {"*.example": {"auth": "Y2k6cHc="}, "b.example": {"auth": "eDp5"}}, "credsStore": "../x"}"#;
    let secret = DockerConfig::parse("Secret shop/pull", text)?;
    assert_eq!(secret.find("a.example").await?, Some(basic("ci", "pw")));
    assert_eq!(secret.find("b.example").await?, Some(basic("x", "y")));
    assert_eq!(secret.find("a.b.example").await?, None);
    assert_eq!(format!("{secret:?}"), "DockerConfig(\"Secret shop/pull\")");
    let error = DockerConfig::parse("Secret shop/pull", b"s3cr3t").unwrap_err();
    assert_eq!(error.to_string(), "Secret shop/pull: it is not JSON (line 1, column 1)");
    let error = DockerConfig::parse_dockercfg("s", &vec![b' '; 1024 * 1024 + 1]).unwrap_err();
    assert_eq!(error.to_string(), "s: it is larger than 1 MiB");
    Ok(())
}

proptest! {
    #[test]
    fn takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = DockerConfig::parse("s", &bytes);
        let _ = DockerConfig::parse_dockercfg("s", &bytes);
    }

    #[test]
    fn takes_any_entry(key in ".{0,20}", auth in ".{0,40}", host in ".{0,20}") {
        let auths = serde_json::json!({ "auths": { key: { "auth": auth } } }).to_string();
        let config = Config::parse(auths.as_bytes()).unwrap();
        if let Ok(Some(found)) = config.entry_for_pulls(&host::canonical(&host)) {
            let basic = matches!(found.kind, Kind::Basic { .. });
            prop_assert!(basic);
        }
    }
}

#[cfg(unix)]
mod helpers {
    use super::*;

    /// One script that stands for several helpers, by the name that it is linked under.
    struct Helpers(tempfile::TempDir);

    impl Helpers {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/helpers/docker-credential");
            for name in ["fixed", "token", "none", "fails", "slow", "loud", "babbles", "empty"] {
                let link = folder.path().join(format!("docker-credential-{name}"));
                std::os::unix::fs::symlink(script, link).unwrap();
            }
            Self(folder)
        }

        async fn find(&self, config: &str, host: &str) -> Result<Option<Credential>> {
            let path = self.0.path().join("config.json");
            std::fs::write(&path, config).unwrap();
            let config = DockerConfig::at(path).helpers_in(self.0.path());
            config.helper_timeout(Duration::from_secs(60)).find(host).await
        }
    }

    #[tokio::test]
    async fn a_helper_is_asked_for_its_host() {
        let helpers = Helpers::new();
        let check = async |config: &str, host: &str, expect: Option<Credential>| {
            assert_eq!(helpers.find(config, host).await.unwrap(), expect, "{config} {host}");
        };
        // The helper's answer has the server that it was asked for.
        let fixed = |server: &str| Some(basic("helper", &format!("pw of {server}")));
        check(r#"{"credsStore": "fixed"}"#, "ghcr.io", fixed("ghcr.io")).await;
        check(r#"{"credsStore": "fixed"}"#, "docker.io", fixed("https://index.docker.io/v1/")).await;
        check(r#"{"credsStore": "fixed"}"#, "localhost:5000", fixed("localhost:5000")).await;
        check(r#"{"credHelpers": {"ghcr.io": "fixed"}}"#, "ghcr.io", fixed("ghcr.io")).await;
        check(r#"{"credHelpers": {"ghcr.io": "fixed"}}"#, "quay.io", None).await;
        check(
            r#"{"credHelpers": {"https://ghcr.io": "fixed"}, "credsStore": "fails"}"#,
            "ghcr.io",
            fixed("ghcr.io"),
        )
        .await;
        check(r#"{"credsStore": "token"}"#, "a", Some(Credential::identity_token("t0k3n"))).await;
        check(r#"{"credsStore": "none"}"#, "a", None).await;
        check(r#"{"credsStore": "empty"}"#, "a", None).await;
        check(r#"{"credsStore": ""}"#, "a", None).await;
        let entry = r#""auths": {"a": {"auth": "Y2k6cHc="}}"#;
        check(&format!(r#"{{"credsStore": "none", {entry}}}"#), "a", Some(basic("ci", "pw"))).await;
        check(&format!(r#"{{"credsStore": "fixed", {entry}}}"#), "a", fixed("a")).await;
    }

    #[tokio::test]
    async fn a_failure_shows_no_secret() {
        let helpers = Helpers::new();
        let check = async |name: &str, kind: ErrorKind, expect: &str| {
            let error = helpers.find(&format!("{{\"credsStore\": \"{name}\"}}"), "a").await.unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, expect));
            assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
        };
        check(
            "fails",
            ErrorKind::Unauthorized,
            "docker-credential-fails: it ended with code 3: the keyring is locked, not ***",
        )
        .await;
        let wrong = "docker-credential-babbles: what it printed is not a helper's answer";
        check("babbles", ErrorKind::InvalidInput, wrong).await;
        check("loud", ErrorKind::InvalidInput, "docker-credential-loud: it printed more than 1 MiB").await;
        check(
            "missing",
            ErrorKind::NotFound,
            "docker-credential-missing: it cannot be started: No such file or directory (os error 2) (install it, or take it out of \"credsStore\" and \"credHelpers\")",
        )
        .await;
    }

    #[tokio::test]
    async fn one_that_hangs_is_killed_and_gone() {
        let helpers = Helpers::new();
        let path = helpers.0.path().join("config.json");
        std::fs::write(&path, r#"{"credsStore": "slow"}"#).unwrap();
        let config =
            DockerConfig::at(path).helpers_in(helpers.0.path()).helper_timeout(Duration::from_secs(2));
        let error = config.find("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().starts_with("docker-credential-slow: it is not done after 2 s"), "{error}");
        let process = std::fs::read_to_string(helpers.0.path().join("pid")).unwrap();
        let process = format!("/proc/{}", process.trim());
        assert!(!Path::new(&process).exists(), "{process} is there still");
    }
}
