//! The pure parts, without any cluster: reading, editing, planning, judging.

#![allow(clippy::expect_used, reason = "a benchmark may stop")]

mod editing;
mod judging;
mod planning;
mod reading;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    reading::bench(&mut criterion);
    planning::bench(&mut criterion);
    editing::bench(&mut criterion);
    judging::bench(&mut criterion);
    criterion.final_summary();
}
