//! A relay in a process of its own, as the parent runs it: what goes through, what is counted, and what is met with
//! silence. Everything stays on the loopback.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod bounded;
mod client;
#[path = "../../fuzz/forge.rs"]
mod forge;
mod guarded;
mod hostile;
mod lives;
mod replayed;
mod sealed;
mod strangers;
mod traffic;
mod withdrawn;
mod world;

/// Not a test: the process that the tests start as their relay. Started by hand it finds no parent and ends.
#[test]
#[ignore = "it is the relay that the other tests start"]
fn the_relay_itself() {
    if let Ok(inherited) = avow_proxy::Inherited::from_parent() {
        avow_proxy::run(inherited).unwrap();
    }
}
