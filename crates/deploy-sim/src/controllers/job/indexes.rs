//! Indexes as a Job's status lists them: `1,3-5,7`.

use std::collections::BTreeSet;

/// Reads them; what is none of the Job's is left out.
pub(super) fn parse(text: &str, completions: i64) -> BTreeSet<i64> {
    let mut indexes = BTreeSet::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) {
            indexes.extend(first.max(0)..=last.min(completions - 1));
        }
    }
    indexes
}

/// Writes them: three and more in a row as a range.
pub(super) fn format(indexes: &BTreeSet<i64>) -> String {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for index in indexes {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => ranges.push((*index, *index)),
        }
    }
    let written: Vec<String> = ranges
        .into_iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first},{last}"),
            _ => format!("{first}-{last}"),
        })
        .collect();
    written.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_read_and_written() {
        let check = |text: &str, expect: &[i64], written: &str| {
            let indexes = parse(text, 10);
            assert_eq!(indexes.iter().copied().collect::<Vec<_>>(), expect, "{text}");
            assert_eq!(format(&indexes), written);
        };
        check("", &[], "");
        check("0", &[0], "0");
        check("0,1", &[0, 1], "0,1");
        check("0-2,4", &[0, 1, 2, 4], "0-2,4");
        check("1,2,3,7-8", &[1, 2, 3, 7, 8], "1-3,7,8");
        check("8-99999999999999", &[8, 9], "8,9");
        check("x,3-,-5,2", &[2], "2");
    }
}
