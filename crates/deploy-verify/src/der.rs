//! As much of DER as a public key and a certificate need.

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OBJECT_ID: u8 = 0x06;
pub(crate) const BIT_STRING: u8 = 0x03;

/// The values of DER text, one after the other.
pub(crate) struct Der<'a>(pub(crate) &'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value, if it is of this kind.
    pub(crate) fn next(&mut self, kind: u8) -> Option<&'a [u8]> {
        let [tag, first, rest @ ..] = self.0 else { return None };
        if *tag != kind {
            return None;
        }
        let (length, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            // Longer than a key can be.
            0x80 | 0x85.. => return None,
            long => {
                let (length, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                (length.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
