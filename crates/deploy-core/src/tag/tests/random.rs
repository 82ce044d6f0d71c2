//! What comes from outside never panics; what is written reads back.

use proptest::prelude::*;

use super::super::version::Version;
use super::{noon, policy};
use crate::clock::Timestamp;
use crate::tag::{TagFields, TagPolicy, TagScheme, VersionConstraint, select, tag_safe};

/// A scheme, its fields, and what it can be ordered by; then tags that it mostly reads.
const FITTING: [[&str; 4]; 7] = [
    [
        "semver",
        "version",
        "version|lexical",
        "v?[0-9]{1,2}(\\.[0-9]{1,2}){2}(-[a-z0-9.-]{1,6})?(_[a-z0-9]{1,3})?",
    ],
    ["branch-sha", "branch|sha", "branch|lexical|ancestry", "[a-z0-9][a-z0-9./-]{0,12}-[0-9a-f]{6,9}"],
    [
        "branch.timestamp.sha",
        "branch|sha|timestamp",
        "timestamp|branch|lexical|ancestry",
        "[a-z][a-z0-9.-]{0,9}\\.(19|20|99)[0-9]{2}(01|02|12|13)[0-3][0-9]-[0-2][0-9][0-6][0-9]00\\.[0-9a-f]{6,9}",
    ],
    [
        "run-timestamp",
        "run|timestamp",
        "run|timestamp|lexical",
        "[0-9]{1,22}-2026(01|02)[0-3][0-9]-[01][0-9]0000",
    ],
    ["{a}-{b}.{run}", "a|b|run", "a|run", "[a-z0-9][a-z0-9.-]{0,9}-[a-z0-9.-]{1,9}\\.[0-9]{1,3}"],
    [
        "{run}_{at:%s}-{a}.{sha:8}",
        "run|at|a|sha",
        "run|at|lexical",
        "[0-9]{1,3}_17[0-9]{8}-[a-z0-9.-]{1,9}\\.[0-9a-f]{6,9}",
    ],
    ["'/(?<x>[0-9]+)(-(?<y>[a-z\"]+))?/' type=x:integer", "x|y", "x|y|ancestry", "[0-9]{1,4}(-[a-z]{1,3})?"],
];

fn matching(regex: &str) -> impl Strategy<Value = String> + use<> {
    proptest::string::string_regex(regex).unwrap()
}

/// A policy's text that mostly holds together.
fn policy_text() -> impl Strategy<Value = String> {
    proptest::sample::select(&FITTING[..]).prop_flat_map(|[scheme, fields, orders, _]| {
        let range =
            if fields == "version" { "|range=\"(>=|<|~|\\^|)[0-9]\\.[0-9x]( \\|\\| [0-9])?\"" } else { "" };
        let value = |field: &str| match field {
            "sha" => "[0-9a-f]{7,9}",
            "run" | "x" => "[0-9]{1,3}(,7)?",
            "version" => "v?[0-9]\\.[0-9]\\.[0-9]",
            "timestamp" => "20261101-000000",
            "at" => "1795262400",
            _ => "[a-z0-9./]{1,8}(,[a-z]{1,3})?",
        };
        let is: Vec<_> = fields.split('|').map(|field| format!("{field}(=|!=){}", value(field))).collect();
        let matches = format!("({fields}|tag)(~|!~)(\"[a-z.*+ |]{{1,8}}\"|'\"?[a-z.]*')");
        let condition = format!("{}|{matches}", is.join("|"));
        let once = format!("order=({orders}){range}|skew=[0-9]{{1,3}}[smh]|downgrade=(allow|never)");
        let words = (
            proptest::collection::vec(matching(&condition), 0..4),
            matching(&once),
            matching(&format!("order=({orders})")),
        );
        words.prop_map(move |(conditions, once, order)| {
            let order = if once.starts_with("order") { String::new() } else { order };
            format!("scheme={scheme} {} {once} {order}", conditions.join(" "))
        })
    })
}

/// One that some scheme reads, or anything.
fn tag() -> impl Strategy<Value = String> {
    prop_oneof![4 => proptest::sample::select(&FITTING[..]).prop_flat_map(|[_, _, _, tags]| matching(tags)), 1 => "\\PC{0,130}"]
}

