//! What a start prints: how to connect, where to read, what is kept.

use crate::{
    cmd::account,
    config::Config,
    desk::{AccountView, KeptView},
    failure::Failure,
    runtime_dir::RuntimeDir,
    standing::Standing,
};

/// What a start prints, once everything answers.
///
/// # Errors
/// If no policy is in force.
pub(super) fn welcome(
    config: &Config,
    standing: &Standing,
    runtime: &RuntimeDir,
    accounts: usize,
    new: Option<&AccountView>,
    kept: &[KeptView],
) -> Result<String, Failure> {
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
    if !runtime.in_memory() {
        text.push_str(&format!(
            "note     {} is not in memory: a disk there keeps traces of counts that a sweep does not reach\n",
            runtime.path().display()
        ));
    }
    text.push_str("\nCtrl-C stops; everything counted is stored first.\n");
    Ok(text)
}
