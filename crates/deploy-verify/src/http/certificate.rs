//! Until when a certificate is valid: as much of X.509 (RFC 5280, section 4.1) as that needs.

use deploy_core::clock::Timestamp;

use crate::der::{Der, INTEGER, SEQUENCE};

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0] EXPLICIT`: the version, which every certificate of today has.
const VERSION: u8 = 0xa0;

/// The end of a certificate's validity; `None` for what is no certificate.
pub(super) fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let mut signed = Der(Der(certificate).next(SEQUENCE)?);
    let mut fields = Der(signed.next(SEQUENCE)?);
    fields.next(VERSION)?;
    fields.next(INTEGER)?;
    // The algorithm, and the issuer.
    fields.next(SEQUENCE)?;
    fields.next(SEQUENCE)?;
    let validity = fields.next(SEQUENCE)?;
    let (_, rest) = time(validity)?;
    time(rest)?.0
}

/// The time at the beginning, if it can be told, and what follows it.
fn time(bytes: &[u8]) -> Option<(Option<Timestamp>, &[u8])> {
    let mut rest = Der(bytes);
    if let Some(text) = rest.next(UTC_TIME) {
        let text = std::str::from_utf8(text).ok()?;
        // Two digits of the year: up to 49 is 20xx.
        let century = if text.get(..2)?.parse::<u8>().ok()? < 50 { "20" } else { "19" };
        return Some((moment(&format!("{century}{text}")), rest.0));
    }
    let text = std::str::from_utf8(rest.next(GENERALIZED_TIME)?).ok()?;
    Some((moment(text), rest.0))
}

/// `YYYYMMDDHHMMSSZ`.
fn moment(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.len() == 14 && digits.is_ascii())?;
    let (date, time) = digits.split_at_checked(8)?;
    let (year, day) = date.split_at_checked(4)?;
    let (month, day) = day.split_at_checked(2)?;
    let (hour, minute) = time.split_at_checked(2)?;
    let (minute, second) = minute.split_at_checked(2)?;
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_certificates() {
        let check = |tag: u8, text: &str, expect: Option<&str>| {
            let bytes = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
            let found = time(&bytes).and_then(|(time, _)| time);
            assert_eq!(found, expect.map(|time| time.parse().unwrap()), "{text}");
        };
        check(UTC_TIME, "261121080000Z", Some("2026-11-21T08:00:00Z"));
        check(UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59Z"));
        check(UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00Z"));
        check(GENERALIZED_TIME, "20500101000000Z", Some("2050-01-01T00:00:00Z"));
        check(GENERALIZED_TIME, "40960101000000Z", Some("4096-01-01T00:00:00Z"));
        check(UTC_TIME, "2611210800Z", None);
        check(UTC_TIME, "é61121080000Z", None);
        check(UTC_TIME, "", None);
        check(UTC_TIME, "269921080000Z", None);
    }

    #[test]
    fn the_end_of_a_real_certificate() {
        let mut asked = rcgen::CertificateParams::new(["shop.example".to_owned()]).unwrap();
        asked.not_after = rcgen::date_time_ymd(2031, 5, 17);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = asked.self_signed(&key).unwrap();
        let der = certificate.der();
        assert_eq!(not_after(der), Some("2031-05-17T00:00:00Z".parse().unwrap()));
        for end in 0..der.len().min(200) {
            assert_eq!(not_after(&der[..end]), None);
        }
    }
}
