//! The link that a client is set up with: `ss://`, as SIP002 writes it.

use avow_terms::private::Private;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::keys::{AccessKey, ServerKeys};

/// The link to this server for the device that has this key, with a tag for the client to show.
///
/// The host is a name or an address; an IPv6 address may stand with or without its brackets.
#[must_use]
pub fn link(host: &str, port: u16, key: &AccessKey, server: &ServerKeys, tag: &str) -> Private<String> {
    let (method, secret) = (key.method(), key.secret().expose());
    let user = match server.secret(method) {
        Some(identity) => {
            let secrets = format!("{}:{secret}", identity.expose());
            format!("{method}:{}", utf8_percent_encode(&secrets, NON_ALPHANUMERIC))
        }
        None => URL_SAFE_NO_PAD.encode(format!("{method}:{secret}")),
    };
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    Private::new(format!("ss://{user}@{host}:{port}#{}", utf8_percent_encode(tag, NON_ALPHANUMERIC)))
}

#[cfg(test)]
mod tests {
    use shadowsocks::config::ServerConfig;

    use super::*;
    use crate::method::Method;

    #[test]
    fn a_client_reads_from_the_link_what_the_server_knows() {
        let server = ServerKeys::generate();
        for method in Method::ALL {
            for (host, seen) in
                [("127.0.0.1", "127.0.0.1:8388"), ("::1", "[::1]:8388"), ("a.example", "a.example:8388")]
            {
                let key = AccessKey::generate(1, method);
                let link = link(host, 8388, &key, &server, "Avow & friends");
                let read = ServerConfig::from_url(link.expose()).unwrap();
                assert_eq!(read.addr().to_string(), seen);
                assert_eq!(read.method(), method.cipher());
                assert_eq!(read.key(), &*key.key());
                assert_eq!(read.remarks(), Some("Avow & friends"));
                assert_eq!(read.identity_keys().len(), usize::from(method.is_2022()));
            }
        }
    }
}
