//! What is refused before anything is written.

use std::io::Write;

use deploy_core::error::{Error, ErrorKind};
use deploy_ssm::node::{Cause, NodeStatus, Request, RunStatus, Source, State, Verb, parse_answer};

use crate::harness::{Node, Ran, app, package};

/// The error of a deployment refused; nothing was asked of the cluster but whether it is there.
#[track_caller]
fn refused(node: &Node, ran: &Ran) -> Error {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(node.world(|world| world.objects.is_empty()));
    let tmp: Vec<_> = std::fs::read_dir(node.path("tmp")).expect("a folder").collect();
    assert!(tmp.is_empty(), "nothing is left: {tmp:?}");
    match parse_answer::<deploy_ssm::node::Report>(&ran.stdout) {
        Ok((report, _)) => {
            assert_eq!(report.status, RunStatus::Refused, "{report:?}");
            let Some(Cause::Error(error)) = report.cause else { panic!("{ran:?}") };
            error.into()
        }
        Err(error) => error,
    }
}

fn source(bytes: Vec<u8>) -> Source {
    let sha256 = sha256(&bytes);
    Source::Inline { bytes, sha256 }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    deploy_core::image::Digest::sha256(bytes).hex().to_owned()
}

fn request(node: &Node, bytes: Vec<u8>) -> Request {
    node.request(Verb::Deploy, "one").package(source(bytes)).expect("a request")
}

#[test]
fn a_missing_tool_is_named() {
    for tool in ["awk", "base64", "gzip", "tar", "sha256sum", "flock", "setsid", "df", "kubectl", "mktemp"] {
        let node = Node::new();
        node.without(tool);
        let error = refused(&node, &node.run(&node.deploy_request("one", &app("api:v1"))));
        assert!(error.message().contains(tool), "{tool}: {error}");
    }
}

#[test]
fn a_package_that_is_not_the_one_sent() {
    let node = Node::new();
    let source = Source::Inline { bytes: package(&app("api:v1")).bytes().to_vec(), sha256: "0".repeat(64) };
    let request = node.request(Verb::Deploy, "one").package(source).expect("a request");
    let error = refused(&node, &node.run(&request));
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("sha256"), "{error}");

    // It has ended, and its id with it.
    let run = node.run(&node.request(Verb::Status, "one")).answer::<NodeStatus>().run.expect("a run");
    assert_eq!((run.state, run.status), (State::Ended, Some(RunStatus::Refused)));
    let again = refused(&node, &node.run(&node.deploy_request("one", &app("api:v1"))));
    assert_eq!(again.message(), error.message());
}

/// A tar with one entry of any name and kind.
fn tar_of(name: &[u8], kind: tar::EntryType, link: &str, data: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(data.len() as u64);
    header.set_mode(0o644);
    if !link.is_empty() {
        header.set_link_name_literal(link).expect("a link");
    }
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, data).expect("is added");
    gz(&builder.into_inner().expect("a tar"))
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("is compressed");
    encoder.finish().expect("is compressed")
}

#[test]
fn a_package_that_would_write_elsewhere() {
    use tar::EntryType;
    let check = |what: &str, bytes: Vec<u8>| {
        let node = Node::new();
        let error = refused(&node, &node.run(&request(&node, bytes)));
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{what}: {error}");
        for escaped in ["state/shop/runs/evil", "state/evil", "evil", "tmp/evil"] {
            assert!(!node.path(escaped).exists(), "{what} wrote {escaped}");
        }
    };
    check("up", tar_of(b"../evil", EntryType::Regular, "", b"x"));
    check("up inside", tar_of(b"stages/../../evil", EntryType::Regular, "", b"x"));
    check("absolute", tar_of(b"/tmp/evil-of-a-test", EntryType::Regular, "", b"x"));
    check("symlink", tar_of(b"meta.json", EntryType::Symlink, "/etc/passwd", b""));
    check("hard link", tar_of(b"meta.json", EntryType::Link, "/etc/passwd", b""));
    check("device", tar_of(b"meta.json", EntryType::Char, "", b""));
    check("another file", tar_of(b"node.sh", EntryType::Regular, "", b"x"));
    check("an option", tar_of(b"--checkpoint-action=exec=sh", EntryType::Regular, "", b"x"));
    check("a line break", tar_of(b"meta.json\n../evil", EntryType::Regular, "", b"x"));
    check("no list", tar_of(b"meta.json", EntryType::Regular, "", b"{}"));
    check(
        "a bad list",
        tar_of(b"objects.tsv", EntryType::Regular, "", b"00\t0\tv1\tConfigMap\t\tshop\t--all\n"),
    );
    check("no tar", gz(b"nothing"));
    check("no gzip", b"nothing".to_vec());
}

