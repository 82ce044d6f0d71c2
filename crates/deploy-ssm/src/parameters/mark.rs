//! What is written into a version's description: the note, and over which version it was meant to be written.

use deploy_core::config::Note;

/// The longest description that AWS keeps, in characters.
const LONGEST: usize = 1024;
const BEGINS: &str = "[deploy-core over ";

/// Over which version a write was meant, and which write it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The version that was seen; 0 for none.
    pub(super) over: u64,
    /// Made up for this write.
    pub(super) token: String,
}

impl Mark {
    pub(super) fn new(over: u64) -> Self {
        Self { over, token: format!("{:016x}", fastrand::u64(..)) }
    }

    pub(super) fn read(description: &str) -> Option<Self> {
        let (_, mark) = split(description)?;
        let (over, token) = mark.split_once(' ')?;
        Some(Self { over: over.parse().ok()?, token: token.to_owned() })
    }

    pub(super) fn describe(&self, note: &str) -> String {
        let mark = format!("{BEGINS}{} {}]", self.over, self.token);
        let room = LONGEST - mark.len() - 1;
        let note: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).take(room).collect();
        match note.trim() {
            "" => mark,
            note => format!("{note} {mark}"),
        }
    }
}

/// The note of a description.
pub(super) fn note(description: &str) -> Option<String> {
    let note = split(description).map_or(description, |(note, _)| note).trim();
    (!note.is_empty()).then(|| note.to_owned())
}

pub(super) fn words(note: &Note) -> String {
    let facts: Vec<_> = note.facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    match (note.message.trim(), facts.join(", ")) {
        (message, facts) if facts.is_empty() => message.to_owned(),
        (message, facts) => format!("{message} ({facts})").trim_start().to_owned(),
    }
}

fn split(description: &str) -> Option<(&str, &str)> {
    let (note, mark) = description.rsplit_once(BEGINS)?;
    Some((note, mark.strip_suffix(']')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_again() {
        let mark = Mark { over: 6, token: "3fa9".to_owned() };
        let check = |said: &str, kept: Option<&str>| {
            let description = mark.describe(said);
            assert!(description.chars().count() <= LONGEST);
            assert_eq!(Mark::read(&description).as_ref(), Some(&mark), "{description}");
            assert_eq!(note(&description).as_deref(), kept);
        };
        check("", None);
        check("release 2", Some("release 2"));
        check("a\nb", Some("a b"));
        check("[deploy-core over 1 x]", Some("[deploy-core over 1 x]"));
        assert!(note(&mark.describe(&"ö".repeat(5000))).is_some_and(|note| note.chars().count() > 900));
    }

    #[test]
    fn others_descriptions_are_notes() {
        let check = |description: &str, kept: Option<&str>| {
            assert_eq!((Mark::read(description), note(description).as_deref()), (None, kept));
        };
        check("the tag of the API", Some("the tag of the API"));
        check("", None);
    }

    #[test]
    fn facts_are_said() {
        let note = Note::new("promote").fact("image", "api:v2").fact("revision", "4f1c2d9");
        assert_eq!(words(&note), "promote (image=api:v2, revision=4f1c2d9)");
    }
}
