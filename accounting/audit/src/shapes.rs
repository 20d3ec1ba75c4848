//! What a value looks like: an address, an e-mail, a card number, a host name, in plain or in a usual disguise.
//!
//! The disguises are hexadecimal, base64, percent signs, UTF-16 and raw bytes, one inside another at most twice. An
//! address written as one number, compressed or encrypted looks like nothing, and the report says so.

mod disguise;
mod plain;

use std::collections::BTreeSet;

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// An IPv4 or IPv6 address.
    Address,
    /// The address of a network card.
    Hardware,
    /// A host name or a URL.
    Host,
    /// An e-mail address.
    Email,
    /// The number of a payment card.
    Card,
}

impl Shape {
    /// Every shape.
    pub(crate) const ALL: [Self; 5] = [Self::Address, Self::Hardware, Self::Host, Self::Email, Self::Card];

    /// What a person calls it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Address => "network address",
            Self::Hardware => "hardware address",
            Self::Host => "host name",
            Self::Email => "e-mail address",
            Self::Card => "card number",
        }
    }

    /// The codes of the vocabulary that such a value would carry, whichever of them it was.
    pub(crate) fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Address => &["ip_address", "traffic.destination.address"],
            Self::Hardware => &["identity.device_id"],
            Self::Host => &["traffic.destination.name"],
            Self::Email => &["account.email"],
            Self::Card => &["payment.card"],
        }
    }
}

/// How often one disguise may hide another.
const DEPTH: u8 = 2;

/// What a text looks like.
pub(crate) fn of_text(text: &str) -> BTreeSet<Shape> {
    let mut found = BTreeSet::new();
    look(text, DEPTH, &mut found);
    found
}

/// What raw bytes look like. Of bytes that are declared to be random (keys, digests) only what no random bytes would
/// look like is reported.
pub(crate) fn of_bytes(bytes: &[u8], random: bool) -> BTreeSet<Shape> {
    let mut found = BTreeSet::new();
    if plain::address_bytes(bytes, random) {
        found.insert(Shape::Address);
    }
    for text in disguise::readings(bytes) {
        look(&text, DEPTH, &mut found);
    }
    found
}

/// What a whole number looks like: only a card number can be told from a count.
pub(crate) fn of_number(number: i64) -> BTreeSet<Shape> {
    if plain::card(&number.to_string()) { BTreeSet::from([Shape::Card]) } else { BTreeSet::new() }
}

fn look(text: &str, depth: u8, found: &mut BTreeSet<Shape>) {
    let shapes = [
        (Shape::Address, plain::address(text)),
        (Shape::Hardware, plain::hardware(text)),
        (Shape::Host, plain::host(text)),
        (Shape::Email, plain::email(text)),
        (Shape::Card, plain::card(text)),
    ];
    found.extend(shapes.into_iter().filter_map(|(shape, is)| is.then_some(shape)));
    if depth > 0 {
        for hidden in disguise::unmasked(text) {
            look(&hidden, depth - 1, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shapes: &[Shape]) {
        assert_eq!(of_text(text).into_iter().collect::<Vec<_>>(), shapes, "{text}");
    }

    #[test]
    fn addresses_are_seen_however_they_are_written() {
        for text in [
            "192.0.2.7",
            "192.000.002.007",
            "from 192.0.2.7:443",
            "192[.]0[.]2[.]7",
            "2001:db8::7",
            "[2001:db8::7]:443",
            "fe80::1%eth0",
            "::ffff:192.0.2.7",
            "2001:0db8:0000:0000:0000:0000:0000:0007",
        ] {
            check(text, &[Shape::Address]);
        }
    }

    #[test]
    fn disguises_are_looked_through() {
        check("3139322e302e322e37", &[Shape::Address]);
        check("MTkyLjAuMi43", &[Shape::Address]);
        check("TVRreUxqQXVNaTQz", &[Shape::Address]);
        check("someone%40mail.example", &[Shape::Host, Shape::Email]);
        check("c29tZW9uZUBtYWlsLmV4YW1wbGU=", &[Shape::Email]);
        check("736f6d656f6e65406d61696c2e6578616d706c65", &[Shape::Email]);
    }

    #[test]
    fn other_things_are_seen() {
        check("someone@mail.example", &[Shape::Email]);
        check("4111 1111 1111 1111", &[Shape::Card]);
        check("paid 2026-11-22 with 4111-1111-1111-1111", &[Shape::Card]);
        check("00:1b:44:11:3a:b7", &[Shape::Hardware]);
        check("001b.4411.3ab7", &[Shape::Hardware]);
        check("https://intranet/page", &[Shape::Host]);
        check("www.target.example", &[Shape::Host]);
    }

    #[test]
    fn honest_values_look_like_nothing() {
        for text in [
            "",
            "2022-blake3-aes-256-gcm",
            "2026-11-22T03:15:23Z",
            "2026-11-22 03:15:23.123456",
            "month_total_202611_v1",
            "northgate",
            "1795317323",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "version 1.2.3",
            "avow_terms::clause",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn raw_bytes_are_read_as_addresses_and_as_texts() {
        let address = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
        assert!(of_bytes(&address, false).contains(&Shape::Address));
        assert!(of_bytes(&address, true).contains(&Shape::Address), "no key has a row of ten zeros");
        assert!(of_bytes(&[192, 0, 2, 7], false).contains(&Shape::Address));
        let key: Vec<u8> = (0_u8..16).map(|i| i.wrapping_mul(91).wrapping_add(37)).collect();
        assert!(of_bytes(&key, true).is_empty());
        assert!(of_bytes(b"192.0.2.7", true).contains(&Shape::Address));
        let wide: Vec<u8> = "192.0.2.7".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(of_bytes(&wide, true).contains(&Shape::Address));
        let wide: Vec<u8> = "192.0.2.7".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(of_bytes(&wide, true).contains(&Shape::Address));
    }

    #[test]
    fn a_number_can_be_a_card_number() {
        assert!(of_number(4_111_111_111_111_111).contains(&Shape::Card));
        assert!(of_number(1_795_317_323_000).is_empty());
    }
}
