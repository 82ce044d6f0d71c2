//! What all cases came to.

use std::collections::BTreeMap;
use std::fmt;

use k8s_fields::{Comparison, FieldPath, PathElement};

use super::effect::Effect;

#[derive(Default)]
pub(super) struct Tally {
    kinds: BTreeMap<String, Counts>,
    in_vain: BTreeMap<InVain, usize>,
}

/// Comparisons that an apply checked.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) equal: usize,
    /// Of them, those that an apply writes all the same, without a change.
    pub(super) rewritten: usize,
    /// Different, and the apply changed something.
    pub(super) changed: usize,
    /// Different, and the apply changed nothing.
    pub(super) in_vain: usize,
    /// Different, and the apply was refused.
    pub(super) refused: usize,
    /// Of an ordinary manifest right after it was applied: no apply changes anything then.
    pub(super) again: usize,
    pub(super) again_in_vain: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct InVain {
    again: bool,
    kind: String,
    place: String,
    why: String,
}

impl Tally {
    pub(super) fn count(&mut self, kind: &str, again: bool, comparison: &Comparison, effect: Effect) {
        let counts = self.kinds.entry(kind.to_owned()).or_default();
        let in_vain = match (comparison, effect) {
            (Comparison::Equal, _) => {
                counts.equal += 1;
                counts.rewritten += usize::from(effect != Effect::Nothing);
                None
            }
            (_, Effect::Change) => return counts.changed += 1,
            (_, Effect::Refused) => return counts.refused += 1,
            (Comparison::Different { path, why }, Effect::Nothing | Effect::Rewrite) => Some((path, why)),
        };
        counts.again += usize::from(again);
        if let Some((path, why)) = in_vain {
            counts.in_vain += 1;
            counts.again_in_vain += usize::from(again);
            let (kind, place, why) = (kind.to_owned(), without_keys(path), why.to_string());
            *self.in_vain.entry(InVain { again, kind, place, why }).or_default() += 1;
        }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = (&String, &Counts)> {
        self.kinds.iter()
    }

    pub(super) fn all(&self) -> Counts {
        self.kinds.values().fold(Counts::default(), |sum, counts| Counts {
            equal: sum.equal + counts.equal,
            rewritten: sum.rewritten + counts.rewritten,
            changed: sum.changed + counts.changed,
            in_vain: sum.in_vain + counts.in_vain,
            refused: sum.refused + counts.refused,
            again: sum.again + counts.again,
            again_in_vain: sum.again_in_vain + counts.again_in_vain,
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["equal", "rewritten", "changed", "refused", "in vain", "again", "in vain"];
        let row = |f: &mut fmt::Formatter<'_>, kind: &str, columns: [String; 7]| {
            writeln!(f, "{kind:24}{}", columns.map(|column| format!("{column:>10}")).concat())
        };
        row(f, "", columns.map(str::to_owned))?;
        let all = ("all".to_owned(), self.all());
        for (kind, c) in self.kinds().chain([(&all.0, &all.1)]) {
            let counts = [c.equal, c.rewritten, c.changed, c.refused, c.in_vain, c.again, c.again_in_vain];
            row(f, kind, counts.map(|count| count.to_string()))?;
        }
        writeln!(f, "Different, though the apply changes nothing:")?;
        let mut in_vain: Vec<_> = self.in_vain.iter().collect();
        in_vain.sort_by_key(|(what, count)| (!what.again, std::cmp::Reverse(**count)));
        for (InVain { again, kind, place, why }, count) in in_vain {
            let again = if *again { "again" } else { "" };
            writeln!(f, "{count:5} {again:5} {kind} {place}: {why}")?;
        }
        Ok(())
    }
}

fn without_keys(place: &FieldPath) -> String {
    let element = |element: &PathElement| match element {
        PathElement::Field(name) => format!(".{name}"),
        _ => "[]".to_owned(),
    };
    place.elements().iter().map(element).collect()
}
