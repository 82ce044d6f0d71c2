//! A message on the wire: numbers of fields, and what they hold.

use super::{CUT_OFF, Unread};

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, in the order in which they were sent.
#[derive(Debug)]
pub(super) struct Message<'a>(pub(super) Vec<(u64, Wire<'a>)>);

impl<'a> Message<'a> {
    /// # Errors
    /// Bytes that are none, or end too early.
    pub(super) fn read(mut bytes: &'a [u8]) -> Result<Self, Unread> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)?;
            let wire = match tag & 7 {
                0 => Wire::Number(varint(&mut bytes)?),
                1 => Wire::Number(u64::from_le_bytes(fixed(&mut bytes)?)),
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).map_err(|_| CUT_OFF)?;
                    let (field, rest) = bytes.split_at_checked(length).ok_or(CUT_OFF)?;
                    bytes = rest;
                    Wire::Bytes(field)
                }
                5 => Wire::Number(u32::from_le_bytes(fixed(&mut bytes)?).into()),
                _ => return Err(Unread::Malformed("it has a field of an illegal wire type")),
            };
            fields.push((tag >> 3, wire));
        }
        Ok(Self(fields))
    }

    /// The last of those of a number: the one that counts.
    pub(super) fn last(&self, number: u64) -> Option<&Wire<'a>> {
        self.0.iter().rev().find(|(found, _)| *found == number).map(|(_, wire)| wire)
    }

    pub(super) fn bytes(&self, number: u64) -> &'a [u8] {
        match self.last(number) {
            Some(Wire::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    pub(super) fn number(&self, number: u64) -> u64 {
        match self.last(number) {
            Some(Wire::Number(number)) => *number,
            _ => 0,
        }
    }

    /// # Errors
    /// What is not UTF-8.
    pub(super) fn text(&self, number: u64) -> Result<String, Unread> {
        Wire::Bytes(self.bytes(number)).text()
    }
}

impl<'a> Wire<'a> {
    /// # Errors
    /// Another form than the field's.
    pub(super) fn bytes(&self) -> Result<&'a [u8], Unread> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(Unread::Malformed("it has a number where a message is wanted")),
        }
    }

    /// # Errors
    /// Another form than the field's; nothing at all is zero.
    pub(super) fn number(&self) -> Result<u64, Unread> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Bytes([]) => Ok(0),
            Self::Bytes(_) => Err(Unread::Malformed("it has a message where a number is wanted")),
        }
    }

    /// # Errors
    /// Another form than the field's, and what is not UTF-8.
    pub(super) fn text(&self) -> Result<String, Unread> {
        let text = std::str::from_utf8(self.bytes()?);
        Ok(text.map_err(|_| Unread::Malformed("it has a text that is not UTF-8"))?.to_owned())
    }
}

/// Seven bits a byte, the lowest first.
fn varint(bytes: &mut &[u8]) -> Result<u64, Unread> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(CUT_OFF)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Unread::Malformed("it has a number of more than 64 bits"))
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Unread> {
    let (fixed, rest) = bytes.split_first_chunk().ok_or(CUT_OFF)?;
    *bytes = rest;
    Ok(*fixed)
}
