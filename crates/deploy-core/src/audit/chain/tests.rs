use proptest::prelude::*;

use super::*;
use crate::audit::{AuditRecord, action, fact};
use crate::clock::Timestamp;

fn record(number: i64) -> AuditRecord {
    AuditRecord::new(Timestamp::from_unix_seconds(number), "ci", action::PROMOTE, "shop")
        .in_environment("production")
        .because("two\nlines, \"quotes\" and a größe")
        .change(Some("v1".into()), None)
        .fact(fact::RUN, format!("run-{number}"))
}

/// Lines with these records, each with its break.
fn lines(records: impl IntoIterator<Item = AuditRecord>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for record in records {
        lines.push(append(lines.last().map(|line| &line.head), &record).unwrap());
    }
    lines
}

fn text(lines: &[Line]) -> String {
    lines.iter().flat_map(|line| [&line.text, "\n"]).collect()
}

#[test]
fn what_was_done_to_lines_is_named() {
    let all = lines((1..=5).map(record));
    let [one, two, three, four, five] = <[Line; 5]>::try_from(all.clone()).unwrap();
    let other = append(Some(&two.head), &record(99)).unwrap();
    let check = |lines: &[&Line], expect: &str| {
        let lines: Vec<Line> = lines.iter().copied().cloned().collect();
        let said = match verify(text(&lines).as_bytes()) {
            Ok(verified) => format!("{} lines", verified.lines()),
            Err(broken) => broken.to_string(),
        };
        assert_eq!(said, expect);
    };
    check(&[], "0 lines");
    check(&[&one, &two, &three, &four, &five], "5 lines");
    check(&[&one, &two], "2 lines");
    check(&[&two, &three], "line 1 was removed");
    check(&[&one, &five], "lines 2 to 4 were removed");
    check(&[&one, &two, &two, &three], "line 3 was put there: its number is 2");
    check(
        &[&one, &two, &other, &four],
        "line 4 does not follow the line before: one of them was written anew",
    );
    check(&[&two, &one], "line 1 was removed");
    let changed = Line { text: three.text.replace("ci", "me"), ..three.clone() };
    check(&[&one, &two, &changed, &four], "line 3 was changed");
    let cut = text(&all);
    assert_eq!(verify(&cut.as_bytes()[..cut.len() - 1]).unwrap_err(), Broken { line: 5, flaw: Flaw::Torn });
    let dos = text(&all).replace('\n', "\r\n");
    assert_eq!(verify(dos.as_bytes()).unwrap_err(), Broken { line: 1, flaw: Flaw::Changed });
    let long = "x".repeat(MAX_LINE_BYTES + 1) + "\n";
    assert_eq!(verify(long.as_bytes()).unwrap_err(), Broken { line: 1, flaw: Flaw::TooLong });
}

#[test]
fn a_head_kept_elsewhere_shows_what_was_cut_off_or_written_anew() {
    let all = lines((1..=4).map(record));
    let anew = lines((11..=14).map(record));
    let head = &all[2].head;
    let check = |lines: &[Line], expect: Result<u64, &str>| {
        let mut verifier = Verifier::new().anchored(head.to_string().parse().unwrap());
        let read = lines.iter().try_for_each(|line| verifier.read(line.text.as_bytes()).map(drop));
        let said = read.and_then(|()| verifier.finish()).map(|verified| verified.lines());
        assert_eq!(said.map_err(|broken| broken.to_string()), expect.map_err(str::to_owned));
    };
    check(&all, Ok(4));
    check(&all[..3], Ok(3));
    check(&all[..2], Err("the lines end before line 3, and there were 3: the end was cut off"));
    check(&[], Err("the lines end before line 1, and there were 3: the end was cut off"));
    check(&anew, Err("line 3 is not the one that was kept elsewhere: lines were written anew"));
}

#[test]
fn heads_are_read_as_they_are_written() {
    for bad in ["", "12", "0 sha256:e3b0", "x sha256:0", "-1 sha256:0", "12 sha256:xyz"] {
        assert!(bad.parse::<Head>().is_err(), "{bad:?}");
    }
}

