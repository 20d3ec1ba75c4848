//! The tests of the whole: the real binary, real clients, real files. The table of contents:

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that meets what it does not expect must fail"
)]

mod abuse_desk;
mod architecture;
mod audit;
mod backup;
mod bad_input;
mod bad_text;
mod blocked;
mod borders;
mod check;
mod clients;
mod clock;
mod damaged;
mod devices;
mod disk;
mod documents;
mod faults;
mod first_policy;
mod forget;
mod import;
mod keys;
mod kill;
mod legal;
mod life;
mod matrix;
mod plan;
mod plan_held;
mod promises;
mod records;
mod reload;
mod replays;
mod resolver;
mod retention;
mod schema;
mod sealed_sessions;
mod seeds;
mod silence;
mod socks;
mod systemd;
mod target;
mod traces;
mod trouble;
mod tunnel;
mod walls;
mod world;
