//! Whether a tag is in or out, and by which rule.

use super::policy::TagPolicy;
use super::selection::Selection;

/// Whether a tag is in or out, and by which rule. Words are made of it only where they are shown ([`Selection::why`]).
///
/// The rules are asked in the order of this list from its end, and the first that a tag breaks is its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// In, and the choice.
    Chosen,
    /// In, and equal to the choice by the order: the text decided.
    Tied,
    /// In, and older than the choice.
    Older,
    /// Out: not every image of the group has its commit.
    Incomplete,
    /// Out: older than what runs.
    Downgrade,
    /// Out by this hold, counted from 0 in the context.
    Held(u8),
    /// Out: its commit is not on the line of the history.
    Elsewhere,
    /// Out: it lacks the field that decides.
    Unordered,
    /// Out: its time is in the future.
    Future,
    /// Out: its version is a prerelease, and the range names none.
    Prerelease,
    /// Out: its version is not in the range.
    Range,
    /// Out by this condition, counted from 0 in the policy.
    Condition(u8),
    /// Out: not written by the scheme.
    Scheme,
}

impl Verdict {
    /// Whether the tag may run.
    pub fn is_in(self) -> bool {
        matches!(self, Self::Chosen | Self::Tied | Self::Older)
    }

    /// The rule in one word, as JSON has it.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::Tied => "tied",
            Self::Older => "older",
            Self::Incomplete => "incomplete",
            Self::Downgrade => "downgrade",
            Self::Held(_) => "held",
            Self::Elsewhere => "elsewhere",
            Self::Unordered => "unordered",
            Self::Future => "future",
            Self::Prerelease => "prerelease",
            Self::Range => "range",
            Self::Condition(_) => "condition",
            Self::Scheme => "scheme",
        }
    }

    /// How far from being chosen: the rules that it kept before it broke one.
    pub(super) fn distance(self) -> u16 {
        match self {
            Self::Chosen => 0,
            Self::Tied => 1,
            Self::Older => 2,
            Self::Incomplete => 3,
            Self::Downgrade => 4,
            Self::Held(number) => 260 - u16::from(number),
            Self::Elsewhere => 261,
            Self::Unordered => 262,
            Self::Future => 263,
            Self::Prerelease => 264,
            Self::Range => 265,
            Self::Condition(number) => 521 - u16::from(number),
            Self::Scheme => 522,
        }
    }

    /// What all tags with this verdict are.
    pub(super) fn of_all<T>(self, selection: &Selection<'_, T>) -> String {
        let TagPolicy { scheme, conditions, range, .. } = selection.policy;
        match self {
            Self::Chosen => "chosen".into(),
            Self::Tied => "equal to the choice".into(),
            Self::Older => "older than the choice".into(),
            Self::Incomplete => "not there for every image of the group".into(),
            Self::Downgrade => "older than what runs".into(),
            Self::Held(number) => match selection.context.holds.get(usize::from(number)) {
                Some(hold) => format!("held by {}", hold.by),
                None => "held".into(),
            },
            Self::Elsewhere => format!("not on the line to {}", selection.judge.head()),
            Self::Unordered => format!("without {}", selection.policy.order()),
            Self::Future => "in the future".into(),
            Self::Prerelease => "prereleases".into(),
            Self::Range => format!("not in {range}"),
            Self::Condition(number) => match conditions.get(usize::from(number)) {
                Some(condition) => format!("not {condition}"),
                None => "out by a condition".into(),
            },
            Self::Scheme => format!("not of the scheme {scheme}"),
        }
    }
}
