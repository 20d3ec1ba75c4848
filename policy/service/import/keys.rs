//! Methods and keys as other servers write them.

use std::collections::HashMap;

use avow_proxy::{AccessKey, Method};
use avow_terms::{private::Private, source::Position};

use super::{Found, Refused, tree::Node};

/// The one device that a user of another server has.
const FIRST_DEVICE: u8 = 1;
/// A password of fewer bytes, or of fewer different ones, can be guessed by whoever records a connection.
const STRONG: (usize, usize) = (16, 8);

/// A method.
///
/// # Errors
/// If it is not spoken here, with the reason.
pub(super) fn method(node: &Node) -> Result<Method, Refused> {
    let name = node.text()?.to_ascii_lowercase();
    let name = match name.as_str() {
        "aead_chacha20_poly1305" | "chacha20-poly1305" => "chacha20-ietf-poly1305",
        "aead_aes_256_gcm" => "aes-256-gcm",
        "aead_aes_128_gcm" => "aes-128-gcm",
        name => name,
    };
    name.parse().map_err(|_| why_not(node, name))
}

fn why_not(node: &Node, name: &str) -> Refused {
    let stream = ["-cfb", "-cfb1", "-cfb8", "-cfb128", "-ofb", "-ctr"].iter().any(|mode| name.ends_with(mode))
        || matches!(name, "rc4" | "rc4-md5" | "salsa20" | "chacha20" | "chacha20-ietf" | "xchacha20");
    let new_links = "give the user a new link instead: `avow account add`";
    if stream {
        // Only a name that is known to be one is repeated: anything may stand there.
        let what = format!(
            "`{name}` is a stream cipher: nobody notices when bytes are changed on the way, and with that a stranger can \
             have the server reveal what a client sends"
        );
        return node.refused(what).help(new_links);
    }
    match name {
        "none" | "plain" | "table" => node.refused(format!("`{name}` hides nothing")).help(new_links),
        "2022-blake3-chacha20-poly1305" | "2022-blake3-chacha8-poly1305" => {
            node.refused(format!("`{name}` has no users: all its clients would be one account")).help(new_links)
        }
        "aes-192-gcm"
        | "xchacha20-ietf-poly1305"
        | "aes-128-ccm"
        | "aes-256-ccm"
        | "aes-128-gcm-siv"
        | "aes-256-gcm-siv"
        | "sm4-gcm"
        | "sm4-ccm" => node.refused(format!("`{name}` is not spoken here")).help(new_links),
        _ => node.refused("a method that nobody knows"),
    }
}

/// A secret.
///
/// # Errors
/// If it stands somewhere else.
pub(super) fn secret(node: &Node) -> Result<Private<String>, Refused> {
    let secret = node.text()?;
    if secret.starts_with("${") && secret.ends_with('}') {
        return Err(node
            .refused("the secret stands in the environment of the other server")
            .help("write it into a copy of the file, take that over, and delete the copy"));
    }
    Ok(Private::new(secret.to_owned()))
}

/// The key of a user.
///
/// # Errors
/// If there is none, or it does not fit its method.
pub(super) fn key(owner: &Node, method: Method, node: Option<&Node>) -> Result<AccessKey, Refused> {
    let node = node.ok_or_else(|| owner.refused("there is no secret"))?;
    AccessKey::new(FIRST_DEVICE, method, secret(node)?).map_err(|error| node.refused(error))
}

/// Whether a key can be guessed by whoever records a connection. Those of 2022 are drawn at random.
#[must_use]
pub fn is_weak(key: &AccessKey) -> bool {
    let secret = key.secret().expose().as_bytes();
    let different = (0..=u8::MAX).filter(|byte| secret.contains(byte)).count();
    !key.method().is_2022() && (secret.len() < STRONG.0 || different < STRONG.1)
}

/// Users that cannot be told apart, since they have the same key, and servers that have several of one method.
pub(super) fn told_apart(found: &Found) -> Vec<Refused> {
    let (mut seen, mut refused) = (HashMap::new(), Vec::new());
    for user in &found.users {
        if let Some(first) = seen.insert((user.key.method(), user.key.secret().expose()), user.at) {
            let what =
                format!("this user has the same key as the one in line {}: nobody can tell them apart", line(first));
            refused.push(
                Refused::new(user.at, what)
                    .help("take one of the two out of a copy of the file: both go on as one account, with one limit"),
            );
        }
    }
    for (at, identity) in found.identities.iter().enumerate() {
        let other = found.identities.iter().take(at).find(|other| other.method == identity.method);
        if let Some(other) = other.filter(|other| other.secret.expose() != identity.secret.expose()) {
            let (method, line) = (identity.method, line(other.at));
            let what =
                format!("another key of the server for `{method}` than in line {line}: here it has one for a method");
            refused.push(
                Refused::new(identity.at, what)
                    .help("take over the larger of the two servers, and give the users of the other new links"),
            );
        }
    }
    refused
}

fn line(at: Position) -> usize {
    at.line
}
