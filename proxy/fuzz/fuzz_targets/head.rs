//! Any bytes that come first on a connection, of a stranger or of an account.
#![no_main]

use std::cell::RefCell;

use avow_proxy::fuzzing::Bench;

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::new(Bench::new(|| tempfile::tempfile().unwrap()));
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| BENCH.with_borrow_mut(|bench| bench.head(data)));
