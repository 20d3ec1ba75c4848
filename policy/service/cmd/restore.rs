//! `avow restore`: make a store from a backup. What was deleted since stays deleted, and what is due is erased first.

use std::{fs, path::PathBuf};

use avow_accounting::{Backup, BackupError, Restored, Restoring};
use avow_terms::{policy::Document, revision::Revision};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    cli::Data,
    clock,
    data_dir::{DataDir, write_whole},
    exit::Exit,
    failure::Failure,
    meter::Meter,
    report,
    screen::Screen,
    standing::Standing,
};

/// Arguments of `avow restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Put it in the place of a store that is there.
    #[arg(long)]
    pub replace: bool,

    /// Take it although accounts were opened after it was made; they are lost, and so are their keys.
    #[arg(long)]
    pub older: bool,
}

/// What was restored. It counts, and names nobody.
#[derive(Debug, Serialize)]
struct View {
    store: String,
    made: Timestamp,
    accounts: usize,
    rows: usize,
    buckets: usize,
    /// What was deleted after the backup was made, and is left out.
    deleted_since: Deleted,
    /// What was due by now, and was erased before anything was served.
    due: Deleted,
    /// Accounts that were opened after the backup was made.
    accounts_lost: usize,
    /// Versions that were published after the backup was made: there is a copy, and the store does not know them.
    publish_again: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Deleted {
    accounts: usize,
    rows: usize,
    buckets: usize,
}

/// Runs `avow restore`.
///
/// # Errors
/// If a service runs, there is a store already, or anything is wrong with the backup or the keys: then nothing was touched.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let directory = DataDir::of(data)?;
    let meter = Meter::new(screen);
    let telling = meter.telling();
    let backup = Backup::read(&args.file).map_err(failure)?;
    let now = clock::now();
    may_know_the_time(backup.made, now)?;
    let standing = Standing::of(backup.trial.clone(), backup.revisions.clone())?;
    let path = directory.store();
    let opening = directory.opening(&path)?;
    let unlocked = backup.unlock(&opening).map_err(failure)?;
    directory.create()?;
    let _lock = directory.lock()?;
    let restoring = Restoring { history: standing.history(), now, replace: args.replace, older: args.older };
    let restored = unlocked.restore(&opening, &restoring, &*telling).map_err(failure)?;
    copies(&directory, standing.revisions())?;
    let view = view(&directory, &restored, standing.revisions());
    screen.document(&view);
    screen.say(page(&view));
    Ok(Exit::Done)
}

/// Deadlines would come late by as much as the clock is behind.
fn may_know_the_time(made: Timestamp, now: Timestamp) -> Result<(), Failure> {
    if made.duration_since(now).as_secs() <= 60 {
        return Ok(());
    }
    let what =
        format!("the clock shows {}, and the backup was made at {}", report::instant(now), report::instant(made));
    Err(Failure::refused(what).help("set the clock of this machine: what is due would be kept too long"))
}

fn failure(error: BackupError) -> Failure {
    match error {
        BackupError::StoreExists { .. } => {
            Failure::refused(error).help("`--replace` puts the backup in its place; what it holds is lost")
        }
        BackupError::NewerAccounts { .. } => Failure::refused(error).help(
            "restore a newer backup if there is one; `--older` takes this one, and destroys the keys of those accounts, \
             so that a newer backup does not bring them back either",
        ),
        _ => Failure::could_not(error),
    }
}

/// The copies of the published texts, where they are not there.
fn copies(directory: &DataDir, revisions: &[Revision]) -> Result<(), Failure> {
    for revision in revisions.iter().filter(|revision| revision.document == Document::Privacy) {
        let copy = directory.published_text(revision.version);
        if !copy.exists() {
            write_whole(&copy, revision.text.as_bytes())
                .map_err(|error| Failure::file("write the copy of the text", &copy, &error))?;
        }
    }
    Ok(())
}

/// The copies of versions that were published after the backup was made.
fn published_since(directory: &DataDir, revisions: &[Revision]) -> Vec<String> {
    let last = revisions.iter().map(|revision| revision.version).max().unwrap_or(0);
    let version = |name: String| name.strip_prefix('v')?.strip_suffix(".md")?.parse::<u32>().ok();
    let names = fs::read_dir(directory.history()).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut later: Vec<u32> = names.filter_map(version).filter(|version| *version > last).collect();
    later.sort_unstable();
    later.into_iter().map(|version| directory.published_text(version).display().to_string()).collect()
}

fn view(directory: &DataDir, restored: &Restored, revisions: &[Revision]) -> View {
    let Restored { swept, .. } = restored;
    View {
        store: directory.store().display().to_string(),
        made: restored.made,
        accounts: restored.accounts,
        rows: restored.rows,
        buckets: restored.buckets,
        deleted_since: Deleted {
            accounts: restored.erased_accounts,
            rows: restored.erased_rows,
            buckets: restored.erased_buckets,
        },
        due: Deleted { accounts: swept.accounts, rows: swept.rows, buckets: swept.buckets },
        accounts_lost: restored.lost_accounts,
        publish_again: published_since(directory, revisions),
    }
}

fn page(view: &View) -> String {
    let deleted = |of: &Deleted| {
        format!(
            "{}, {}, {}",
            report::count(of.accounts, "account"),
            report::count(of.rows, "row"),
            report::count(of.buckets, "bucket")
        )
    };
    let mut text = format!(
        "`{}` is as it was at {}: {}, {}, {}\n\n\
         deleted since, and left out   {}\n\
         due by now, and erased        {}\n\n\
         What was counted after the backup is lost: the totals of this month go on from what they were then, and nothing is\n\
         counted twice.",
        view.store,
        report::instant(view.made),
        report::count(view.accounts, "account"),
        report::count(view.rows, "row"),
        report::count(view.buckets, "bucket"),
        deleted(&view.deleted_since),
        deleted(&view.due),
    );
    if view.accounts_lost > 0 {
        let lost = report::count(view.accounts_lost, "account");
        text.push_str(&format!("\n{lost} opened after the backup: lost, their keys are destroyed"));
    }
    for copy in &view.publish_again {
        text.push_str(&format!("\nNOT IN THE BACKUP: a version was published after it: `avow publish {copy}`"));
    }
    text
}
