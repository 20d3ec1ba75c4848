//! Where clients connect: one address, or several, each with its own family and port.
//!
//! `[::]` alone takes IPv4 as well, whatever the system's setting; beside an IPv4 address of the same port it takes IPv6
//! only, so that both can be opened. Every account is served on every address.

use std::{collections::BTreeSet, fmt, net::SocketAddr};

use serde::{Deserialize, Deserializer, de};

/// The most addresses that a relay listens on.
const MOST: usize = 16;

/// The addresses that a relay listens on: at least one, none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    first: SocketAddr,
    others: Vec<SocketAddr>,
}

impl Listen {
    /// These addresses.
    ///
    /// # Errors
    /// If there is none, one stands twice, or there are too many.
    pub fn new(addresses: &[SocketAddr]) -> Result<Self, &'static str> {
        let Some((&first, others)) = addresses.split_first() else { return Err("at least one address to listen on") };
        let different = addresses.iter().collect::<BTreeSet<_>>().len() == addresses.len();
        match (different, addresses.len()) {
            (false, _) => Err("an address to listen on stands twice"),
            (true, ..=MOST) => Ok(Self { first, others: others.to_vec() }),
            (true, _) => Err("at most 16 addresses to listen on"),
        }
    }

    /// The address that goes into links when nothing else is said.
    #[must_use]
    pub fn first(&self) -> SocketAddr {
        self.first
    }

    /// Every address.
    pub fn iter(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        [self.first].into_iter().chain(self.others.iter().copied())
    }

    /// Whether IPv6 only comes in at this address: beside an IPv4 address of the same port.
    #[must_use]
    pub fn is_six_only(&self, address: SocketAddr) -> bool {
        address.is_ipv6() && self.iter().any(|other| other.is_ipv4() && other.port() == address.port())
    }
}

impl From<SocketAddr> for Listen {
    fn from(first: SocketAddr) -> Self {
        Self { first, others: Vec::new() }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.others.iter().try_for_each(|other| write!(f, ", {other}"))
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> de::Visitor<'de> for OneOrMore {
            type Value = Listen;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address such as \"0.0.0.0:8388\", or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Listen, E> {
                text.parse().map(|address: SocketAddr| address.into()).map_err(|_| E::custom(no_address(text)))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Listen, A::Error> {
                let mut addresses = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    addresses.push(text.parse().map_err(|_| de::Error::custom(no_address(&text)))?);
                }
                Listen::new(&addresses).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

fn no_address(text: &str) -> String {
    format!("`{text}` is not an address to listen on: write it like \"0.0.0.0:8388\" or \"[::]:8388\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Text {
        listen: Listen,
    }

    fn read(text: &str) -> Result<Listen, String> {
        let read = toml::from_str::<Text>(&format!("listen = {text}"));
        read.map(|text| text.listen).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn one_address_or_a_list_is_read() {
        assert_eq!(read("\"127.0.0.1:1\"").unwrap().to_string(), "127.0.0.1:1");
        let both = read("[\"0.0.0.0:8388\", \"[::]:8388\", \"[::]:9000\"]").unwrap();
        assert_eq!(both.to_string(), "0.0.0.0:8388, [::]:8388, [::]:9000");
        let six_only: Vec<_> = both.iter().filter(|address| both.is_six_only(*address)).collect();
        assert_eq!(six_only, ["[::]:8388".parse().unwrap()], "a port that only IPv6 has takes IPv4 as well");
        assert!(!read("\"[::]:8388\"").unwrap().is_six_only("[::]:8388".parse().unwrap()));
    }

    #[test]
    fn what_is_no_list_of_different_addresses_is_refused_in_plain_words() {
        assert_eq!(read("[]").unwrap_err(), "at least one address to listen on");
        assert_eq!(read("[\"0.0.0.0:1\", \"0.0.0.0:1\"]").unwrap_err(), "an address to listen on stands twice");
        let many: Vec<_> = (1..=17).map(|port| format!("\"0.0.0.0:{port}\"")).collect();
        assert_eq!(read(&format!("[{}]", many.join(","))).unwrap_err(), "at most 16 addresses to listen on");
        assert!(read("\"localhost\"").unwrap_err().starts_with("`localhost` is not an address to listen on"));
        assert!(read("5").unwrap_err().contains("or a list of them"));
    }
}
