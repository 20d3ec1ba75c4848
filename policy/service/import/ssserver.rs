//! The configuration of shadowsocks-rust, of shadowsocks-libev and of their managers.

use avow_proxy::Method;

use super::{Found, Identity, Left, Refused, User, keys, tree::Node};

/// What is looked at; everything else is a setting that means nothing here.
const KNOWN: [&str; 14] = [
    "servers",
    "server",
    "address",
    "server_port",
    "port",
    "port_password",
    "method",
    "password",
    "users",
    "disabled",
    "name",
    "remarks",
    "plugin",
    "id",
];

pub(super) fn read(top: &Node, found: &mut Found, refused: &mut Vec<Refused>) {
    let alone = top.any(&["server_port", "port", "password", "port_password"]).is_some();
    if alone {
        refused.extend(server(top, top, true, found).err());
    } else {
        note(top, found);
    }
    let servers = top.get("servers").map(Node::list).transpose();
    match servers {
        Ok(servers) => {
            for one in servers.unwrap_or_default() {
                refused.extend(server(one, top, false, found).err());
            }
        }
        Err(no_list) => refused.push(no_list),
    }
}

/// What a server holds that is not taken.
fn note(server: &Node, found: &mut Found) {
    for (name, node) in server.names() {
        match name.name.as_str() {
            "server" | "address" => *found.left.entry(Left::Addresses).or_default() += 1,
            "remarks" | "name" if !node.says_no() => *found.left.entry(Left::Names).or_default() += 1,
            "id" => *found.left.entry(Left::Ids).or_default() += 1,
            known if KNOWN.contains(&known) => {}
            setting => drop(found.settings.insert(setting.to_owned())),
        }
    }
}

fn server(server: &Node, top: &Node, at_top: bool, found: &mut Found) -> Result<(), Refused> {
    if server.get("disabled").is_some_and(|disabled| !disabled.says_no()) {
        *found.left.entry(Left::TurnedOff).or_default() += 1;
        return Ok(());
    }
    note(server, found);
    if let Some(plugin) = server.get("plugin").filter(|plugin| !plugin.says_no()) {
        return Err(plugin.refused("its clients need a plugin, and there is none here: they would not connect").help(
            "give these users new links, or keep the plugin in front of the tunnel yourself and take the line out",
        ));
    }
    let named = server.get("method").or_else(|| top.get("method"));
    let method = keys::method(named.ok_or_else(|| server.refused("no method is named"))?)?;
    let users = server.get("users").filter(|users| !users.says_no());
    if let Some(ports) = server.get("port_password") {
        return by_port(ports, method, found);
    }
    let port = server.any(&["server_port", "port"]).map(Node::port).transpose()?;
    match users {
        Some(users) if at_top => Err(users
            .refused("ssserver does not read `users` here: it serves the one password to everybody")
            .help("move the server into `servers`, if its users are what was meant, or take `users` out")),
        Some(users) => of_2022(server, users, method, port, found),
        None if method.is_2022() => Err(server
            .refused("its clients name no user: here a client of 2022 says whose it is")
            .help("give these users new links: `avow account add`")),
        None => {
            let key = keys::key(server, method, server.get("password"))?;
            found.users.push(User { at: server.at, key, port, limit: None });
            Ok(())
        }
    }
}

/// One user for each port.
fn by_port(ports: &Node, method: Method, found: &mut Found) -> Result<(), Refused> {
    if method.is_2022() {
        return Err(ports.refused("clients of 2022 that differ by their port only name no user"));
    }
    for (name, secret) in ports.names() {
        let at = name.at;
        let port = name.name.parse().map_err(|_| Refused::new(at, "a port is a number from 1 to 65535"))?;
        found.users.push(User { at, key: keys::key(ports, method, Some(secret))?, port: Some(port), limit: None });
    }
    Ok(())
}

/// The users of a server that is known by a key of its own.
fn of_2022(server: &Node, users: &Node, method: Method, port: Option<u16>, found: &mut Found) -> Result<(), Refused> {
    if !method.is_2022() {
        return Err(users
            .refused(format!("`{method}` has no users"))
            .help("take `users` out: the one password counts"));
    }
    let password = server.get("password").ok_or_else(|| server.refused("the server has no key of its own"))?;
    let secret = keys::secret(password)?;
    if secret.expose().contains(':') {
        return Err(password.refused("a chain of servers: clients that go through another server first are not served"));
    }
    // The same rules as for a user's key: base64 of the method's length.
    keys::key(server, method, Some(password))?;
    found.identities.push(Identity { at: password.at, method, secret });
    for user in users.list()? {
        if user.get("name").is_some() {
            *found.left.entry(Left::Names).or_default() += 1;
        }
        let key = keys::key(user, method, user.get("password"))?;
        found.users.push(User { at: user.at, key, port, limit: None });
    }
    Ok(())
}
