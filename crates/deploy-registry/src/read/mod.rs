//! One image: its digest, its manifest, what it says of itself, its content.

mod artifact;
mod blob;
mod digest;
mod inspect;
mod manifest;
mod resolve;

pub(crate) use artifact::artifact;
pub(crate) use blob::blob;
#[allow(unused_imports, reason = "for what copies between registries")]
pub(crate) use blob::stream;
pub(crate) use inspect::inspect;
pub(crate) use manifest::manifest;
pub(crate) use resolve::resolve;
