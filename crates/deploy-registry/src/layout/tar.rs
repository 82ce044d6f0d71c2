//! Where the files of an image layout lie in a tar archive. Nothing is unpacked.
//!
//! Headers are read one by one and contents are stepped over, so that an archive costs memory for its names alone, up to a cap; the crate `tar`
//! would take names of any length into memory.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind as Io, Read, Seek, SeekFrom};

use deploy_core::error::{Error, Result};
use tar::{EntryType, Header, PaxExtensions};

/// The most entries of an archive.
const MAX_ENTRIES: usize = 100_000;

/// The longest extended header, in bytes.
const MAX_EXTENSION: u64 = 64 * 1024;

const BLOCK: u64 = 512;

/// The bytes of a file in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// The files of an image layout (`oci-layout`, `index.json`, `blobs/<algorithm>/<digits>`) by name, and `manifest.json`, by which what
/// `docker save` writes is known.
///
/// # Errors
/// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for what is no tar archive or a compressed one, for a broken, cut or oversized
/// one, and for one that has such a file twice, as a link, or with a name that leads out of it.
pub(crate) fn index(archive: &mut (impl Read + Seek)) -> Result<BTreeMap<String, Span>> {
    let length = archive.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let mut files = BTreeMap::new();
    let mut extension = Extension::default();
    let mut at = 0;
    for _ in 0..MAX_ENTRIES {
        let Some(header) = header(archive, at, length)? else { return Ok(files) };
        let kind = header.entry_type();
        let size = header.entry_size().map_err(|_| broken(at, "its size is no number"))?;
        let extended = kind.is_pax_local_extensions() || kind.is_gnu_longname();
        let size = if extended { size } else { extension.size.unwrap_or(size) };
        let span = Span { offset: at + BLOCK, length: size };
        let end = span.offset.checked_add(size).filter(|end| *end <= length);
        let end = end.ok_or_else(|| broken(at, "the archive ends within it"))?;
        if extended {
            let bytes = read(archive, span)?;
            extension.read(kind, &bytes).ok_or_else(|| broken(at, "its extended header is broken"))?;
        } else if !(kind.is_pax_global_extensions() || kind.is_gnu_longlink()) {
            let extension = std::mem::take(&mut extension);
            let name = extension.name.unwrap_or_else(|| header.path_bytes().into_owned());
            add(&mut files, &name, kind, extension.sparse, span)?;
        }
        at = end.div_ceil(BLOCK) * BLOCK;
    }
    Err(Error::invalid(format!("it has more than {MAX_ENTRIES} entries")))
}

/// What an extended header says of the entry after it.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl Extension {
    fn read(&mut self, kind: EntryType, bytes: &[u8]) -> Option<()> {
        if kind.is_gnu_longname() {
            self.name = Some(bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec());
            return Some(());
        }
        for entry in PaxExtensions::new(bytes) {
            let entry = entry.ok()?;
            match entry.key_bytes() {
                b"path" => self.name = Some(entry.value_bytes().to_vec()),
                b"size" => self.size = Some(entry.value().ok()?.parse().ok()?),
                key => self.sparse |= key.starts_with(b"GNU.sparse."),
            }
        }
        Some(())
    }
}

fn add(
    files: &mut BTreeMap<String, Span>,
    name: &[u8],
    kind: EntryType,
    sparse: bool,
    span: Span,
) -> Result<()> {
    // A layout's own names are ASCII.
    let Ok(name) = std::str::from_utf8(name) else { return Ok(()) };
    if name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return Err(Error::invalid(format!("its entry {} leads out of it", shown(name))));
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let wanted =
        matches!(parts.as_slice(), ["oci-layout" | "index.json" | "manifest.json"] | ["blobs", _, _]);
    if !wanted || kind.is_dir() {
        return Ok(());
    }
    let name = parts.join("/");
    if !matches!(kind, EntryType::Regular | EntryType::Continuous) || sparse {
        return Err(Error::invalid(format!("its entry {} is a link or the like, not a file", shown(&name))));
    }
    match files.insert(name, span) {
        None => Ok(()),
        Some(_) => Err(Error::invalid(format!("it has the entry {} twice", shown(&parts.join("/"))))),
    }
}

/// The header at `at`; none at the archive's end.
fn header(archive: &mut (impl Read + Seek), at: u64, length: u64) -> Result<Option<Header>> {
    if at >= length {
        return match at {
            0 => Err(Error::invalid("it is empty")),
            _ => Ok(None),
        };
    }
    let mut header = Header::new_old();
    let bytes = header.as_mut_bytes();
    archive.seek(SeekFrom::Start(at)).map_err(unreadable)?;
    let whole = archive.read_exact(bytes);
    if at == 0 {
        let packer = match bytes.as_slice() {
            [0x1f, 0x8b, ..] => Some("gzip"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
            _ => None,
        };
        if let Some(packer) = packer {
            let message =
                format!("it is compressed ({packer}): its blobs cannot be found without unpacking it");
            return Err(
                Error::invalid(message).help(format!("{packer} -d it; layers in it are compressed already"))
            );
        }
    }
    match whole {
        Ok(()) => {}
        Err(error) if error.kind() == Io::UnexpectedEof => {
            return Err(broken(at, "the archive ends within it"));
        }
        Err(error) => return Err(unreadable(error)),
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let sum: u32 = bytes
        .iter()
        .zip(0..)
        .map(|(byte, at)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
        .sum();
    if header.cksum().ok() != Some(sum) {
        return Err(match at {
            0 => Error::invalid("it is not a tar archive"),
            _ => broken(at, "its checksum is wrong"),
        });
    }
    Ok(Some(header))
}

fn read(archive: &mut (impl Read + Seek), span: Span) -> Result<Vec<u8>> {
    if span.length > MAX_EXTENSION {
        return Err(broken(span.offset - BLOCK, "its extended header is larger than 64 KiB"));
    }
    let mut bytes = Vec::new();
    archive.seek(SeekFrom::Start(span.offset)).map_err(unreadable)?;
    archive.take(span.length).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn shown(name: &str) -> String {
    format!("{:?}", name.chars().take(120).collect::<String>())
}

fn broken(at: u64, why: &str) -> Error {
    Error::invalid(format!("its entry at byte {at} is broken: {why}"))
}

fn unreadable(error: io::Error) -> Error {
    Error::invalid(format!("it cannot be read: {}", error.kind())).source(error)
}