#[test]
fn the_form_of_a_line_stays() {
    let first = append(None, &AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", "deploy", "shop")).unwrap();
    assert_eq!(
        first.text,
        concat!(
            r#"{"line":1,"before":null,"record":{"at":"1970-01-01T00:00:00Z","who":"ci","action":"deploy","subject":"shop","#,
            r#""why":"","from":null,"to":null,"facts":[]},"#,
            r#""digest":"sha256:87279d0526cd4fd67541d8fe9cde0c6e6de9fc34cd2e08e23e9312d1d3204f49"}"#
        )
    );
    let second = append(Some(&first.head), &record(1)).unwrap();
    assert_eq!(Line::read(second.text.as_bytes()), Ok(second));
}

#[test]
fn a_record_that_is_too_long_is_refused() {
    let long = record(1).because("x".repeat(MAX_LINE_BYTES));
    assert!(append(None, &long).unwrap_err().to_string().contains("over the limit"));
}

#[test]
fn a_torn_end_is_told_from_lines() {
    let all = lines((1..=3).map(record));
    let whole = text(&all);
    let last = all[2].text.len() + 1;
    for cut in 0..=last {
        let bytes = &whole.as_bytes()[..whole.len() - cut];
        let tail = tail(bytes, true).unwrap();
        let number = tail.last.as_ref().map(|line| line.head.line);
        let found = (number, tail.torn, tail.unbroken);
        let expect = match cut {
            0 => (Some(3), 0, false),
            1 => (Some(3), 0, true),
            cut if cut < last => (Some(2), last - cut, false),
            _ => (Some(2), 0, false),
        };
        assert_eq!(found, expect, "without {cut} bytes");
    }
    let zeros = [whole.as_bytes(), &[0; 512]].concat();
    assert_eq!(tail(&zeros, true).unwrap().torn, 512);
    assert_eq!(tail(b"", true).unwrap().last, None);
    assert_eq!(tail(b"{\"line\"", true).unwrap().torn, 7);
    for (bytes, whole) in
        [(&b"no line\n"[..], true), (b"no line", false), (&vec![b'x'; MAX_LINE_BYTES + 2], true)]
    {
        assert!(tail(bytes, whole).is_err());
    }
}

#[test]
fn only_the_same_deed_of_the_same_run_repeats() {
    let all = text(&lines((1..=3).map(record)));
    let tail = tail(all.as_bytes(), true).unwrap();
    let check = |record: AuditRecord, expect: bool| assert_eq!(tail.tells(&record), expect, "{record:?}");
    check(record(2), true);
    check(AuditRecord { at: Timestamp::UNIX_EPOCH, ..record(2).because("taken up") }, true);
    check(AuditRecord { action: action::UNDO.into(), ..record(2) }, false);
    check(record(2).in_environment("staging"), false);
    check(record(4), false);
    check(AuditRecord { facts: Vec::new(), ..record(2) }, false);
}

fn any_record() -> impl Strategy<Value = AuditRecord> {
    (any::<i32>(), ".{0,20}", any::<Option<String>>(), prop::collection::vec((".{0,5}", ".{0,20}"), 0..3))
        .prop_map(|(at, why, to, facts)| {
            let mut record = record(at.into()).because(why).change(None, to);
            record.facts = facts;
            record
        })
}

proptest! {
    #[test]
    fn any_changed_byte_of_any_line_is_found(
        records in prop::collection::vec(any_record(), 1..5),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut bytes = text(&lines(records)).into_bytes();
        prop_assert!(verify(&bytes).is_ok());
        let at = at.index(bytes.len());
        let line = bytes[..at].split(|byte| *byte == b'\n').count() as u64;
        bytes[at] ^= 1 << bit;
        let broken = verify(&bytes).unwrap_err();
        prop_assert_eq!(broken.line, line);
    }

    #[test]
    fn bytes_removed_or_put_in_are_found(
        records in prop::collection::vec(any_record(), 2..5),
        at in any::<prop::sample::Index>(),
        length in 1_usize..100,
        put in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let all = text(&lines(records));
        let at = at.index(all.len());
        let mut shorter = all.clone().into_bytes();
        shorter.drain(at..(at + length).min(all.len()));
        // Lines cut off the end, and only these, are not found: that takes an anchor.
        let cut_off = all.as_bytes().starts_with(&shorter) && shorter.last().is_none_or(|last| *last == b'\n');
        prop_assert_eq!(verify(&shorter).is_err(), !cut_off);
        let mut longer = all.into_bytes();
        longer.splice(at..at, put);
        prop_assert!(verify(&longer).is_err());
    }

    #[test]
    fn what_is_appended_reads_back(records in prop::collection::vec(any_record(), 0..5)) {
        let mut verifier = Verifier::new();
        for (line, record) in lines(records.clone()).iter().zip(records) {
            prop_assert_eq!(verifier.read(line.text.as_bytes()), Ok(record));
        }
    }
}
