//! The address that a client's words begin with: where it wants to go.

use std::io::Cursor;

use avow_terms::private::Private;
use shadowsocks::relay::Address;

const FOUR: u8 = 1;
const NAME: u8 = 3;
const SIX: u8 = 4;

/// What there is of an address.
pub(crate) enum Addressed<'a> {
    /// It is whole, and this follows it.
    To(Private<Address>, &'a [u8]),
    /// It goes on.
    Cut,
    /// It is none.
    No,
}

/// Reads the address that these bytes begin with.
pub(crate) fn read(bytes: &[u8]) -> Addressed<'_> {
    let length = match bytes {
        [] | [NAME] => return Addressed::Cut,
        [FOUR, ..] => 1 + 4 + 2,
        [SIX, ..] => 1 + 16 + 2,
        [NAME, length, ..] => 2 + usize::from(*length) + 2,
        _ => return Addressed::No,
    };
    // Measured before it is given to the crate, whose reader panics where the port of a name is cut off.
    let Some((address, rest)) = bytes.split_at_checked(length) else { return Addressed::Cut };
    match Address::read_cursor(&mut Cursor::new(address)) {
        Ok(address) => Addressed::To(Private::new(address), rest),
        Err(_) => Addressed::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_when_it_is_whole_and_not_before() {
        for text in ["127.0.0.1:80", "[::1]:443", "a.example:8388", "x:1"] {
            let address: Address = text.parse().unwrap();
            let mut bytes = Vec::new();
            address.write_to_buf(&mut bytes);
            let whole = bytes.len();
            bytes.extend_from_slice(b"and so on");
            for cut in 0..whole {
                assert!(matches!(read(&bytes[..cut]), Addressed::Cut), "{text} at {cut}");
            }
            assert!(
                matches!(read(&bytes), Addressed::To(read, b"and so on") if *read.expose() == address),
                "{text} is not read"
            );
        }
        assert!(matches!(read(&[9, 9, 9]), Addressed::No));
        assert!(matches!(read(&[NAME, 2, 0xff, 0xff, 0, 80]), Addressed::No));
    }
}