#[test]
fn parameters_that_would_become_paths() {
    let node = Node::new();
    let error = |request: Result<Request, Error>| request.expect_err("is refused");
    for name in ["", "..", "a/b", "A", "a b", "-a", "a\nb"] {
        assert_eq!(error(Request::new(Verb::Status, name)).kind(), ErrorKind::InvalidInput, "{name}");
    }
    for id in ["", "a/b", "a.b", "-a", "a b", &"x".repeat(65)] {
        assert_eq!(
            error(Request::new(Verb::Attach, "shop").expect("a name").id(id)).kind(),
            ErrorKind::InvalidInput,
            "{id}"
        );
    }
    // The node looks itself, too.
    let mut lines = node.request(Verb::Status, "one").state_dir("state").commands().expect("a command");
    let ran = node.end(node.start_lines(&lines));
    let error = parse_answer::<deploy_ssm::node::NodeStatus>(&ran.stdout).expect_err("is refused");
    assert!(error.message().contains("not absolute"), "{error}");
    lines.clear();
}

#[test]
fn what_a_request_cannot_be() {
    let new = |verb| Request::new(verb, "shop").expect("a name");
    let check = |request: Request, words: &str| {
        let error = request.commands().expect_err("is refused");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(words), "{error}");
    };
    check(new(Verb::Attach), "id");
    check(new(Verb::Deploy).id("one").expect("an id"), "package");
    check(new(Verb::Show), "number");
    check(new(Verb::Status).git_revision("a\0b"), "NUL");
    check(new(Verb::Status).git_revision(&"x".repeat(5_000)), "limit");
    // What does not compress.
    let noise: Vec<u8> = (0_u32..40_000).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    check(
        new(Verb::Deploy).id("one").expect("an id").package(source(noise)).expect("a package"),
        "use a bucket",
    );
    for url in ["", "ftp://a", "https://a b", "https://a\"b", "https://a\nb", "file:///etc/passwd"] {
        assert!(new(Verb::Deploy).result_url(url).is_err(), "{url}");
    }
}

#[test]
fn a_full_disk_is_refused_or_undone() {
    // So little is free.
    let node = Node::new();
    node.tool("df", "#!/bin/sh\necho head\necho '/dev/x 100 99 1 99% /'\n");
    let error = refused(&node, &node.run(&node.deploy_request("one", &app("api:v1"))));
    assert!(error.message().contains("1 KB are free"), "{error}");

    // It fills up while unpacking.
    let node = Node::new();
    let full = "#!/bin/sh\ncase $* in *package.tar*-C*) echo 'tar: stages: Cannot write: No space left on device' >&2; exit 2 ;; esac\nexec /usr/bin/tar \"$@\"\n";
    node.tool("tar", full);
    let error = refused(&node, &node.run(&node.deploy_request("one", &app("api:v1"))));
    assert!(error.to_string().contains("No space left"), "{error}");
    assert!(!node.run_file("one", "package").exists());
}

/// A file system of its own, for as long as this lives.
struct Mounted(std::path::PathBuf);

#[expect(clippy::disallowed_methods, reason = "only mount can make a small disk")]
fn run(program: &str, args: &[&std::ffi::OsStr]) -> bool {
    std::process::Command::new(program).args(args).status().is_ok_and(|status| status.success())
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run("umount", &["-l".as_ref(), self.0.as_os_str()]);
    }
}

#[test]
#[ignore = "needs root"]
fn a_disk_that_fills_up_while_applying_is_told_and_undone() {
    let node = Node::new();
    let state = node.path("state");
    let options = ["-t", "tmpfs", "-o", "size=16m", "tmpfs"].map(std::ffi::OsStr::new);
    assert!(run("mount", &[&options[..], &[state.as_os_str()]].concat()), "tmpfs can be mounted by root");
    let mounted = Mounted(state.clone());
    assert_eq!(node.deploy("one", &app("api:v1")).status, RunStatus::Healthy);

    std::fs::rename(node.path("bin/kubectl"), node.path("real")).expect("is moved");
    let (real, once, fill) = (node.path("real"), node.path("full"), state.join("fill"));
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *\" apply \"*) [ -e {0} ] || {{ : >{0}; dd if=/dev/zero of={1} bs=4096 2>/dev/null; }} ;; esac\nexec {2} \"$@\"\n",
        once.display(),
        fill.display(),
        real.display()
    );
    node.tool("kubectl", &script);
    let ran = node.run(&node.deploy_request("two", &app("api:v2")));
    let report = ran.report();
    let Some(Cause::Error(error)) = &report.cause else { panic!("{ran:?}\n{}", node.log("two")) };
    assert!(error.message.contains("disk is full"), "{error:?}");
    assert_eq!(report.status, RunStatus::Undone, "{report:#?}\n{}", node.log("two"));
    assert_eq!(node.image().as_deref(), Some("api:v1"));
    drop(mounted);
}
