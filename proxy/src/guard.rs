//! Which destinations may be reached: the public Internet, and the networks that the operator named.
//!
//! A relay stands inside somebody's network. Without this, an account could reach the operator's router, the metadata of
//! the cloud, a database that listens on the loopback. An address is looked at after its name was resolved and before
//! anything is sent to it; nothing here sends, and nothing remembers what was refused.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use rustix::net::{AddressFamily, SocketAddrAny, SocketFlags, SocketType, connect, getsockname, socket_with};
use serde::{Deserialize, Serialize};

/// Where Azure's machines ask for their settings: a public address that leads inside.
const AZURE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// What may be reached.
#[derive(Default)]
pub(crate) struct Guard {
    allowed: Vec<Network>,
    own: Vec<SocketAddr>,
}

impl Guard {
    /// Allows these networks beside the public Internet, and never what this server itself listens on.
    pub(crate) fn new(allowed: Vec<Network>, own: Vec<SocketAddr>) -> Self {
        Self { allowed, own }
    }

    /// The address to send to, if it may be reached: an IPv4 address in the clothes of IPv6 is undressed.
    pub(crate) fn admit(&self, address: SocketAddr) -> Option<SocketAddr> {
        let ip = address.ip().to_canonical();
        let reachable = is_public(ip) || self.allowed.iter().any(|network| network.contains(ip));
        let address = if ip == address.ip() { address } else { SocketAddr::new(ip, address.port()) };
        (reachable && !self.is_own(address)).then_some(address)
    }

    /// Whether the server itself listens there: its tunnel would go round in a circle, and its pages would take the
    /// relay for a visitor.
    fn is_own(&self, address: SocketAddr) -> bool {
        self.own.iter().filter(|own| own.port() == address.port()).any(|own| {
            let ip = own.ip().to_canonical();
            ip == address.ip() || (ip.is_unspecified() && is_of_this_machine(address.ip()))
        })
    }
}

/// Whether packets to this address stay on this machine: the system would send them from the same address. It is asked
/// by connecting a socket for datagrams, which sends nothing.
fn is_of_this_machine(ip: IpAddr) -> bool {
    let family = if ip.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let sent_from = || {
        let socket = socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
        connect(&socket, &SocketAddr::new(ip, 9))?;
        getsockname(&socket)
    };
    let same = |from: SocketAddrAny| SocketAddr::try_from(from).is_ok_and(|from| from.ip() == ip);
    ip.is_loopback() || ip.is_unspecified() || sent_from().is_ok_and(same)
}

/// Whether an address is one that anybody on the Internet could reach.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_four(ip),
        IpAddr::V6(ip) => is_public_six(ip),
    }
}

/// The special addresses of IANA's registry: this network, private, shared (CGNAT), loopback, link-local and metadata,
/// protocol assignments, documentation, the old relays of 6to4, benchmarks, multicast, reserved and broadcast.
fn is_public_four(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special && ip != AZURE
}

/// Only what is given out to the public counts (2000::/3), without the protocols' own blocks (Teredo among them) and the
/// documentation's; and of what carries an IPv4 address, only what carries a public one.
fn is_public_six(ip: Ipv6Addr) -> bool {
    let [a, b, c, .., y, z] = ip.segments();
    match (a, b, c) {
        // NAT64: the address of IPv4 stands at the end.
        (0x64, 0xff9b, 0) => ip.segments().get(3..6) == Some(&[0; 3]) && is_public_four(four(y, z)),
        // 6to4: it follows the prefix.
        (0x2002, _, _) => is_public_four(four(b, c)),
        (0x2001, 0..0x200 | 0x0db8, _) | (0x3fff, 0..0x1000, _) => false,
        _ => a & 0xe000 == 0x2000,
    }
}

fn four(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// A block of addresses: `10.1.0.0/16`, `fd00:1::/32`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    first: IpAddr,
    length: u8,
}

impl Network {
    /// Whether the address is in it.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ((first, width), (bits, others)) = (bits(self.first), bits(ip));
        width == others && beyond(first ^ bits, width, self.length) == 0
    }
}

/// An address as a number, and how many bits it has.
fn bits(ip: IpAddr) -> (u128, u8) {
    match ip {
        IpAddr::V4(ip) => (ip.to_bits().into(), 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    }
}

/// The first bits of a number of this width.
fn beyond(number: u128, width: u8, length: u8) -> u128 {
    number.checked_shr(u32::from(width.saturating_sub(length))).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let unreadable = || NotANetwork::Unreadable(text.to_owned());
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let first: IpAddr = address.parse().map_err(|_| unreadable())?;
        let (number, width) = bits(first);
        let length = length.map_or(Ok(width), str::parse).map_err(|_| unreadable())?;
        if length > width || first != first.to_canonical() {
            return Err(unreadable());
        }
        let network = Self { first, length };
        let tail = width - length;
        if tail > 0 && number.checked_shl(u32::from(128 - tail)).unwrap_or(0) != 0 {
            return Err(NotANetwork::NotItsFirst { network });
        }
        Ok(network)
    }
}

impl TryFrom<String> for Network {
    type Error = NotANetwork;

