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
    for signal in ["INT", "TERM", "HUP"] {
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

/// The command may clean up; its end is told as a shell tells it.
#[test]
fn it_ends_a_command() {
    let check = |script: &str, signals: &[&str], code: i32, words: &str| {
        let mut program = deploy_sim(&["--", "sh", "-c", script]).spawn().unwrap();
        let mut out = BufReader::new(program.stdout.take().unwrap());
        let mut said = String::new();
        out.read_line(&mut said).unwrap();
        assert_eq!(said, "runs\n", "{script}");
        for signal in signals {
            let kill = format!("kill -{signal} {}", program.id());
            assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
            // It is seen one by one.
            said.clear();
            out.read_line(&mut said).unwrap();
        }
        assert_eq!(program.wait().unwrap().code(), Some(code), "{script} {signals:?}");
        assert_eq!(said, words, "{script} {signals:?}");
    };
    let waits = "while :; do sleep 0.05; done";
    let cleans = format!("trap 'echo cleaned; exit 3' TERM; echo runs; {waits}");
    check(&cleans, &["TERM"], 3, "cleaned\n");
    check(&cleans, &["HUP"], 3, "cleaned\n");
    check("echo runs; exec sleep 100", &["TERM"], 143, "");
    check("echo runs; kill -9 $$", &[], 137, "runs\n");
}

/// A Ctrl-C of the terminal reaches the command by itself; of two that reach none the second ends it.
#[test]
fn a_second_interrupt_ends_a_command() {
    let script = "trap 'echo cleaned; exit 3' TERM; echo runs; while :; do sleep 0.05; done";
    let mut program = deploy_sim(&["--", "sh", "-c", script]).spawn().unwrap();
    let mut out = BufReader::new(program.stdout.take().unwrap()).lines();
    assert_eq!(out.next().unwrap().unwrap(), "runs");
    let kill = format!("kill -INT {}", program.id());
    // Two that come as one are one.
    while program.try_wait().unwrap().is_none() {
        Command::new("sh").args(["-c", &format!("{kill} 2>/dev/null; sleep 0.1")]).status().unwrap();
    }
    assert_eq!(program.wait().unwrap().code(), Some(3));
    assert_eq!(out.next().unwrap().unwrap(), "cleaned");
}

#[test]
fn other_machines_find_it_by_its_host() {
    let check = |arguments: &[&str], server: &str| {
        let ran = run(&[arguments, &["--", "sh", "-c", "cat \"$KUBECONFIG\""]].concat());
        let said = String::from_utf8(ran.stdout).unwrap();
        assert!(
            ran.status.success() && said.contains(&format!("server: \"{server}:")),
            "{arguments:?}: {said}"
        );
        String::from_utf8(ran.stderr).unwrap()
    };
    let everywhere = ["--address", "0.0.0.0"];
    assert_eq!(check(&everywhere, "https://127.0.0.1"), "");
    assert_eq!(check(&[&everywhere[..], &["--host", "sim", "--host", "::1"]].concat(), "https://sim"), "");
    assert_eq!(check(&["--host", "::1"], "https://[::1]"), "");
    assert_eq!(check(&["--host", "sim", "--http"], "http://sim"), "");
    let warned = check(&[&everywhere[..], &["--http", "--host", "sim"]].concat(), "http://sim");
    assert_eq!(warned, "warning: whoever reaches 0.0.0.0 is the administrator\n");
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
    check(&["--", "/"], 126, "run /: ");
    check(&["--image", "api="], 2, "write what \"api\" does");
    check(&["--image", "a=runs", "--image", "a=exits:1"], 2, "--image says twice what \"a\" does");
    check(&["--", "no-such-program"], 127, "run no-such-program: ");
    check(&["--image", "api=flies"], 2, "images do not know \"flies\"");
    check(&["--fault", "latency"], 2, "\"latency\" needs a time: latency:2s");
    let long = "a".repeat(254);
    for host in ["*.example", "a b", "sim:6443", "https://sim", "", &long] {
        check(&["--host", host, "--", "true"], 2, "is no host: neither a DNS name nor an IP address");
    }
    check(&["--time-scale", "0"], 2, "the factor is a number from 0.001 to 100000");
}
