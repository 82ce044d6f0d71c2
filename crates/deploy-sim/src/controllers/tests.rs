//! The cluster from one moment to the next, as its users' objects make it move.

mod failures;
mod rollouts;
mod world;
