//! `avow history`: the published versions.

use avow_terms::revision::Revision;
use serde_json::json;

use crate::{
    cli::Data,
    clock,
    data_dir::DataDir,
    exit::Exit,
    failure::Failure,
    report::{self, Table},
    screen::Screen,
    standing::Standing,
};

/// Runs `avow history`.
///
/// # Errors
/// If there is no store, or it cannot be read.
pub fn run(data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let directory = DataDir::of(data)?;
    let standing = Standing::read(&directory)?;
    let now = clock::now();
    let in_force = standing.in_force(now).map(|rules| rules.version());
    let state = |revision: &Revision| match revision.effective.instant() > now {
        true => "pending",
        false if in_force == Some(revision.version) => "in force",
        false => "past",
    };
    screen.document(&json!({
        "on_trial": in_force == Some(0),
        "versions": standing.revisions().iter().map(|revision| json!({
            "policy": revision.policy,
            "version": revision.version,
            "state": state(revision),
            "effective": revision.effective,
            "published": revision.published_at,
            "text": directory.published_text(revision.version),
            "hash": hex(&revision.hash),
        })).collect::<Vec<_>>(),
    }));
    if in_force == Some(0) {
        screen.say("A text is on trial: it is enforced and binds nobody until it is published.");
    }
    if standing.revisions().is_empty() {
        screen.say("Nothing is published yet; `avow publish FILE` publishes a version.");
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["version", "state", "in force from", "published", "text", "hash"]);
    for revision in standing.revisions() {
        table.row([
            format!("{} v{}", revision.policy, revision.version),
            state(revision).into(),
            revision.effective.to_string(),
            report::instant(revision.published_at),
            directory.published_text(revision.version).display().to_string(),
            hex(&revision.hash).chars().take(16).collect(),
        ]);
    }
    screen.say(table.to_string());
    Ok(Exit::Done)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
