//! Charts as archives: what is read of one, and what is added to it so that Helm tells what it keeps to itself.
//!
//! An archive is a gzipped tar file. Both formats may be prefixed: a gzip stream is what its members are together, and files of a tar
//! file that come first stand before the others. So the chart itself is not touched.

use std::io::{Read, Write};

use deploy_core::error::{Error, Result};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, EntryType, Header};

/// The most bytes of a chart's archive, and of all its files.
pub const MAX_CHART_BYTES: usize = 100 * 1024 * 1024;

/// The file that is added to a chart's templates.
pub(super) const PROBE: &str = "templates/deploy-source.yaml";

/// A template that answers, beside the chart's own: with the notes, the values as templates see them, and the files of CRDs.
const PROBE_TEMPLATE: &str = include_str!("probe.yaml");

/// A chart of nothing but a question: which values were given, and what another chart's own files say.
const GIVEN_TEMPLATE: &str = include_str!("given.yaml");
const GIVEN_CHART: &str = "apiVersion: v2\nname: given\nversion: 0.0.0\n";

/// The files of a chart that are of use here.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Contents {
    /// `Chart.yaml`.
    pub(super) metadata: Vec<u8>,
    /// `values.yaml`; empty if there is none.
    pub(super) values: Vec<u8>,
    /// Whether there is a `templates/NOTES.txt`.
    pub(super) notes: bool,
}

/// What is in a chart's archive. Helm reads it too, and is stricter.
pub(super) fn contents(archive: &[u8]) -> Result<Contents> {
    let broken = |error| Error::invalid("it is not a chart's archive (.tgz)").source(error);
    let mut contents = Contents::default();
    let limit = MAX_CHART_BYTES as u64;
    let mut files = Archive::new(MultiGzDecoder::new(archive).take(limit + 1));
    for file in files.entries().map_err(broken)? {
        let mut file = file.map_err(broken)?;
        if file.raw_file_position().saturating_add(file.size()) > limit {
            let limit = limit / 1024 / 1024;
            return Err(Error::invalid(format!("its files are more than {limit} MiB")));
        }
        let path = String::from_utf8_lossy(&file.path_bytes()).into_owned();
        // Whatever the folder around the chart is called.
        let Some((_, path)) = path.split_once('/') else { continue };
        let slot = match path {
            "Chart.yaml" => &mut contents.metadata,
            "values.yaml" => &mut contents.values,
            "templates/NOTES.txt" => {
                contents.notes = true;
                continue;
            }
            _ => continue,
        };
        slot.clear();
        file.read_to_end(slot).map_err(broken)?;
    }
    if contents.metadata.is_empty() {
        return Err(Error::invalid("there is no Chart.yaml in it"));
    }
    Ok(contents)
}

/// The archive of a chart with other values in place of its own `values.yaml`.
pub(super) fn with_values(archive: &[u8], values: &[u8]) -> Result<Vec<u8>> {
    let mut whole = packed(&[("values.yaml", values)], false)?;
    let repack = || -> std::io::Result<Vec<u8>> {
        let mut files = Archive::new(MultiGzDecoder::new(archive).take(MAX_CHART_BYTES as u64));
        let mut out = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for file in files.entries()? {
            let file = file?;
            let path = String::from_utf8_lossy(&file.path_bytes()).into_owned();
            if file.header().entry_type().is_file()
                && path.split_once('/').is_none_or(|(_, path)| path != "values.yaml")
            {
                let mut header = file.header().clone();
                out.append_data(&mut header, path, file)?;
            }
        }
        out.into_inner()?.finish()
    };
    let rest = repack().map_err(|error| Error::invalid("it cannot be packed anew").source(error))?;
    whole.extend(rest);
    Ok(whole)
}

/// The archive of a chart with the template that answers added to it.
pub(super) fn with_probe(archive: &[u8], contents: &Contents) -> Result<Vec<u8>> {
    let template = PROBE_TEMPLATE.replace("HAS_NOTES", if contents.notes { "true" } else { "false" });
    let mut whole = packed(&[(PROBE, template.as_bytes())], false)?;
    whole.extend_from_slice(archive);
    Ok(whole)
}

/// The archive of the chart that asks.
pub(super) fn question(contents: &Contents) -> Result<Vec<u8>> {
    let files = [
        ("Chart.yaml", GIVEN_CHART.as_bytes()),
        (PROBE, GIVEN_TEMPLATE.as_bytes()),
        ("of/Chart.yaml", &contents.metadata),
        ("of/values.yaml", &contents.values),
    ];
    packed(&files, true)
}

