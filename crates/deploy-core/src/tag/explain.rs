//! A selection in words: one tag, a sentence, a table, JSON.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::condition::WHOLE_TAG;
use super::field::FieldType;
use super::hold::Extent;
use super::order::OrderBy;
use super::selection::Selection;
use super::verdict::Verdict;

impl<T: AsRef<str>> Selection<'_, T> {
    /// Why the tag at `index` was chosen or not; empty past the end.
    pub fn why(&self, index: usize) -> String {
        let Some(verdict) = self.verdicts.get(index).copied() else { return String::new() };
        let (policy, tag) = (self.policy, self.tag(index));
        match verdict {
            Verdict::Chosen => self.why_chosen(tag),
            Verdict::Tied => match self.order_of(tag) {
                Some(key) => format!("{key} as well; of equal ones the greatest text is taken"),
                None => "of equal ones the greatest text is taken".into(),
            },
            Verdict::Older if self.is_grouped => "older than the group's choice".into(),
            Verdict::Older => match self.order_of(tag) {
                Some(key) => format!("{key} is older than the choice's"),
                None => "older than the choice".into(),
            },
            Verdict::Incomplete => match self.missing.get(&index) {
                Some(missing) => format!("its commit is missing in {missing}"),
                None => "its commit is not there for every image of the group".into(),
            },
            Verdict::Downgrade => {
                format!("older than what runs, {}", self.context.running.as_deref().unwrap_or_default())
            }
            Verdict::Held(number) => self.why_held(usize::from(number)),
            Verdict::Elsewhere => match policy.commit(tag) {
                Some(commit) => format!("its commit {commit} is not on the line to {}", self.judge.head()),
                None => "its commit is not on the line".into(),
            },
            Verdict::Unordered => format!("it has no {}", policy.order()),
            Verdict::Future => self.why_future(tag),
            Verdict::Prerelease => format!("a prerelease, and \"{}\" names none", policy.range),
            Verdict::Range => format!("not in \"{}\"", policy.range),
            Verdict::Condition(number) => self.why_condition(tag, usize::from(number)),
            Verdict::Scheme => match policy.scheme.read(tag) {
                Err(mismatch) => {
                    format!("not of the scheme {}: {}", policy.scheme, policy.scheme.explain(tag, mismatch))
                }
                Ok(_) => format!("not of the scheme {}", policy.scheme),
            },
        }
    }

    /// What a tag is ordered by, with its name.
    fn order_of(&self, tag: &str) -> Option<String> {
        let scheme = &self.policy.scheme;
        let (number, spans) = match self.policy.order {
            OrderBy::Lexical => return Some("its text".into()),
            OrderBy::Field(number) | OrderBy::Ancestry(number) => (number, scheme.read(tag).ok()?),
        };
        let (field, text) = (scheme.fields.get(number)?, spans.get(number, tag)?);
        match &field.kind {
            FieldType::Timestamp(format) => Some(format!("{} {}", field.name, format.read(text)?)),
            FieldType::Commit { .. } => Some(format!("commit {text}")),
            _ => Some(format!("{} {text}", field.name)),
        }
    }

    fn why_chosen(&self, tag: &str) -> String {
        let count =
            |wanted: fn(Verdict) -> bool| self.verdicts.iter().filter(|verdict| wanted(**verdict)).count();
        let all = match count(Verdict::is_in) {
            _ if self.is_grouped => "of the newest commit that every image has".to_owned(),
            1 => "the only one that is in".to_owned(),
            all => format!("the newest of {all} that are in"),
        };
        let key = self.order_of(tag).map(|key| format!(": {key}")).unwrap_or_default();
        let tied = match count(|verdict| verdict == Verdict::Tied) {
            0 => String::new(),
            1 => ", which 1 more has: the greater text is taken".to_owned(),
            tied => format!(", which {tied} more have: the greatest text is taken"),
        };
        let runs = if self.context.running.as_deref() == Some(tag) { "; it runs already" } else { "" };
        all + &key + &tied + runs
    }

    fn why_held(&self, number: usize) -> String {
        let Some(hold) = self.context.holds.get(number) else { return "held".into() };
        let (tag, by, at, why) = (&hold.tag, &hold.by, hold.at, &hold.why);
        match hold.extent {
            Extent::NotPast => format!("newer than {tag}, and {by} held it there at {at}: {why}"),
            Extent::NotThis => format!("{by} held {tag} back at {at}: {why}"),
        }
    }

    fn why_future(&self, tag: &str) -> String {
        let scheme = &self.policy.scheme;
        let latest = self.context.now + self.policy.skew;
        let times = scheme.read(tag).ok().into_iter().flat_map(|spans| {
            self.policy.times.iter().filter_map(move |number| {
                let (field, text) = (scheme.fields.get(*number)?, spans.get(*number, tag)?);
                let FieldType::Timestamp(format) = &field.kind else { return None };
                format.read(text)
            })
        });
        match times.filter(|time| *time > latest).max() {
            Some(time) => {
                let (ahead, skew) = (time.since(self.context.now).as_secs(), self.policy.skew.as_secs());
                format!("{time} is {ahead} s after now, {}; {skew} s are allowed", self.context.now)
            }
            None => "its time is in the future".into(),
        }
    }

    fn why_condition(&self, tag: &str, number: usize) -> String {
        let Some(condition) = self.policy.conditions.get(number) else { return "out by a condition".into() };
        if condition.subject == WHOLE_TAG {
            return format!("not {condition}");
        }
        let scheme = &self.policy.scheme;
        let value = scheme.read(tag).ok().zip(scheme.number(&condition.subject));
        match value.and_then(|(spans, field)| spans.get(field, tag)) {
            Some(value) => format!("{} is {value:?}: not {condition}", condition.subject),
            None => format!("it has no {}: not {condition}", condition.subject),
        }
    }

    /// At most `rows` tags as a table, the nearest to the choice first, and how many there are beside them.
    pub fn table(&self, rows: usize) -> impl fmt::Display + '_ {
        let shown = self.nearest(rows);
        let width = shown.iter().map(|index| self.tag(*index).chars().count()).max().unwrap_or(0).max(3);
        fmt::from_fn(move |f| {
            writeln!(f, "{:width$}  {:3}  {:10}  WHY", "TAG", "", "RULE")?;
            for index in &shown {
                let Some(verdict) = self.verdicts.get(*index) else { continue };
                let is_in = if verdict.is_in() { "in" } else { "out" };
                let tag = printable(self.tag(*index));
                writeln!(
                    f,
                    "{tag:width$}  {is_in:3}  {:10}  {}",
                    verdict.rule(),
                    printable(&self.why(*index))
                )?;
            }
            match self.tags.len() - shown.len() {
                0 => Ok(()),
                more => writeln!(f, "and {more} more"),
            }
        })
    }
}