    fn try_from(text: String) -> Result<Self, NotANetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

/// Why a text is no network. It is the operator's own text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotANetwork {
    /// It has another form.
    #[error("`{0}` is not a network: write one as `10.1.0.0/16` or `fd00:1::/32`, or a single address")]
    Unreadable(String),
    /// The address is in the middle of the network, so that one of the two numbers is not what was meant.
    #[error("`{network}` does not begin its network: bits are set after the first {}", .network.length)]
    NotItsFirst {
        /// What was written.
        network: Network,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(allowed: &[&str]) -> Guard {
        Guard::new(allowed.iter().map(|network| network.parse().unwrap()).collect(), Vec::new())
    }

    fn admits(guard: &Guard, ip: &str) -> bool {
        guard.admit(SocketAddr::new(ip.parse().unwrap(), 443)).is_some()
    }

    /// The first and the last address of every special block, and the metadata addresses of the clouds.
    const INSIDE: &[&str] = &[
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
    ];
    const OUTSIDE: &[&str] = &[
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.0",
        "203.0.112.255",
        "223.255.255.255",
    ];

    #[test]
    fn what_is_not_public_is_refused_in_every_form_of_it() {
        let guard = only(&[]);
        for ip in INSIDE {
            let four: Ipv4Addr = ip.parse().unwrap();
            let [a, b, c, d] = four.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            for form in [
                ip.to_string(),
                format!("::ffff:{ip}"),
                format!("::{ip}"),
                format!("64:ff9b::{ip}"),
                format!("64:ff9b:1::{ip}"),
                format!("2002:{high:x}:{low:x}::1"),
                format!("2001:0:{high:x}:{low:x}::fefe:fefe"),
                format!("2001:0:101:101::{:x}:{:x}", !high, !low),
            ] {
                assert!(!admits(&guard, &form), "{form}");
            }
        }
        for ip in [
            "::",
            "::1",
            "::2",
            "fd00:ec2::254",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "4000::1",
            "64:ff9b:0:1::101:101",
        ] {
            assert!(!admits(&guard, ip), "{ip}");
        }
    }

    #[test]
    fn what_is_public_is_reached() {
        let guard = only(&[]);
        for ip in OUTSIDE {
            assert!(admits(&guard, ip) && admits(&guard, &format!("::ffff:{ip}")), "{ip}");
            assert!(admits(&guard, &format!("64:ff9b::{ip}")), "{ip}");
        }
        for ip in ["2000::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2606:4700::1111", "2a00::1", "3fff:1000::1"]
        {
            assert!(admits(&guard, ip), "{ip}");
        }
        let dressed = guard.admit("[::ffff:1.1.1.1]:53".parse().unwrap());
        assert_eq!(dressed, Some("1.1.1.1:53".parse().unwrap()), "it is asked for as what it is");
    }

    #[test]
    fn only_what_the_operator_named_is_opened() {
        let guard = only(&["10.1.0.0/16", "fd00:1::/32", "127.0.0.1"]);
        for ip in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "fd00:1:ffff::9", "127.0.0.1"] {
            assert!(admits(&guard, ip), "{ip}");
        }
        for ip in ["10.0.255.255", "10.2.0.0", "fd00:2::", "127.0.0.2", "64:ff9b::10.1.2.3", "2002:a01:203::1"] {
            assert!(!admits(&guard, ip), "{ip}");
        }
        let everything = only(&["0.0.0.0/0", "::/0"]);
        assert!(INSIDE.iter().all(|ip| admits(&everything, ip)) && admits(&everything, "::1"));
    }

    #[test]
    fn what_the_server_listens_on_is_refused_even_where_its_network_is_allowed() {
        let own = ["127.0.0.1:8388", "0.0.0.0:8080", "[::]:9090"].map(|own| own.parse().unwrap()).to_vec();
        let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap(), "192.0.2.0/24".parse().unwrap()], own);
        for own in ["127.0.0.1:8388", "[::ffff:127.0.0.1]:8388", "127.0.0.1:8080", "127.9.9.9:8080", "127.0.0.1:9090"] {
            assert_eq!(guard.admit(own.parse().unwrap()), None, "{own}");
        }
        for other in ["127.0.0.2:8388", "127.0.0.1:8389", "192.0.2.1:8080"] {
            assert!(guard.admit(other.parse().unwrap()).is_some(), "{other}");
        }
    }

    #[test]
    fn a_network_is_written_as_it_was_read() {
        for (text, written) in [("10.0.0.0/8", "10.0.0.0/8"), ("fd00::/8", "fd00::/8"), ("10.1.2.3", "10.1.2.3/32")] {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.to_string(), written);
            assert_eq!(serde_json::from_str::<Network>(&serde_json::to_string(&network).unwrap()).unwrap(), network);
        }
        for text in ["", "10.0.0.0/33", "fd00::/129", "ten", "10.0.0.0/", "10.0.0.0/-1", "::ffff:10.0.0.0/104"] {
            assert!(matches!(text.parse::<Network>(), Err(NotANetwork::Unreadable(_))), "{text}");
        }
        for text in ["10.1.2.3/16", "10.0.0.1/0", "fd00::1/64", "::1/0"] {
            assert!(matches!(text.parse::<Network>(), Err(NotANetwork::NotItsFirst { .. })), "{text}");
        }
    }
}
