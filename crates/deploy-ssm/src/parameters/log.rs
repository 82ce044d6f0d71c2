//! Which of a parameter's versions stands, where several writers wrote over the same one: a decision about its history.
//!
//! AWS has no conditional write. Each write says over which version it was meant, and AWS numbers versions one after the other: a write that
//! was not meant over the one before it came too late. It does not stand, and who wrote it puts back what does. All writers read this from the same
//! history, so they come to the same value.

use super::mark::Mark;

/// One version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) number: u64,
    pub(super) value: String,
    /// Seconds since 1970.
    pub(super) at: i64,
    pub(super) description: Option<String>,
    pub(super) key: Option<String>,
}

impl Past {
    fn mark(&self) -> Option<Mark> {
        Mark::read(self.description.as_deref()?)
    }

    pub(super) fn is_of(&self, token: &str) -> bool {
        self.mark().is_some_and(|mark| mark.token == token)
    }
}

/// What stands, of versions with the oldest first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// The newest version, or one of the same value.
    Newest,
    /// This one, whose value is to be put back.
    Earlier(&'a Past),
    /// None: it had been deleted before the only one that there is came too late.
    Nothing,
}

pub(super) fn standing(log: &[Past]) -> Standing<'_> {
    let Some(newest) = log.last() else { return Standing::Nothing };
    let in_time = |at: usize| match log[at].mark() {
        // By somebody who does not care what was there.
        None => true,
        // A writer who says nothing may leave the description as it was.
        Some(mark) => mark.over + 1 == log[at].number || (at > 0 && log[at - 1].is_of(&mark.token)),
    };
    let found = (0..log.len()).rev().find(|at| in_time(*at)).map(|at| &log[at]);
    // Of a longer history only the end is kept.
    match found.or(log.first().filter(|oldest| oldest.number > 1)) {
        Some(past) if past.value == newest.value => Standing::Newest,
        Some(past) => Standing::Earlier(past),
        None => Standing::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions from 1 on: value, and over which version it was meant.
    fn log(versions: &[(&str, Option<u64>)]) -> Vec<Past> {
        let one = |(at, (value, over)): (usize, &(&str, Option<u64>))| Past {
            number: at as u64 + 1,
            value: (*value).to_owned(),
            at: 0,
            description: over.map(|over| Mark { over, token: format!("t{at}") }.describe("")),
            key: None,
        };
        versions.iter().enumerate().map(one).collect()
    }

    #[test]
    fn the_first_over_a_version_stands() {
        let check = |versions: &[(&str, Option<u64>)], expect: Option<&str>| {
            let log = log(versions);
            let stands = match standing(&log) {
                Standing::Newest => log.last().map(|past| past.value.as_str()),
                Standing::Earlier(past) => Some(past.value.as_str()),
                Standing::Nothing => None,
            };
            assert_eq!(stands, expect, "{versions:?}");
        };
        check(&[("a", Some(0))], Some("a"));
        check(&[("a", Some(0)), ("left", Some(1)), ("right", Some(1))], Some("left"));
        check(&[("a", Some(0)), ("l", Some(1)), ("r", Some(1)), ("third", Some(1))], Some("l"));
        // Put back.
        check(&[("a", Some(0)), ("l", Some(1)), ("r", Some(1)), ("l", Some(3))], Some("l"));
        // Somebody who read the late one before it was put back wrote in time.
        check(&[("a", Some(0)), ("l", Some(1)), ("r", Some(1)), ("n", Some(3)), ("l", Some(3))], Some("n"));
        // By hand.
        check(&[("a", Some(0)), ("hand", None), ("r", Some(1))], Some("hand"));
        check(&[("a", Some(0)), ("l", Some(1)), ("hand", None)], Some("hand"));
        // Deleted, and created by a write that was meant over version 6.
        check(&[("r", Some(6))], None);
        check(&[], None);
    }

    #[test]
    fn a_description_that_was_left_is_nobodys() {
        let mut log = log(&[("a", Some(0)), ("hand", None)]);
        log[1].description = log[0].description.clone();
        assert_eq!(standing(&log), Standing::Newest);
    }

    #[test]
    fn what_stood_before_the_kept_versions_is_not_known() {
        let mut log = log(&[("a", Some(0)), ("b", Some(0))]);
        for past in &mut log {
            past.number += 100;
        }
        assert_eq!(standing(&log), Standing::Earlier(&log[0]));
    }
}
