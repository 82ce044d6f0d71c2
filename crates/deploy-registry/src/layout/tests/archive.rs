use std::io::Cursor;

use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

use super::super::tar::{Span, index};

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn entry(builder: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, bytes: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    // Written past the crate's own checks.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
}

fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, bytes) in entries {
        entry(&mut builder, name, *kind, bytes);
    }
    builder.into_inner().unwrap()
}

fn names(archive: &[u8]) -> Result<Vec<String>, String> {
    index(&mut Cursor::new(archive))
        .map(|files| files.into_keys().collect())
        .map_err(|error| error.to_string())
}

#[test]
fn the_files_of_a_layout_are_found() {
    use EntryType as T;
    let check = |entries: &[(&str, EntryType, &[u8])], expect: Result<&[&str], &str>| {
        let expect = expect.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(names(&archive(entries)), expect.map_err(str::to_owned), "{entries:?}");
    };
    check(
        &[("oci-layout", T::Regular, b"{}"), ("index.json", T::Regular, b"")],
        Ok(&["index.json", "oci-layout"]),
    );
    check(&[("./oci-layout", T::Regular, b"{}"), ("blobs/", T::Directory, b"")], Ok(&["oci-layout"]));
    check(&[("./blobs//sha256/./abc", T::Regular, b"x")], Ok(&["blobs/sha256/abc"]));
    check(&[("blobs/sha256/a/b", T::Regular, b"x"), ("deep/index.json", T::Regular, b"")], Ok(&[]));
    check(&[("something.else", T::Symlink, b"")], Ok(&[]));
    check(&[], Ok(&[]));
    check(&[("../index.json", T::Regular, b"")], Err("its entry \"../index.json\" leads out of it"));
    check(&[("blobs/../../etc", T::Regular, b"")], Err("its entry \"blobs/../../etc\" leads out of it"));
    check(&[("/index.json", T::Regular, b"")], Err("its entry \"/index.json\" leads out of it"));
    let twice = "its entry \"index.json\" is a link or the like, not a file";
    check(&[("index.json", T::Symlink, b"")], Err(twice));
    check(&[("index.json", T::Link, b"")], Err(twice));
    check(&[("index.json", T::GNUSparse, b"")], Err(twice));
    check(&[("index.json", T::Fifo, b"")], Err(twice));
    let twice = "it has the entry \"index.json\" twice";
    check(&[("index.json", T::Regular, b"1"), ("./index.json", T::Regular, b"2")], Err(twice));
}

#[test]
fn extended_headers_are_read() {
    let mut builder = Builder::new(Vec::new());
    let name = format!("blobs/sha256/{HEX}");
    builder
        .append_pax_extensions([("path", name.as_bytes()), ("mtime", b"1.5".as_slice()), ("size", b"3")])
        .unwrap();
    entry(&mut builder, "short", EntryType::Regular, b"abc");
    entry(&mut builder, "././@LongLink", EntryType::GNULongName, b"./index.json\0");
    entry(&mut builder, "cut", EntryType::Regular, b"{}");
    entry(&mut builder, "pax_global_header", EntryType::XGlobalHeader, b"19 comment=abcdefg\n");
    entry(&mut builder, "oci-layout", EntryType::Regular, b"{}");
    let bytes = builder.into_inner().unwrap();
    let files = index(&mut Cursor::new(&bytes)).unwrap();
    let content = |name: &str| {
        let Span { offset, length } = files[name];
        let offset = usize::try_from(offset).unwrap();
        bytes[offset..offset + usize::try_from(length).unwrap()].to_vec()
    };
    assert_eq!(content(&name), b"abc");
    assert_eq!(content("index.json"), b"{}");
    assert_eq!(content("oci-layout"), b"{}");
    assert_eq!(files.len(), 3);
}

#[test]
fn a_broken_archive_is_refused() {
    let check = |bytes: &[u8], expect: &str| assert_eq!(names(bytes), Err(expect.to_owned()));
    let good = archive(&[("index.json", EntryType::Regular, &[b'x'; 2000])]);
    check(b"", "it is empty");
    check(b"{}", "its entry at byte 0 is broken: the archive ends within it");
    check(&[b'x'; 600], "it is not a tar archive");
    check(&good[..1000], "its entry at byte 0 is broken: the archive ends within it");
    let mut wrong = archive(&[("a", EntryType::Regular, b""), ("b", EntryType::Regular, b"")]);
    wrong[512] = b'c';
    check(&wrong, "its entry at byte 512 is broken: its checksum is wrong");
    let gzip = "it is compressed (gzip): its blobs cannot be found without unpacking it (gzip -d it; layers in it are compressed already)";
    check(&[[0x1f, 0x8b, 8, 0]; 200].concat(), gzip);
    let mut header = Header::new_gnu();
    header.set_size(u64::MAX / 2);
    header.set_cksum();
    check(header.as_bytes(), "its entry at byte 0 is broken: the archive ends within it");
    let long = archive(&[("././@LongLink", EntryType::GNULongName, &vec![b'x'; 70_000])]);
    check(&long, "its entry at byte 0 is broken: its extended header is larger than 64 KiB");
    let pax = archive(&[("x", EntryType::XHeader, b"broken")]);
    check(&pax, "its entry at byte 0 is broken: its extended header is broken");
    let many = archive(&[("a", EntryType::Regular, b"")])[..512].repeat(100_001);
    check(&many, "it has more than 100000 entries");
}

proptest! {
    #[test]
    fn takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = index(&mut Cursor::new(bytes));
    }

    #[test]
    fn every_file_lies_in_the_archive(at in 0..4096_usize, byte: u8) {
        let mut bytes = archive(&[("index.json", EntryType::Regular, b"{}"), ("oci-layout", EntryType::Regular, &[1; 700])]);
        bytes[at % 3000] = byte;
        for span in index(&mut Cursor::new(&bytes)).unwrap_or_default().values() {
            prop_assert!(span.offset + span.length <= bytes.len() as u64);
        }
    }
}