/// Tags come from a registry and holds from a store, which may answer anything.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The choice and why it, or how many fell out by each rule.
impl<T: AsRef<str>> fmt::Display for Selection<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.choice, self.chosen()) {
            (Some(index), Ok(tag)) => write!(f, "{}: {}", tag.as_ref(), self.why(index)),
            (_, Err(error)) => f.write_str(error.message()),
            (None, Ok(_)) => Ok(()),
        }
    }
}

/// A tag with its verdict, in words.
struct Row<'a, T>(&'a Selection<'a, T>, usize);

impl<T: AsRef<str>> Serialize for Row<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(selection, index) = self;
        let verdict = selection.verdicts.get(*index);
        let mut out = serializer.serialize_struct("Tag", 4)?;
        out.serialize_field("tag", selection.tag(*index))?;
        out.serialize_field("in", &verdict.is_some_and(|verdict| verdict.is_in()))?;
        out.serialize_field("rule", &verdict.map(|verdict| verdict.rule()))?;
        out.serialize_field("why", &selection.why(*index))?;
        out.end()
    }
}

/// How many tags came to one verdict.
struct Count<'a>(&'a str, &'a str, usize);

impl Serialize for Count<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Count", 3)?;
        out.serialize_field("rule", self.0)?;
        out.serialize_field("what", self.1)?;
        out.serialize_field("count", &self.2)?;
        out.end()
    }
}

/// Everything: the choice, the counts, and each tag in the order given, written one by one.
impl<T: AsRef<str>> Serialize for Selection<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = self.counts();
        let counts: Vec<_> =
            counts.iter().map(|(verdict, what, count)| Count(verdict.rule(), what, *count)).collect();
        let mut out = serializer.serialize_struct("Selection", 7)?;
        out.serialize_field("policy", self.policy)?;
        out.serialize_field("now", &self.context.now)?;
        out.serialize_field("running", &self.context.running)?;
        out.serialize_field("choice", &self.choice().map(AsRef::as_ref))?;
        out.serialize_field("why", &self.to_string())?;
        out.serialize_field("counts", &counts)?;
        out.serialize_field("tags", &Rows(self))?;
        out.end()
    }
}

struct Rows<'a, T>(&'a Selection<'a, T>);

impl<T: AsRef<str>> Serialize for Rows<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.tags.len()).map(|index| Row(self.0, index)))
    }
}
