//! `avow keys`: where the keys of the store lie, and what that covers. It never shows a key.

use std::os::unix::fs::MetadataExt;

use avow_accounting::Reader;
use avow_terms::key_place::{KeyPlace, WRAPPED};
use clap::Subcommand;
use serde::Serialize;

use crate::{
    cli::Data,
    control,
    data_dir::DataDir,
    desk::{Done, Request},
    exit::Exit,
    failure::Failure,
    meter::Meter,
    report,
    screen::Screen,
};

/// Arguments of `avow keys`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Action {
    /// Give every account a new key and seal what is kept about it anew; the keys before are destroyed. Clients notice
    /// nothing: these are not the access keys.
    Rotate,
}

/// Where the keys lie.
#[derive(Debug, Serialize)]
struct View {
    directory: String,
    place: KeyPlace,
    wrapped: bool,
    accounts: usize,
    buckets: usize,
    covers: &'static str,
}

/// Runs `avow keys`.
///
/// # Errors
/// Whatever stands against it.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    match args.action {
        None => show(data, screen),
        Some(Action::Rotate) => rotate(data, screen),
    }
}

fn show(data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let directory = DataDir::of(data)?;
    directory.require_store()?;
    let path = directory.store();
    let store = Reader::open_as(&directory.opening(&path)?).map_err(Failure::could_not)?;
    let count = store.key_count();
    let place = place(&directory)?;
    let view = View {
        directory: count.directory.display().to_string(),
        place,
        wrapped: count.wrapped,
        accounts: count.accounts,
        buckets: count.buckets,
        covers: place.covers(),
    };
    screen.document(&view);
    screen.say(page(&view));
    Ok(Exit::Done)
}

fn place(directory: &DataDir) -> Result<KeyPlace, Failure> {
    let keys = directory.keys();
    let about = |path| std::fs::metadata(path).map_err(|error| Failure::file("look at", path, &error));
    let system = rustix::fs::statfs(keys).map_err(|error| Failure::file("look at", keys, &error.into()))?;
    let kind = u64::try_from(system.f_type).unwrap_or_default();
    Ok(KeyPlace::of(kind, about(keys)?.dev(), about(&directory.store())?.dev()))
}

fn page(view: &View) -> String {
    let wrapped = if view.wrapped { format!("with a credential: {WRAPPED}") } else { "no".into() };
    format!(
        "keys      {}\nplace     {}\nwrapped   {wrapped}\nsealed    {}, {}; the totals of a month are not sealed\n\n{}\n",
        view.directory,
        view.place,
        report::count(view.accounts, "account"),
        report::count(view.buckets, "bucket"),
        view.covers,
    )
}

fn rotate(data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let done = control::ask_telling(data, Request::RotateKeys, &Meter::new(screen))?;
    screen.document(&done);
    if let Done::KeysRotated { accounts, wrapped } = done {
        let wrapped = if wrapped { ", wrapped with the credential" } else { "" };
        let accounts = report::count(accounts, "account");
        screen.say(format!(
            "{accounts} sealed under new keys{wrapped}; the keys before are destroyed, and backups made before \
             open no more: make a new one"
        ));
    }
    Ok(Exit::Done)
}
