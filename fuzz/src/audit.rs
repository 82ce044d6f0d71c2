//! The record of what was done: any bytes are a chain or named, any end can be added to or is refused, and no changed byte stays unseen.
#![no_main]

use deploy_core::audit::AuditRecord;
use deploy_core::audit::chain::{MAX_LINE_BYTES, append, tail, verify};
use deploy_core::clock::Timestamp;

fn record(why: &str) -> AuditRecord {
    AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", "promote", "shop").because(why)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(tail) = tail(bytes, true) {
        // Mended as its writer would, it takes a line more.
        let next = append(tail.last.as_ref().map(|line| &line.head), &record("next")).expect("it is short");
        let mut text = bytes[..bytes.len() - tail.torn].to_vec();
        if tail.unbroken {
            text.push(b'\n');
        }
        let sound = verify(&text).is_ok();
        text.extend_from_slice(format!("{}\n", next.text).as_bytes());
        assert_eq!(verify(&text).is_ok(), sound);
    }
    // A chain of these bytes' own lines; then one of its bytes is changed.
    let Some(([at, flip], rest)) = bytes.split_first_chunk::<2>() else { return };
    let (mut text, mut head) = (Vec::new(), None);
    for why in String::from_utf8_lossy(rest).split('\n').take(4) {
        let Ok(line) = append(head.as_ref(), &record(why)) else { return };
        assert!(line.text.len() <= MAX_LINE_BYTES);
        text.extend_from_slice(format!("{}\n", line.text).as_bytes());
        head = Some(line.head);
    }
    assert_eq!(verify(&text).expect("we wrote it").head, head);
    let at = usize::from(*at) * text.len() / 256;
    if *flip != 0 {
        text[at] ^= flip;
        assert!(verify(&text).is_err());
    }
});
