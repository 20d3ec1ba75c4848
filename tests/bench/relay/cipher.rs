//! What the cipher alone costs: sealing and opening the chunks of a stream in memory.

use std::{fs, hint::black_box};

use shadowsocks::crypto::{CipherKind, v2::tcp::TcpCipher};

const CHUNK: usize = 0xffff;
const TAG: usize = 16;

/// Seconds on a processor to seal, and to open, a GiB.
pub(crate) fn per_gib() -> (f64, f64) {
    let chunks = (1 << 30) / CHUNK;
    let new = || TcpCipher::new(CipherKind::AEAD2022_BLAKE3_AES_256_GCM, &[7; 32], &[9; 32]);
    let (mut length, mut chunk) = ([0; 2 + TAG], vec![7; CHUNK + TAG]);
    let began = spent();
    let mut sealer = new();
    for _ in 0..chunks {
        sealer.encrypt_packet(black_box(&mut length));
        sealer.encrypt_packet(black_box(&mut chunk));
    }
    let sealed = spent();
    let mut opener = new();
    for _ in 0..chunks {
        // That the tag is wrong is known only at the end.
        black_box(opener.decrypt_packet(black_box(&mut length)));
        black_box(opener.decrypt_packet(black_box(&mut chunk)));
    }
    (sealed - began, spent() - sealed)
}

/// Seconds on a processor, of this thread.
fn spent() -> f64 {
    let times = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    times.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
