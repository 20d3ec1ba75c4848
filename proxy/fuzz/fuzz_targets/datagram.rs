//! Any bytes as a datagram, of a stranger or of an account, and any payload as an answer.
#![no_main]

use std::cell::RefCell;

use avow_proxy::fuzzing::Bench;

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::new(Bench::new(|| tempfile::tempfile().unwrap()));
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| BENCH.with_borrow_mut(|bench| bench.datagram(data)));
