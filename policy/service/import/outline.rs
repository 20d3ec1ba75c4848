//! The configurations of Outline: the `shadowbox_config.json` of outline-server, with limits, and the `config.yml` of
//! outline-ss-server.

use avow_proxy::Method;

use super::{Found, Left, Refused, User, keys, tree::Node};

/// The method of keys that name none.
const USUAL: Method = Method::Chacha20IetfPoly1305;

pub(super) fn read(top: &Node, found: &mut Found, refused: &mut Vec<Refused>) {
    for (name, _) in top.names() {
        if !["accessKeys", "keys", "services", "accessKeyDataLimit"].contains(&name.name.as_str()) {
            found.settings.insert(name.name.clone());
        }
    }
    let limit = limit_of(top.get("accessKeyDataLimit")).unwrap_or_else(|no_limit| {
        refused.push(no_limit);
        None
    });
    for list in [top.get("accessKeys"), top.get("keys")].into_iter().flatten() {
        users(list, None, limit, found, refused);
    }
    let services = top.get("services").map(Node::list).transpose().unwrap_or_else(|no_list| {
        refused.push(no_list);
        None
    });
    for service in services.unwrap_or_default() {
        match port_of(service, found) {
            Ok(port) => match service.get("keys") {
                Some(list) => users(list, port, limit, found, refused),
                None => refused.push(service.refused("a service without keys")),
            },
            Err(no_port) => refused.push(no_port),
        }
    }
}

fn users(list: &Node, port: Option<u16>, limit: Option<u64>, found: &mut Found, refused: &mut Vec<Refused>) {
    match list.list() {
        Ok(list) => {
            for key in list {
                match user(key, port, limit, found) {
                    Ok(user) => found.users.push(user),
                    Err(not_taken) => refused.push(not_taken),
                }
            }
        }
        Err(no_list) => refused.push(no_list),
    }
}

fn user(node: &Node, port: Option<u16>, limit: Option<u64>, found: &mut Found) -> Result<User, Refused> {
    for (name, value) in node.names() {
        let left = match name.name.as_str() {
            "id" => Left::Ids,
            "metricsId" => Left::ReportIds,
            "name" => Left::Names,
            "lastSeen" | "lastSeenAt" | "lastTrafficSeen" => Left::Times,
            "password" | "secret" | "port" | "encryptionMethod" | "cipher" | "dataLimit" => continue,
            setting => {
                found.settings.insert(setting.to_owned());
                continue;
            }
        };
        if !value.says_no() {
            *found.left.entry(left).or_default() += 1;
        }
    }
    let method = node.any(&["encryptionMethod", "cipher"]).map(keys::method).transpose()?.unwrap_or(USUAL);
    if method.is_2022() {
        return Err(node.refused("Outline serves no method of 2022, and its clients name no user"));
    }
    let key = keys::key(node, method, node.any(&["password", "secret"]))?;
    let own = node.get("port").map(Node::port).transpose()?;
    let limit = limit_of(node.get("dataLimit"))?.or(limit);
    Ok(User { at: node.at, key, port: own.or(port), limit })
}

fn limit_of(node: Option<&Node>) -> Result<Option<u64>, Refused> {
    let Some(node) = node.filter(|node| !node.says_no()) else { return Ok(None) };
    let bytes = node.get("bytes").ok_or_else(|| node.refused("a limit says how many `bytes`"))?;
    bytes.number().map(Some)
}

/// The port of a service; both its listeners are on one.
fn port_of(service: &Node, found: &mut Found) -> Result<Option<u16>, Refused> {
    let Some(listeners) = service.get("listeners") else { return Ok(None) };
    let mut port = None;
    for listener in listeners.list()? {
        *found.left.entry(Left::Addresses).or_default() += 1;
        if let Some(kind) = listener.get("type").filter(|kind| !matches!(kind.text(), Ok("tcp" | "udp"))) {
            return Err(kind
                .refused("its clients come over another protocol, and there is none here: they would not connect")
                .help("give these users new links: `avow account add`"));
        }
        let address = listener.get("address").ok_or_else(|| listener.refused("no address is named"))?;
        let number = address.text()?.rsplit(':').next().and_then(|port| port.parse().ok());
        port = Some(number.ok_or_else(|| address.refused("the address ends in no port"))?);
    }
    Ok(port)
}
