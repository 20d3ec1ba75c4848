//! What a start prints: how to connect, where to read, what is kept.

use avow_proxy::{Raised, Wall};

use crate::{
    cmd::account,
    config::Config,
    desk::{AccountView, KeptView},
    failure::Failure,
    runtime_dir::RuntimeDir,
    standing::Standing,
};

/// What a start found.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// How many accounts are open.
    pub(super) accounts: usize,
    /// The one that this start opened.
    pub(super) new: Option<&'a AccountView>,
    /// What is kept about an account.
    pub(super) kept: &'a [KeptView],
    /// The walls around the relay.
    pub(super) walls: &'a Raised,
}

/// What a start prints, once everything answers.
///
/// # Errors
/// If no policy is in force.
pub(super) fn welcome(
    config: &Config,
    standing: &Standing,
    runtime: &RuntimeDir,
    start: &Start<'_>,
) -> Result<String, Failure> {
    let Start { accounts, new, kept, walls } = *start;
    let rules = standing.in_force(crate::clock::now()).ok_or_else(|| Failure::could_not("no policy is in force"))?;
    let header = &rules.policy().header;
    let mut text = String::new();
    if let Some(account) = new {
        text.push_str("A first account is open. Scan this, or paste the link into a Shadowsocks client:\n\n");
        text.push_str(&account::links(account));
        text.push('\n');
    }
    text.push_str(&format!("What is kept about an account, and until when:\n\n{}\n", account::kept(kept)));
    text.push_str(&format!(
        "tunnel   {} (TCP and UDP), {}\n",
        config.relay.listen,
        crate::report::count(accounts, "account")
    ));
    text.push_str(&format!("policy   http://{}/privacy\n", config.web.listen));
    text.push_str(&match rules.version() {
        0 => format!(
            "         {} version {}, on trial: enforced and audited in full, it binds nobody until `avow publish`\n",
            header.policy, header.version
        ),
        version => format!("         {} version {version}\n", header.policy),
    });
    text.push_str(&walled(walls));
    if !runtime.in_memory() {
        text.push_str(&format!(
            "note     {} is not in memory: a disk there keeps traces of counts that a sweep does not reach\n",
            runtime.path().display()
        ));
    }
    text.push_str("\nCtrl-C stops; everything counted is stored first.\n");
    Ok(text)
}

fn walled(raised: &Raised) -> String {
    let names = |walls: Vec<Wall>| walls.into_iter().map(Wall::name).collect::<Vec<_>>().join(", ");
    let missing: Vec<Wall> = raised.missing().collect();
    if missing.is_empty() {
        return format!("walls    {} around the relay; `avow walls` tries them\n", names(raised.walls.clone()));
    }
    format!("WALLS    missing on this kernel: {}; `avow walls` says more\n", names(missing))
}
