//! Whatever an outcome holds, its pages are whole and hold no markup but ours.

mod balance;
mod lanes;
mod sample;

use proptest::prelude::*;

use super::*;
use crate::outcome::{Outcome, Status};
use balance::{html_text, markdown_is_balanced};
use sample::{hostile, rollout};

/// What breaks a page, if anything does.
const NASTY: [&str; 12] = [
    "<script>alert(1)</script>",
    "</style></svg></details></table>",
    "\"><img src=x onerror=alert(1)>",
    "```\n````\n~~~",
    "a|b\\|c\\\\|d",
    "\u{1b}[31mred\u{1b}[0m\u{1b}]8;;http://x\u{7}",
    "nul\0 bell\u{7} \u{202e}txt.exe",
    "name: crit, 0, 1; #comment\nsection x",
    "section x\ngantt\nclick a href \"x\"",
    "- 1. # > *_[x](http://y)_*",
    "&amp;&#60;&lt; -->",
    "",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(NASTY.as_slice()).prop_map(str::to_owned),
        ".{0,40}",
        "[`|<>&\\\\\n#:;~-]{0,60}",
        Just("x".repeat(20_000)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_text_disturbs_a_page(texts in prop::collection::vec(text(), 24)) {
        let outcome = hostile(&texts);
        let page = markdown(&outcome);
        prop_assert!(page.len() <= MARKDOWN_BYTES);
        if let Err(why) = markdown_is_balanced(&page) {
            prop_assert!(false, "{why} in\n{page}");
        }
        match html_text(&html(&outcome)) {
            // What was markup to its writer is text to the reader; the first text is the run's name.
            Ok(shown) if texts[0].contains("<script>") => prop_assert!(shown.contains(&texts[0])),
            Ok(_) => {}
            Err(why) => prop_assert!(false, "{why}"),
        }
    }
}

#[test]
fn what_the_tests_look_for_would_be_found() {
    let check = |page: &str| assert!(markdown_is_balanced(page).is_err(), "{page}");
    check("```text\nx\n");
    check("<details><summary>x</summary>\n\nx\n");
    check("a <script>alert(1)</script>");
    check("| a | b |\n| --- | --- |\n| a | b | c |\n");
    assert!(html_text("<!DOCTYPE html>\n<html><b></html>").is_err());
    assert!(html_text("<!DOCTYPE html>\n<html><script></script></html>").is_err());
    assert!(html_text("<!DOCTYPE html>\n<html><b onclick=\"x\"></b></html>").is_err());
    assert!(html_text("<!DOCTYPE html>\n<html>a > b</html>").is_err());
}

/// 50 Deployments of 4 pods: hundreds of lanes, thousands of events.
#[test]
fn a_large_rollout_is_cut_and_says_so() {
    let outcome = rollout(50, 4, 20);
    let page = markdown(&outcome);
    markdown_is_balanced(&page).unwrap();
    assert!(page.contains("more are left out") && page.contains("\nand ") && page.len() < 200_000);
    let chart = page.split("```mermaid\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(
        chart.len() < 20_000,
        "Mermaid refuses more than 50,000 characters, and this has {}",
        chart.len()
    );
    assert!(chart.contains("crit"), "what failed is shown");
    let file = html(&outcome);
    html_text(&file).unwrap();
    assert!(file.contains("and 50 more") && file.len() < 1_000_000, "{}", file.len());
}

#[test]
fn a_page_is_never_too_long() {
    let mut outcome = rollout(1, 2, 2);
    let mut pod = crate::evidence::PodEvidence::new("shop", "api-1", "Running");
    let mut container = crate::evidence::ContainerEvidence::new("api", "api:v1", "running");
    container.log = vec!["é".repeat(900); 1000];
    pod.containers = vec![container; 60];
    outcome.evidence.pods = vec![pod; 3];
    let page = markdown(&outcome);
    assert!(page.len() <= MARKDOWN_BYTES && page.len() > MARKDOWN_BYTES - 100_000, "{}", page.len());
    markdown_is_balanced(&page).unwrap();
    assert!(page.contains("There was no room for"));
}

#[test]
fn every_end_has_a_headline() {
    let check = |status, expect: &str| {
        let outcome = Outcome { status, cause: None, ..rollout(1, 1, 1) };
        let (page, file) = (markdown(&outcome), html(&outcome));
        assert_eq!(page.lines().next(), Some(expect));
        let words = expect.split_once(": ").unwrap().1;
        assert!(html_text(&file).unwrap().contains(words));
    };
    check(Status::Planned, "## 📋 shop: planned, nothing was written");
    check(Status::Healthy, "## ✅ shop: healthy");
    check(Status::Incomplete, "## ⚠️ shop: healthy, but not completed");
    check(Status::RolledBack, "## ⚠️ shop: failed, the old state is back");
    check(Status::Failed, "## ❌ shop: failed, and left as it is");
    check(Status::RollbackFailed, "## ❌ shop: failed, and the way back failed");
}

#[test]
fn what_is_no_rollout_is_reported_too() {
    let mut outcome = rollout(1, 1, 1);
    (outcome.objects, outcome.timeline, outcome.took) = (Vec::new(), Vec::new(), std::time::Duration::ZERO);
    markdown_is_balanced(&markdown(&outcome)).unwrap();
    html_text(&html(&outcome)).unwrap();
}

#[test]
fn the_first_and_the_last_stay() {
    let check = |count: usize, max: usize, expect: (&[usize], usize, &[usize])| {
        let items: Vec<usize> = (0..count).collect();
        assert_eq!(ends(&items, max), expect);
    };
    check(0, 2, (&[], 0, &[]));
    check(3, 3, (&[0, 1, 2], 0, &[]));
    check(5, 3, (&[0], 2, &[3, 4]));
}