/// Files of a chart as a gzipped tar file, or as the beginning of one.
fn packed(files: &[(&str, &[u8])], whole: bool) -> Result<Vec<u8>> {
    let pack = || -> std::io::Result<Vec<u8>> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        for (path, bytes) in files {
            let mut header = Header::new_ustar();
            header.set_path(format!("chart/{path}"))?;
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o644);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            out.write_all(header.as_bytes())?;
            out.write_all(bytes)?;
            out.write_all(&[0; BLOCK][..bytes.len().next_multiple_of(BLOCK) - bytes.len()])?;
        }
        if whole {
            out.write_all(&[0; 2 * BLOCK])?;
        }
        out.finish()
    };
    pack().map_err(|error| Error::invalid("it cannot be packed").source(error))
}

/// What a tar file is made of; two empty ones end it.
const BLOCK: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::error::ErrorKind;
    use proptest::prelude::*;

    fn chart(files: &[(&str, &str)]) -> Vec<u8> {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        packed(&files, true).unwrap()
    }

    #[test]
    fn reads_what_is_of_use() {
        let check = |files: &[(&str, &str)], expect: Result<(&str, &str, bool), &str>| {
            let found = contents(&chart(files)).map_err(|error| error.to_string());
            let expect = expect.map_err(str::to_owned).map(|(metadata, values, notes)| Contents {
                metadata: metadata.into(),
                values: values.into(),
                notes,
            });
            assert_eq!(found, expect, "{files:?}");
        };
        check(&[("Chart.yaml", "name: a")], Ok(("name: a", "", false)));
        check(
            &[("Chart.yaml", "name: a"), ("values.yaml", "x: 1"), ("templates/NOTES.txt", "hi")],
            Ok(("name: a", "x: 1", true)),
        );
        check(
            &[
                ("charts/b/Chart.yaml", "name: b"),
                ("charts/b/templates/NOTES.txt", "hi"),
                ("Chart.yaml", "name: a"),
            ],
            Ok(("name: a", "", false)),
        );
        check(&[("values.yaml", "x: 1")], Err("there is no Chart.yaml in it"));
    }

    #[test]
    fn what_is_added_stands_before_the_chart() {
        let original = chart(&[("Chart.yaml", "name: a"), ("templates/NOTES.txt", "hi")]);
        let before = contents(&original).unwrap();
        let whole = with_probe(&original, &before).unwrap();
        assert!(whole.ends_with(&original));
        assert_eq!(contents(&whole).unwrap(), before);
        let mut files = Archive::new(MultiGzDecoder::new(&*whole));
        let names: Vec<String> = files
            .entries()
            .unwrap()
            .map(|file| file.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(
            names,
            ["chart/templates/deploy-source.yaml", "chart/Chart.yaml", "chart/templates/NOTES.txt"]
        );
    }

    #[test]
    fn values_take_the_place_of_the_chart_s_own() {
        let long = format!("templates/{}.yaml", "a".repeat(90));
        let files = [
            ("Chart.yaml", "name: a"),
            ("values.yaml", "x: 1"),
            ("charts/b/values.yaml", "y: 1"),
            (&*long, "kind: A"),
        ];
        let changed = with_values(&chart(&files), b"{\"x\":2}").unwrap();
        let mut expect = files;
        expect[1].1 = "{\"x\":2}";
        expect.swap(0, 1);
        let mut found = Vec::new();
        for file in Archive::new(MultiGzDecoder::new(&*changed)).entries().unwrap() {
            let mut file = file.unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            found.push((file.path().unwrap().display().to_string(), text));
        }
        let expect: Vec<_> =
            expect.iter().map(|(path, text)| (format!("chart/{path}"), (*text).to_owned())).collect();
        assert_eq!(found, expect);
        assert_eq!(contents(&changed).unwrap().values, b"{\"x\":2}");
    }

    #[test]
    fn a_bomb_is_refused() {
        let zeros = vec![0; MAX_CHART_BYTES];
        let bomb = packed(&[("big", &zeros), ("Chart.yaml", b"name: a")], true).unwrap();
        let error = contents(&bomb).unwrap_err();
        assert_eq!(error.to_string(), "its files are more than 100 MiB");
    }

    proptest! {
        #[test]
        fn broken_archives_are_an_error(cut in 0..200_usize, flip in 0..200_usize, bits in 1..=255_u8) {
            let mut bytes = chart(&[("Chart.yaml", "name: a"), ("values.yaml", "x: 1")]);
            if let Some(byte) = bytes.get_mut(flip) {
                *byte ^= bits;
            }
            bytes.truncate(cut);
            if let Err(error) = contents(&bytes) {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidInput);
            }
        }
    }
}
