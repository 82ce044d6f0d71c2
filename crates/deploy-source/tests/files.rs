//! Files and directories as they are on a disk.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "clippy knows a test by its attribute, not its helpers"
)]

mod support;

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use deploy_core::error::ErrorKind;
use deploy_core::source::Source;
use deploy_source::FileSource;

use support::folder;

fn object(name: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n")
}

/// The names of the objects, or the error with the folder's own path left out.
async fn names(source: FileSource, folder: &Path) -> Result<Vec<String>, String> {
    match source.load().await {
        Ok(objects) => Ok(objects.iter().map(|object| object.name().to_owned()).collect()),
        Err(error) => Err(error.to_string().replace(&format!("{}/", folder.display()), "")),
    }
}

#[tokio::test]
async fn a_directory_s_files_by_name() {
    let (a, b, c, d) = (object("a"), object("b"), object("c"), object("d"));
    let folder = folder(
        "by-name",
        &[
            ("all/10.yaml", &b),
            ("all/01.yml", &a),
            ("all/sub/x.json", r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"}}"#),
            ("all/z.yaml", &c),
            ("all/notes.txt", "not: [a manifest"),
            ("all/.hidden.yaml", "not: [a manifest"),
            ("all/.git/x.yaml", "not: [a manifest"),
            ("odd.conf", &d),
        ],
    );
    let all = folder.join("all");
    assert_eq!(names(FileSource::new([&all]), &folder).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(names(FileSource::new([&all]).recursive(true), &folder).await.unwrap(), ["a", "b", "s", "c"]);
    let given = FileSource::new([folder.join("odd.conf"), all.join("01.yml")]);
    assert_eq!(names(given, &folder).await.unwrap(), ["d", "a"]);
    let objects = FileSource::new([&all]).load().await.unwrap();
    assert_eq!(objects[0].origin().unwrap().to_string(), format!("{}:1:1", all.join("01.yml").display()));
}

#[tokio::test]
async fn says_what_is_wrong() {
    let folder = folder(
        "wrong",
        &[
            ("empty/readme.md", ""),
            ("nested/sub/a.yaml", &object("a")),
            ("comments/a.yaml", "# nothing\n"),
            ("bad/a.yaml", "kind: Service\nmetadata:\n  name: x\n  name: y\n"),
            ("binary/a.yaml", "\u{7f}ELF\0\0"),
            ("base/kustomization.yaml", "resources: []\n"),
            ("base/a.yaml", &object("a")),
            ("chart/Chart.yaml", "name: x\n"),
        ],
    );
    let check = async |path: &str, message: &str| {
        let error = names(FileSource::new([folder.join(path)]), &folder).await.unwrap_err();
        assert_eq!(error, message);
    };
    check("nowhere", "nowhere: cannot be read: No such file or directory (os error 2)").await;
    check("bad/a.yaml/b", "bad/a.yaml/b: cannot be read: Not a directory (os error 20)").await;
    check("empty", "empty: there is no .yaml, .yml or .json file in it").await;
    check(
        "nested",
        "nested: there is no .yaml, .yml or .json file in it (it holds directories: read it recursively)",
    )
    .await;
    check("comments", "there is no manifest in comments").await;
    check("bad", "bad/a.yaml:4:3: duplicate key \"name\" (first at bad/a.yaml:3:3)").await;
    check("binary", "binary/a.yaml: it is a binary file, not a manifest").await;
    check("base", "base: it is a kustomization: build it first").await;
    check("chart", "chart: it is a Helm chart: render it first").await;
}

#[tokio::test]
async fn a_missing_path_is_not_found() {
    let missing = FileSource::new(["nowhere-at-all"]).load().await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let none = FileSource::new(Vec::<PathBuf>::new()).load().await.unwrap_err();
    assert_eq!(none.to_string(), "no file and no directory was given");
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_followed_but_not_round() {
    use std::os::unix::fs::symlink;

    let folder = folder("links", &[("real/a.yaml", &object("a")), ("top/b.yaml", &object("b"))]);
    let top = folder.join("top");
    symlink(folder.join("real"), top.join("linked")).unwrap();
    symlink(folder.join("real/a.yaml"), top.join("zz.yaml")).unwrap();
    symlink("nowhere", top.join("dangling.txt")).unwrap();
    let source = FileSource::new([&top]).recursive(true);
    assert_eq!(names(source.clone(), &folder).await.unwrap(), ["b", "a", "a"]);

    symlink("nowhere", top.join("dangling.yaml")).unwrap();
    let error = names(source.clone(), &folder).await.unwrap_err();
    assert_eq!(error, "top/dangling.yaml: cannot be read: No such file or directory (os error 2)");
    fs::remove_file(top.join("dangling.yaml")).unwrap();

    symlink("self.yaml", top.join("self.yaml")).unwrap();
    let error = names(source.clone(), &folder).await.unwrap_err();
    assert!(error.starts_with("top/self.yaml: cannot be read: "), "{error}");
    fs::remove_file(top.join("self.yaml")).unwrap();

    symlink(&top, folder.join("real/back")).unwrap();
    let error = names(source, &folder).await.unwrap_err();
    assert_eq!(error, "top/linked/back: a symbolic link leads back to a directory around it");
}

#[tokio::test]
async fn standard_input_is_read_once_and_kept() {
    let folder = folder("input", &[("a.yaml", &object("a"))]);
    let source = FileSource::new([PathBuf::from("-"), folder.join("a.yaml")])
        .standard_input(Cursor::new(object("b").into_bytes()));
    assert_eq!(source.describe(), format!("standard input, {}", folder.join("a.yaml").display()));
    for _ in 0..2 {
        assert_eq!(names(source.clone(), &folder).await.unwrap(), ["b", "a"]);
    }
    let bad = FileSource::new(["-"]).standard_input(Cursor::new(b"- a\n".to_vec()));
    assert!(names(bad, &folder).await.unwrap_err().starts_with("standard input:1:1: "));

    let without = FileSource::new(["-"]).load().await.unwrap_err();
    assert_eq!(without.to_string(), "-: standard input is not open here (give a file instead)");
}

#[tokio::test]
async fn a_reader_that_fails_or_never_ends_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the pipe broke"))
        }
    }
    let broken = FileSource::new(["-"]).standard_input(Broken).load().await.unwrap_err();
    assert_eq!(broken.to_string(), "standard input: cannot be read: the pipe broke");
    let endless = FileSource::new(["-"]).standard_input(io::repeat(b' ')).load().await.unwrap_err();
    assert!(endless.message().contains("over the limit of 32 MiB"), "{endless}");
}

#[tokio::test]
async fn there_are_limits() {
    let files: Vec<String> = (0..=deploy_source::MAX_FILES).map(|number| format!("{number}.yaml")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|file| (file.as_str(), "# nothing\n")).collect();
    let folder = folder("many", &files);
    let error = FileSource::new([&folder]).load().await.unwrap_err();
    assert_eq!(error.message(), "more than 10000 files or 256 MiB to read");
    fs::remove_dir_all(folder).unwrap();
}
