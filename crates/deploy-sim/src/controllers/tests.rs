//! The cluster from one moment to the next, as its users' objects make it move.

mod cluster_roles;
mod cron_jobs;
mod daemon_sets;
mod ends;
mod failures;
mod jobs;
mod jobs_by_index;
mod policies;
mod restless;
mod rollouts;
mod services;
mod stateful_sets;
mod volumes;
mod world;
