//! The store as the service uses it: real files, and permits from policies that are read and compiled.

#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod agreement;
mod backup;
mod keys;
mod opening;
mod policies;
mod records;
mod retention;
mod traffic;
mod world;
