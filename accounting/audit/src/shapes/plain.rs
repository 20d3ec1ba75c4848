//! The shapes as they are usually written.
//!
//! These lean towards seeing too much: the store has few texts, and none of them should look like any of this.

use std::net::Ipv6Addr;

/// Whether a text holds an IPv4 or an IPv6 address.
pub(super) fn address(text: &str) -> bool {
    let text = text.replace("[.]", ".");
    text.split(|c: char| !c.is_ascii_digit() && c != '.').any(ipv4) || ipv6(&text)
}

/// Whether four numbers below 256 stand in a row, with zeros in front or not.
fn ipv4(run: &str) -> bool {
    let octet = |group: &&str| group.len() <= 4 && group.parse::<u16>().is_ok_and(|number| number < 256);
    let groups: Vec<&str> = run.trim_matches('.').split('.').collect();
    groups.windows(4).any(|four| four.iter().all(octet))
}

fn ipv6(text: &str) -> bool {
    let part = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.';
    let mut rest = text;
    let mut before = None;
    while let Some(start) = rest.find(part) {
        before = rest.get(..start).and_then(|gap| gap.chars().last()).or(before);
        let run = rest.get(start..).unwrap_or("");
        let end = run.find(|c| !part(c)).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        let alone = !before.is_some_and(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        let numbers = run.contains(|c: char| c.is_ascii_digit());
        let run = run.trim_matches('.');
        if (alone || numbers) && run.chars().any(|c| c.is_ascii_hexdigit()) && run.parse::<Ipv6Addr>().is_ok() {
            return true;
        }
        before = None;
        rest = after;
    }
    false
}

/// Whether bytes are an address: 4 or 16 of them, with or without a port. Random bytes are 16 long too, and have no
/// four zeros among them (one in two million has).
pub(super) fn address_bytes(bytes: &[u8], random: bool) -> bool {
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    match bytes.len() {
        4 | 6 => !random,
        16 | 18 => !random || zeros >= 4,
        _ => false,
    }
}

/// Whether a text holds the address of a network card.
pub(super) fn hardware(text: &str) -> bool {
    let hex = |length: usize| move |group: &str| group.len() == length && group.chars().all(|c| c.is_ascii_hexdigit());
    let grouped = |run: &str, mark: char, count: &[usize], length: usize| {
        let groups: Vec<&str> = run.split(mark).collect();
        count.contains(&groups.len()) && groups.into_iter().all(hex(length))
    };
    text.split(|c: char| !c.is_ascii_hexdigit() && !":-.".contains(c)).any(|run| {
        let run = run.trim_matches([':', '-', '.']);
        grouped(run, ':', &[6, 8], 2) || grouped(run, '-', &[6, 8], 2) || grouped(run, '.', &[3], 4)
    })
}

/// Whether a text holds an e-mail address.
pub(super) fn email(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let named = text
            .get(..at)
            .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || "._%+-'".contains(c)));
        let domain = text.get(at + 1..).unwrap_or("");
        let domain = domain.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '-').next().unwrap_or("");
        let (name, top) = domain.trim_matches('.').rsplit_once('.').unwrap_or_default();
        named && !name.is_empty() && top.chars().count() >= 2
    })
}

/// The endings of names that people meet; endings of two letters are countries.
const ENDINGS: [&str; 26] = [
    "com",
    "net",
    "org",
    "info",
    "biz",
    "edu",
    "gov",
    "mil",
    "int",
    "arpa",
    "app",
    "dev",
    "cloud",
    "online",
    "site",
    "shop",
    "xyz",
    "top",
    "example",
    "test",
    "invalid",
    "localhost",
    "local",
    "lan",
    "internal",
    "onion",
];

/// Whether a text holds a URL or the name of a host.
pub(super) fn host(text: &str) -> bool {
    let ending = |top: &str| {
        let top = top.to_ascii_lowercase();
        top.starts_with("xn--")
            || ENDINGS.contains(&top.as_str())
            || (top.len() == 2 && top.chars().all(|c| c.is_ascii_lowercase()))
    };
    let names = |run: &str| {
        let run = run.trim_matches(['.', '-']);
        run.rsplit_once('.').is_some_and(|(name, top)| {
            ending(top) && name.split('.').all(|label| !label.is_empty()) && name.contains(char::is_alphabetic)
        })
    };
    // The part of an e-mail address behind its `@` is the name of a host too, and nobody's destination.
    let mut runs = text.split(|c: char| !c.is_alphanumeric() && !".-@".contains(c)).filter(|run| !run.contains('@'));
    text.contains("://") || runs.any(names)
}

/// Whether a text holds a card number: 13 to 19 digits, whole or in groups of three and more, with their check digit.
pub(super) fn card(text: &str) -> bool {
    let mark = |c: char| c.is_whitespace() || "-./_".contains(c);
    text.split(|c: char| !c.is_ascii_digit() && !mark(c)).any(|run| {
        let groups: Vec<&str> = run.split(mark).filter(|group| !group.is_empty()).collect();
        (0..groups.len()).any(|first| {
            let mut digits = String::new();
            groups.iter().skip(first).take_while(|group| group.len() >= 3).any(|group| {
                digits.push_str(group);
                issued(&digits) && luhn(&digits)
            })
        })
    })
}

/// Whether cards with such a beginning have so many digits. No instant in milliseconds looks like one before 2096.
fn issued(digits: &str) -> bool {
    match digits.as_bytes().first() {
        Some(b'2') => digits.len() == 16,
        Some(b'3') => (14..=16).contains(&digits.len()),
        Some(b'4'..=b'6') => (13..=19).contains(&digits.len()),
        _ => false,
    }
}

/// Whether the last digit is the check digit of the others.
fn luhn(digits: &str) -> bool {
    let sum: u32 = (digits.chars().rev().filter_map(|c| c.to_digit(10)).enumerate())
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}
