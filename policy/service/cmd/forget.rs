//! `avow forget`: erase one account everywhere, and say so in a receipt that names nobody.

use avow_terms::account::AccountId;

use crate::{
    cli::Data,
    control,
    desk::{Done, Receipt, Request},
    exit::Exit,
    failure::Failure,
    meter::Meter,
    screen::Screen,
};

/// Arguments of `avow forget`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The number of the account.
    pub account: AccountId,
}

/// Runs `avow forget`.
///
/// # Errors
/// If there is no such account, or something of it could not be erased: then repeat it.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let done = control::ask_telling(data, Request::RemoveAccount { account: args.account }, &Meter::new(screen))?;
    screen.document(&done);
    if let Done::Removed { account, receipt } = &done {
        screen.say(page(*account, receipt));
    }
    Ok(Exit::Done)
}

/// What is said about an account that is gone.
pub(super) fn page(account: AccountId, receipt: &Receipt) -> String {
    let Receipt { erased, rows, .. } = receipt;
    let rows = match rows {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    format!(
        "account {} and everything kept about it is erased\n\n\
         receipt: on {erased} an account and {rows} about it were erased. Its key is destroyed, so that no copy of what was\n\
         sealed with it opens any more; the write-ahead log is empty, and no byte of the store belongs to no row.",
        account.number()
    )
}