proptest! {
    #[test]
    fn a_rendered_tag_reads_as_its_fields(
        number in 0..6_usize,
        branch in "[a-zA-Z0-9_./#é -]{1,90}",
        sha in "[0-9a-f]{40}",
        seconds in 0..4_000_000_000_i64,
        run in any::<u64>(),
        version in "v?[0-9]{1,3}\\.[0-9]{1,9}\\.[0-9](-[a-z][a-z0-9-]{0,5}(\\.[1-9][0-9]{0,3})?)?(\\+[a-z0-9]{1,5})?",
    ) {
        let names = ["sha", "sha-short", "semver", "run-timestamp", "branch-sha", "branch.timestamp.sha"];
        let scheme: TagScheme = names[number].parse().unwrap();
        let time = Timestamp::from_unix_seconds(seconds);
        let mut fields = TagFields::new();
        for name in scheme.fields() {
            fields = match name {
                "branch" => fields.branch(branch.clone()),
                "sha" => fields.sha(sha.clone()),
                "timestamp" => fields.timestamp(time),
                "run" => fields.run(run),
                _ => fields.version(version.clone()),
            };
        }
        let tag = scheme.render(&fields).unwrap();
        let read = scheme.parse(tag.as_str()).unwrap();
        for (name, value) in read.fields() {
            match name {
                "branch" => prop_assert_eq!(value, tag_safe(&branch)),
                "sha" => prop_assert!(sha.starts_with(value) && value.len() >= 7),
                "timestamp" => prop_assert_eq!(read.timestamp(), Some(time)),
                "run" => prop_assert_eq!(value, run.to_string()),
                _ => prop_assert_eq!(value, version.replace('+', "_")),
            }
        }
        // And the other way: what was read renders as the same tag.
        let mut again = TagFields::new();
        for (name, value) in read.fields() {
            again = again.set(name, value);
        }
        prop_assert_eq!(scheme.render(&again).unwrap(), tag);
    }

    /// Every tag that a template reads, it renders as the same: also those of other tools.
    #[test]
    fn a_tag_that_is_read_renders_as_itself(
        (template, tag) in proptest::sample::select(&FITTING[..6]).prop_flat_map(|[scheme, _, _, tags]| (Just(scheme), matching(tags)))
    ) {
        let scheme: TagScheme = template.parse().unwrap();
        if let Ok(read) = scheme.parse(&tag) {
            let mut fields = TagFields::new();
            for (name, value) in read.fields() {
                fields = fields.set(name, value);
            }
            // Begun with a dot, or with more digits of the commit than a build writes, it is another tool's.
            let ours = read.fields().all(|(name, value)| match name {
                "a" | "b" | "branch" => tag_safe(value) == value,
                "sha" => !template.contains("sha:8") || value.len() <= 8,
                _ => true,
            });
            if ours {
                prop_assert_eq!(scheme.render(&fields).unwrap().to_string(), tag);
            }
        }
    }

    #[test]
    fn a_policy_reads_back_from_what_it_shows(text in policy_text()) {
        if let Ok(policy) = text.parse::<TagPolicy>() {
            let shown = policy.to_string();
            prop_assert_eq!(shown.parse::<TagPolicy>().unwrap(), policy, "{}", shown);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,60}", tag in "\\PC{0,140}") {
        let _ = text.parse::<TagPolicy>();
        let _ = text.parse::<VersionConstraint>();
        let _ = format!("scheme={text}").parse::<TagPolicy>();
        if let Ok(scheme) = text.parse::<TagScheme>() {
            let _ = scheme.parse(&tag);
        }
        let safe = tag_safe(&text);
        prop_assert!(safe.is_empty() || safe.parse::<crate::image::Tag>().is_ok(), "{}", safe);
    }

    #[test]
    fn every_tag_has_a_reason(text in policy_text(), tags in proptest::collection::vec(tag(), 0..20)) {
        if let Ok(policy) = text.parse::<TagPolicy>() {
            let context = noon();
            if let Ok(selection) = select(&policy, &tags, &context) {
                for (index, verdict) in selection.verdicts().iter().enumerate() {
                    prop_assert!(!selection.why(index).is_empty(), "{verdict:?}");
                }
                prop_assert_eq!(selection.chosen().is_ok(), selection.verdicts().iter().any(|verdict| verdict.is_in()));
                prop_assert_eq!(selection.table(5).to_string().lines().count(), 1 + tags.len().min(5) + usize::from(tags.len() > 5));
                prop_assert!(serde_json::to_string(&selection).is_ok());
            }
        }
    }

    /// The choice does not depend on the order of the listing, and nothing that is in is newer.
    #[test]
    fn the_choice_is_that_of_a_sorted_list(mut tags in proptest::collection::vec("(main|dev)\\.2026110[1-4]-00000[0-2]\\.[ab]{7}", 1..30)) {
        let policy = policy("scheme=branch.timestamp.sha branch=main");
        let context = noon();
        let expected = tags.iter().filter(|tag| tag.starts_with("main")).max().cloned();
        prop_assert_eq!(select(&policy, &tags, &context).unwrap().choice().cloned(), expected.clone());
        tags.sort();
        prop_assert_eq!(select(&policy, &tags, &context).unwrap().choice().cloned(), expected);
    }

    /// Against the crate `semver`, for what it can read.
    #[test]
    fn versions_are_ordered_as_semver_says(
        left in "[0-3]\\.[0-2]\\.(0|[1-9]{1,3})(-[a-c0-9.-]{1,8})?",
        right in "[0-3]\\.[0-2]\\.(0|[1-9]{1,3})(-[a-c0-9.-]{1,8})?",
    ) {
        let theirs = [&left, &right].map(|text| semver::Version::parse(text).ok());
        let ours = [&left, &right].map(|text| Version::read(text));
        prop_assert_eq!(theirs.each_ref().map(Option::is_some), ours.each_ref().map(Option::is_some));
        if let ([Some(left), Some(right)], [Some(ours), Some(other)]) = (theirs, ours) {
            prop_assert_eq!(left.cmp_precedence(&right), ours.cmp(&other));
        }
    }
}
