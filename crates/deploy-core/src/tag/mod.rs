//! Tags: how they are written, and which one is to run (stage *tag*).
//!
//! Pure: names of tags in, a choice and the reason for each tag out. Where tags come from is a [`Registry`](crate::registry::Registry)'s
//! business, and what git knows an [`Ancestry`](crate::ancestry::Ancestry)'s.
//!
//! ```
//! use deploy_core::tag::{Context, TagFields, TagPolicy, TagScheme, select};
//!
//! // A build names its image …
//! let scheme: TagScheme = "branch.timestamp.sha".parse()?;
//! let built = "2026-11-21T07:53:25Z".parse()?;
//! let tag = scheme.render(&TagFields::new().branch("release/2.0").timestamp(built).sha("4f1c2d9"))?;
//! assert_eq!(tag.as_str(), "release-2.0.20261121-075325.4f1c2d9");
//!
//! // … and a deployment finds it, with the commit that it came from.
//! let policy: TagPolicy = "scheme=branch.timestamp.sha branch=release/2.0".parse()?;
//! let tags = [tag.as_str(), "main.20261121-080000.0a1b2c3"];
//! let context = Context::at("2026-11-21T10:00:00Z".parse()?);
//! let selection = select(&policy, &tags, &context)?;
//! assert_eq!(policy.commit(selection.chosen()?), Some("4f1c2d9"));
//! # Ok::<(), deploy_core::error::Error>(())
//! ```
//!
//! | type | is |
//! | --- | --- |
//! | [`TagScheme`] | how tags are written: reads and renders them |
//! | [`TagPolicy`] | which may run, and what is newer; a builder, or one line of text |
//! | [`select`], [`Selection`] | the choice, and the reason for each tag |
//! | [`select_group`] | several images at one commit, all or none |
//! | [`Hold`], [`Holds`] | what must not run until it is lifted, and where that is kept |
//! | [`retention`] | which tags may go |
//! | [`History`] | where commits stand, for tags that say nothing else of what is newer |
//!
//! # Fails closed
//! Nothing is chosen rather than something older: what runs and every hold must be comparable with the candidates, every candidate's commit
//! must be known where commits decide, and a time in the future is out by a rule. Older than what runs is chosen only where the policy allows it.

mod commits;
mod compare;
mod comparison;
mod condition;
mod constraint;
mod context;
mod explain;
mod field;
mod fields;
mod group;
mod history;
mod hold;
mod holds;
mod judge;
mod order;
mod pattern;
mod policy;
mod policy_text;
mod problem;
pub mod retention;
mod rolled_back;
mod scheme;
mod selection;
mod spans;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod verdict;
mod version;

pub use condition::Condition;
pub use constraint::{MAX_CONSTRAINT_LENGTH, VersionConstraint};
pub use context::Context;
pub use field::FieldType;
pub use fields::{ParsedTag, TagFields};
pub use group::{GroupSelection, Incomplete, Member, select_group};
pub use history::History;
pub use hold::{Extent, Hold};
pub use holds::Holds;
pub use order::Order;
pub use pattern::MAX_PATTERN_LENGTH;
pub use policy::{TagPolicy, TagPolicyBuilder};
pub use scheme::TagScheme;
pub use selection::{Selection, select};
pub use text::{MAX_TEXT_LENGTH, tag_safe};
pub use time::TimeFormat;
pub use verdict::Verdict;

use crate::image::MAX_TAG_LENGTH;

/// The longest text of a policy, in bytes.
pub const MAX_POLICY_LENGTH: usize = 4096;

/// The longest template, in bytes.
pub const MAX_TEMPLATE_LENGTH: usize = 256;

/// The most conditions of a policy.
pub const MAX_CONDITIONS: usize = 32;

/// The most fields of a scheme.
pub const MAX_FIELDS: usize = 8;

/// The most holds on one image in one environment.
pub const MAX_HOLDS: usize = 255;

/// Whether a tag can hold `c`, anywhere but at its start.
fn is_tag_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// Whether a registry can have called a tag so.
fn is_tag(text: &str) -> bool {
    let is_start = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.len() <= MAX_TAG_LENGTH
        && text.as_bytes().first().is_some_and(is_start)
        && text.bytes().all(|byte| is_tag_char(char::from(byte)))
}

/// Whether it names what refers to another image (`sha256-<digest>`, with `.sig`, `.att` or `.sbom`), and no image: the fallback of OCI's
/// referrers, and cosign's tags.
fn is_artifact(tag: &str) -> bool {
    const DIGITS: usize = 64;
    let Some((digits, rest)) = tag.strip_prefix("sha256-").and_then(|rest| rest.split_at_checked(DIGITS))
    else {
        return false;
    };
    (rest.is_empty() || rest.starts_with('.')) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
