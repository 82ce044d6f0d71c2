//! The program `deploy-sim`, as a shell runs it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]
#![expect(clippy::disallowed_methods, reason = "the program itself is tested")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use k8s_openapi::api::core::v1::Namespace;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

fn deploy_sim(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deploy-sim"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str]) -> Output {
    deploy_sim(arguments).output().unwrap()
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_end() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it's here.yaml");
        let mut program = deploy_sim(&["--kubeconfig", file.to_str().unwrap()]).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let told =
            Command::new("sh").arg("-c").arg(format!("{said}printf %s \"$KUBECONFIG\"")).output().unwrap();
        assert_eq!(Path::new(std::str::from_utf8(&told.stdout).unwrap()), file, "{said}");
        let kubeconfig = Kubeconfig::read_from(&file).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let namespaces: Api<Namespace> = Api::all(Client::try_from(config).unwrap());
        assert!(namespaces.get_opt("default").await.unwrap().is_some());
        let id = program.id().to_string();
        assert!(Command::new("sh").args(["-c", &format!("kill -{signal} {id}")]).status().unwrap().success());
        assert!(program.wait().unwrap().success(), "SIG{signal}");
        assert!(!file.exists(), "the kubeconfig is gone");
    }
}

#[test]
fn it_runs_a_command() {
    let ran = run(&["--", "sh", "-c", "grep -c https://127.0.0.1: \"$KUBECONFIG\"; exit 7"]);
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(7), &b"1\n"[..]));
    let ran = run(&["--http", "--", "sh", "-c", "grep -c http://127.0.0.1: \"$KUBECONFIG\""]);
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(0), &b"1\n"[..]));
}

#[test]
fn it_says_what_is_wrong() {
    let check = |arguments: &[&str], code: i32, words: &str| {
        let ran = run(arguments);
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(ran.stdout.is_empty(), "{arguments:?}");
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("theirs");
    std::fs::write(&file, "theirs").unwrap();
    check(
        &["--kubeconfig", file.to_str().unwrap(), "--", "true"],
        1,
        "is there already, and no file of deploy-sim",
    );
    check(&["--kubeconfig", "/nowhere/at/all", "--", "true"], 1, "write /nowhere/at/all: ");
    check(&["--address", "192.0.2.1", "--", "true"], 1, "listen on 192.0.2.1:0: ");
    check(&["--", "no-such-program"], 1, "run no-such-program: ");
    check(&["--image", "api=flies"], 2, "images do not know \"flies\"");
    check(&["--fault", "latency"], 2, "\"latency\" needs a time: latency:2s");
    check(&["--time-scale", "0"], 2, "it is a number from 0.001 to 100000");
}
