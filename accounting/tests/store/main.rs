//! The store as the service uses it: real files, and permits from policies that are read and compiled.

#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod agreement;
mod backup;
mod bad_input;
mod keys;
mod model;
mod opening;
mod policies;
mod records;
mod retention;
mod traffic;
mod world;
