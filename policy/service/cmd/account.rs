//! `avow account`: who may connect.

mod device;
mod plan;

use avow_terms::account::AccountId;
use clap::Subcommand;

use device::Device;

use super::forget;
use crate::{
    cli::Data,
    control,
    desk::{AccountView, Done, KeptView, Request, no_such_device},
    exit::Exit,
    failure::Failure,
    report::{self, Table},
    screen::Screen,
};

/// Arguments of `avow account`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Open an account and print its link.
    Add {
        /// The Shadowsocks method of its key: 2022-blake3-aes-256-gcm, 2022-blake3-aes-128-gcm,
        /// chacha20-ietf-poly1305, aes-256-gcm or aes-128-gcm.
        #[arg(long, default_value = "2022-blake3-aes-256-gcm")]
        method: String,
    },
    /// List every account and what it moved this month.
    List,
    /// Show everything that is kept about an account, and until when.
    Show {
        /// The number of the account.
        account: AccountId,
    },
    /// Print the links of an account, one for each device, with QR codes.
    Link {
        /// The number of the account.
        account: AccountId,
        /// Only the link of this device.
        #[arg(long, value_name = "NUMBER")]
        device: Option<u8>,
    },
    /// Give an account new keys. Whoever uses the old ones is cut off.
    Rotate {
        /// The number of the account.
        account: AccountId,
        /// Only for this device; the others go on.
        #[arg(long, value_name = "NUMBER")]
        device: Option<u8>,
    },
    /// Add, remove or list the devices of an account: each has a key of its own.
    #[command(subcommand)]
    Device(Device),
    /// Change what an account may move in a month, until when, and with how many devices; without an option, show it.
    Plan(plan::Plan),
    /// Let an account in no more: its open streams end, and what it sends is answered like a stranger's, with silence.
    Block {
        /// The number of the account.
        account: AccountId,
    },
    /// Let an account in again.
    Unblock {
        /// The number of the account.
        account: AccountId,
    },
    /// Erase an account and everything that is kept about it: the same as `avow forget`.
    Remove {
        /// The number of the account.
        account: AccountId,
    },
}

/// Runs `avow account`.
///
/// # Errors
/// Whatever stands against it.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let (request, show) = match args.action {
        Action::Add { ref method } => (Request::AddAccount { method: method.clone() }, Show::Link),
        Action::List => (Request::ListAccounts, Show::Account),
        Action::Show { account } => (Request::ShowAccount { account }, Show::Account),
        Action::Link { account, .. } => (Request::LinkAccount { account }, Show::Link),
        Action::Rotate { account, device } => (Request::RotateAccount { account, device }, Show::Link),
        Action::Device(ref device @ Device::Add { .. }) => (device.request(), Show::Link),
        Action::Device(ref device) => (device.request(), Show::Devices),
        Action::Plan(ref plan) => (plan.request(), Show::Account),
        Action::Block { account } => (Request::BlockAccount { account, blocked: true }, Show::Account),
        Action::Unblock { account } => (Request::BlockAccount { account, blocked: false }, Show::Account),
        Action::Remove { account } => (Request::RemoveAccount { account }, Show::Account),
    };
    let mut done = control::ask(data, request)?;
    if let (Action::Link { device: Some(device), .. }, Done::Account(account)) = (&args.action, &done) {
        done = Done::Account(account.clone().only(*device).ok_or_else(no_such_device)?);
    }
    screen.document(&done);
    screen.say(match (&done, show) {
        (Done::Account(account), Show::Link) => links(account),
        (Done::Account(account), Show::Account) => account_page(account),
        (Done::Account(account), Show::Devices) => device::devices(account),
        (Done::Accounts { accounts }, _) => list(accounts),
        (Done::Removed { account, receipt }, _) => forget::page(*account, receipt),
        (
            Done::Published { .. }
            | Done::Relay(_)
            | Done::Sealed { .. }
            | Done::BackedUp { .. }
            | Done::KeysRotated { .. }
            | Done::Records(_)
            | Done::Checked { .. }
            | Done::Notices { .. }
            | Done::Code { .. }
            | Done::TakenOver { .. }
            | Done::Reloaded { .. },
            _,
        ) => String::new(),
    });
    Ok(Exit::Done)
}

#[derive(Clone, Copy)]
enum Show {
    Account,
    Devices,
    Link,
}

/// The links of an account, each with a QR code that a phone can read from the terminal.
#[must_use]
pub fn links(account: &AccountView) -> String {
    let mut text = format!("account {}\n", account.account.number());
    for (device, link) in account.devices.iter().zip(&account.links) {
        if account.links.len() > 1 || *device != 1 {
            text.push_str(&format!("\ndevice {device}"));
        }
        text.push_str(&format!("\n{link}\n\n{}", qr(link)));
    }
    text
}

/// What is kept, until when, by which clause.
#[must_use]
pub fn kept(all: &[KeptView]) -> String {
    let mut table = Table::new(["kept", "clause", "until"]);
    for kept in all {
        table.row([kept.data.clone(), kept.clause.clone(), kept.until.clone()]);
    }
    table.to_string()
}

fn account_page(account: &AccountView) -> String {
    let blocked = if account.blocked { "blocked    yes: it is not let in\n" } else { "" };
    format!(
        "account    {}\nopened     {}\nmethods    {}\nplan       {}\nthis month {}\n{blocked}\n{}",
        account.account.number(),
        report::instant(account.opened),
        account.methods.join(", "),
        plan::parts(account),
        month(account),
        kept(&account.kept)
    )
}

fn list(accounts: &[AccountView]) -> String {
    if accounts.is_empty() {
        return "no accounts; `avow account add` opens one".into();
    }
    let mut table = Table::new(["account", "this month", "plan", "methods"]);
    for account in accounts {
        let methods = account.methods.join(", ");
        let plan = if account.blocked { "blocked".into() } else { plan::parts(account) };
        table.row([account.account.number().to_string(), month(account), plan, methods]);
    }
    table.to_string()
}

fn month(account: &AccountView) -> String {
    match account.month_bytes {
        Some(bytes) => format!("{} bytes", report::thousands(bytes)),
        None => "not kept".into(),
    }
}

/// A QR code in half blocks; nothing where a link is too long for one.
fn qr(link: &str) -> String {
    fast_qr::QRBuilder::new(link).build().map(|code| code.to_str() + "\n").unwrap_or_default()
}
