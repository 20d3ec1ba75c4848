//! Any bytes as a file of pages and its write-ahead log.
#![no_main]

#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|data: &[u8]| properties::pages(data));
