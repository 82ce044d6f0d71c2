//! The tags that a mistyped one may have meant.

use futures_util::TryStreamExt;

use super::{Images, Promotion};
use crate::error::Error;
use crate::image::Tag;

/// How many tags an error names that look like a mistyped one.
const ALIKE: usize = 3;

impl Promotion {
    /// The error, with the tags that a mistyped one may have meant.
    pub(super) async fn alike(&self, error: Error, images: &Images) -> Error {
        for image in images.values().filter(|image| image.digest().is_none()) {
            let Some(tag) = image.tag() else { continue };
            let Ok(tags) = self.registry.tags(image.repository()).try_collect::<Vec<Tag>>().await else {
                continue;
            };
            if tags.contains(tag) {
                continue;
            }
            let mut near: Vec<(usize, &Tag)> =
                tags.iter().map(|other| (distance(tag.as_str(), other.as_str()), other)).collect();
            near.sort();
            let near: Vec<&str> = near.iter().take(ALIKE).map(|(_, tag)| tag.as_str()).collect();
            if !near.is_empty() {
                return error.help(format!("the nearest tags there are {}", near.join(", ")));
            }
        }
        error
    }
}

/// How many characters must be changed, added or left out (Levenshtein); tags have at most 128.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances() {
        for (left, right, expected) in [
            ("", "", 0),
            ("v1", "v1", 0),
            ("v1", "v2", 1),
            ("v1", "v1.0", 2),
            ("v21", "v12", 2),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }
}
