//! What runs on the node.

pub mod rules;
