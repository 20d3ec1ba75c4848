//! Where an account's bytes go: a name is resolved by the system, then each address is tried.
//!
//! The target is known for as long as it takes to reach it. Resolving and connecting are apart, so that which addresses
//! may be reached can be decided in between.

use std::{io, net::SocketAddr, time::Duration};

use avow_terms::private::Private;
use shadowsocks::relay::Address;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

/// How long one address may take to answer when there are others to try.
const ONE_ADDRESS: Duration = Duration::from_secs(4);

/// The addresses of a target.
pub(crate) async fn resolve(target: &Private<Address>) -> io::Result<Private<Vec<SocketAddr>>> {
    let addresses = match target.expose() {
        Address::SocketAddress(address) => vec![*address],
        Address::DomainNameAddress(name, port) => lookup_host((name.as_str(), *port)).await?.collect(),
    };
    Ok(Private::new(addresses))
}

/// Reaches a target; `None` when it cannot be reached in time.
pub(crate) async fn connect(target: &Private<Address>, at_most: Duration) -> Option<TcpStream> {
    timeout(at_most, reach(target)).await.ok().flatten()
}

async fn reach(target: &Private<Address>) -> Option<TcpStream> {
    let addresses = resolve(target).await.ok()?;
    let (last, others) = addresses.expose().split_last()?;
    for address in others {
        if let Ok(Ok(stream)) = timeout(ONE_ADDRESS, TcpStream::connect(address)).await {
            return Some(stream);
        }
    }
    TcpStream::connect(last).await.ok()
}
