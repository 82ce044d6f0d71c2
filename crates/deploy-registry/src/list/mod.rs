//! What comes in pages.

mod link;
mod pages;
mod referrers;
mod tags;

pub(crate) use referrers::referrers;
pub(crate) use tags::tags;
