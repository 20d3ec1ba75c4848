//! `avow import`: take over the users of another server, with their keys and limits, so that their links go on to work.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::Serialize;

use crate::{
    cli::Data,
    config::Config,
    control,
    desk::{Done, Request, Secret, TakeOver},
    exit::Exit,
    failure::Failure,
    import::{self, Found, Origin, User},
    report::{self, Table},
    screen::Screen,
    texts,
};

/// Arguments of `avow import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose configuration it is.
    pub from: Origin,

    /// The configuration: of ssserver, ss-server or a manager; `shadowbox_config.json` or `config.yml` of Outline.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Say what would be taken over and what stands against it, and change nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Take over the key that clients know the old server by, although links that were given out here are void then.
    #[arg(long)]
    pub void_links: bool,
}

/// Runs `avow import`.
///
/// # Errors
/// Everything that stands against it; then nothing was taken over.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let source = texts::file(&args.file)?;
    let found = import::read(args.from, &source)?;
    let asked = TakeOver {
        users: found.users.iter().map(|user| Secret::of(user.key.method(), user.key.secret())).collect(),
        limits: found.users.iter().map(|user| user.limit).collect(),
        identities: found.identities.iter().map(|own| Secret::of(own.method, &own.secret)).collect(),
        void_links: args.void_links,
        dry_run: args.dry_run,
    };
    let Done::TakenOver { accounts, replaced } = control::ask(data, Request::TakeOver(asked))? else {
        return Err(Failure::could_not("the running service did something else"));
    };
    let taken = Taken {
        dry_run: args.dry_run,
        users: found
            .users
            .iter()
            .enumerate()
            .map(|(at, user)| line(user, accounts.get(at).map(|it| it.number())))
            .collect(),
        server_key_replaced: replaced,
        not_taken: not_taken(&found),
        to_do: to_do(&found, &Config::load(data)?),
    };
    screen.document(&taken);
    screen.say(page(&taken));
    Ok(Exit::Done)
}

/// What was taken over, and what was not. No secret and no name is in it.
#[derive(Serialize)]
struct Taken {
    dry_run: bool,
    users: Vec<Line>,
    server_key_replaced: Vec<String>,
    not_taken: Vec<NotTaken>,
    to_do: Vec<String>,
}

/// A user, by the place where it stands in the file.
#[derive(Serialize)]
struct Line {
    line: usize,
    account: Option<u32>,
    method: String,
    port: Option<u16>,
    limit_bytes: Option<u64>,
    weak: bool,
}

#[derive(Serialize)]
struct NotTaken {
    what: String,
    times: Option<usize>,
    why: &'static str,
}

fn line(user: &User, account: Option<u32>) -> Line {
    Line {
        line: user.at.line,
        account,
        method: user.key.method().to_string(),
        port: user.port,
        limit_bytes: user.limit,
        weak: import::is_weak(&user.key),
    }
}

fn not_taken(found: &Found) -> Vec<NotTaken> {
    let left = found.left.iter().map(|(left, times)| NotTaken {
        what: left.what().into(),
        times: Some(*times),
        why: left.why(),
    });
    let settings = (!found.settings.is_empty()).then(|| NotTaken {
        what: format!("settings: {}", found.settings.iter().cloned().collect::<Vec<_>>().join(", ")),
        times: None,
        why: "avow.toml has its own",
    });
    left.chain(settings).collect()
}

/// What is left to the operator so that every link works.
fn to_do(found: &Found, config: &Config) -> Vec<String> {
    let mut to_do = Vec::new();
    let served: BTreeSet<u16> = config.relay.listen.iter().map(|address| address.port()).collect();
    let mut missing: BTreeMap<u16, usize> = BTreeMap::new();
    for port in found.users.iter().filter_map(|user| user.port).filter(|port| !served.contains(port)) {
        *missing.entry(port).or_default() += 1;
    }
    if !missing.is_empty() {
        let ports: Vec<_> = missing.keys().map(ToString::to_string).collect();
        let how = if missing.len() <= 8 {
            let all: Vec<_> = ports.iter().map(|port| format!("\"[::]:{port}\"")).collect();
            format!(
                "in avow.toml, `listen = [{}]` under `[relay]` (every account is served on every port)",
                all.join(", ")
            )
        } else {
            "redirect them to the port of the tunnel (with nftables: `tcp dport { .. } redirect to :8388`, and `udp`)"
                .into()
        };
        to_do.push(format!(
            "{} connect to {} {}, where the tunnel does not listen: {how}",
            report::count(missing.values().sum(), "user"),
            if ports.len() == 1 { "port" } else { "ports" },
            ports.join(", ")
        ));
    }
    to_do.push("the links that were given out name a host: it must lead to this machine".into());
    to_do.push("every key stands in that file: erase it when all is well".into());
    let weak: Vec<_> =
        found.users.iter().filter(|user| import::is_weak(&user.key)).map(|user| user.at.line.to_string()).collect();
    if !weak.is_empty() {
        to_do.push(format!(
            "the passwords in line {} can be guessed by whoever records a connection: `avow account rotate`, when the \
             users can be told",
            weak.join(", ")
        ));
    }
    to_do
}

fn page(taken: &Taken) -> String {
    let mut table = Table::new(["line", "account", "method", "port", "limit a month"]);
    for user in &taken.users {
        table.row([
            user.line.to_string(),
            user.account.map_or("-".into(), |account| account.to_string()),
            user.method.clone(),
            user.port.map_or("-".into(), |port| port.to_string()),
            user.limit_bytes.map_or("-".into(), |limit| format!("{} bytes", report::thousands(limit))),
        ]);
    }
    let users = report::count(taken.users.len(), "user");
    let mut text = match taken.dry_run {
        true => format!("{users} would be taken over; nothing was changed (--dry-run):\n\n{table}"),
        false => format!("{users} taken over, with the keys they have:\n\n{table}"),
    };
    for method in &taken.server_key_replaced {
        text.push_str(&format!("\nclients of {method} know the server by the key of the old one\n"));
    }
    text.push_str("\nnot taken, on purpose:\n");
    for NotTaken { what, times, why } in &taken.not_taken {
        let times = times.map_or(String::new(), |times| format!("{times} "));
        text.push_str(&format!("  {times}{what}: {why}\n"));
    }
    text.push_str("\nto do:\n");
    for what in &taken.to_do {
        text.push_str(&format!("  {what}\n"));
    }
    text
}
