//! Where each value of a document was read, compactly: 16 bytes a value.

use std::sync::Arc;

use super::Origin;

/// A place in a text, line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Mark {
    pub(super) fn new(line: usize, column: usize) -> Self {
        let clamp = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: clamp(line), column: clamp(column) }
    }

    pub(super) fn origin(self, file: &Arc<str>) -> Origin {
        Origin { file: Arc::clone(file), line: self.line as usize, column: self.column as usize }
    }
}

/// A value's JSON pointer, hashed (FNV-1a) as far as it is known: going down one step only hashes that step.
///
/// Two pointers of one document with the same hash would only make an error name the wrong line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Path(u64);

impl Path {
    pub(super) const ROOT: Self = Self(0xcbf2_9ce4_8422_2325);

    pub(super) fn key(self, key: &str) -> Self {
        key.bytes().fold(self.byte(b'/'), |path, byte| match byte {
            b'~' => path.byte(b'~').byte(b'0'),
            b'/' => path.byte(b'~').byte(b'1'),
            _ => path.byte(byte),
        })
    }

    pub(super) fn index(self, index: usize) -> Self {
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = index;
        loop {
            start -= 1;
            // A digit is below 10.
            #[allow(clippy::cast_possible_truncation)]
            let digit = (rest % 10) as u8;
            if let Some(place) = digits.get_mut(start) {
                *place = b'0' + digit;
            }
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        digits.iter().skip(start).fold(self.byte(b'/'), |path, byte| path.byte(*byte))
    }

    fn pointer(self, pointer: &str) -> Self {
        pointer.bytes().fold(self, Self::byte)
    }

    fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }
}

/// The places of one object's values, and the name of the text.
#[derive(Clone)]
pub(super) struct Places {
    file: Arc<str>,
    /// Sorted by path; where a path is met twice (a merged key, overridden later) the last one counts.
    table: Arc<[(Path, Mark)]>,
    /// The object's own path in the document: not the root for an item of a `List`.
    base: Path,
}

impl Places {
    pub(super) fn new(file: &Arc<str>, mut table: Vec<(Path, Mark)>) -> Self {
        table.sort_by_key(|(path, _)| *path);
        Self { file: Arc::clone(file), table: table.into(), base: Path::ROOT }
    }

    /// The places of the item `index` of the list `items`.
    pub(super) fn item(&self, items: &str, index: usize) -> Self {
        Self { base: self.base.key(items).index(index), ..self.clone() }
    }

    /// The place of the value at `pointer`, or of the nearest value around it that has one.
    pub(super) fn find(&self, mut pointer: &str) -> Option<Origin> {
        loop {
            let path = self.base.pointer(pointer);
            let after = self.table.partition_point(|(candidate, _)| *candidate <= path);
            let last = after.checked_sub(1).and_then(|last| self.table.get(last));
            if let Some((_, mark)) = last.filter(|(found, _)| *found == path) {
                return Some(mark.origin(&self.file));
            }
            pointer = pointer.get(..pointer.rfind('/')?)?;
        }
    }
}
