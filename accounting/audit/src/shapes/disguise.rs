//! What a text or some bytes hide: hexadecimal, base64, percent signs, UTF-16.

/// The shortest run of letters that is worth decoding.
const SHORTEST: usize = 8;

/// The texts that a text hides.
pub(super) fn unmasked(text: &str) -> Vec<String> {
    let token = |c: char| !c.is_ascii_alphanumeric() && !"+/-_=".contains(c);
    let mut found: Vec<String> = text
        .split(token)
        .filter(|run| run.len() >= SHORTEST)
        .flat_map(|run| hexadecimal(run).into_iter().chain(base64(run)))
        .flat_map(|bytes| readings(&bytes))
        .collect();
    found.extend(text.contains('%').then(|| percent(text)).flatten());
    found
}

/// Bytes read as text, in each way that makes one.
pub(super) fn readings(bytes: &[u8]) -> Vec<String> {
    let mut found: Vec<String> = std::str::from_utf8(bytes).ok().map(str::to_owned).into_iter().collect();
    let (pairs, []) = bytes.as_chunks::<2>() else { return printable(found) };
    for read in [u16::from_le_bytes, u16::from_be_bytes] {
        let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
        found.extend(String::from_utf16(&units));
    }
    printable(found)
}

/// Texts without control characters: random bytes are never long without one.
fn printable(texts: Vec<String>) -> Vec<String> {
    texts
        .into_iter()
        .filter(|text| !text.is_empty() && !text.contains(|c: char| c.is_control() && !c.is_whitespace()))
        .collect()
}

fn hexadecimal(run: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = run.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high * 16 + low).collect())
}

/// Reads base64 in either alphabet, with padding or without.
fn base64(run: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for c in run.trim_end_matches('=').bytes() {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn percent(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        match (part.get(..2).and_then(|two| u8::from_str_radix(two, 16).ok()), part.get(2..)) {
            (Some(byte), Some(rest)) => {
                bytes.push(byte);
                bytes.extend_from_slice(rest.as_bytes());
            }
            _ => {
                bytes.push(b'%');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8(bytes).ok()
}
