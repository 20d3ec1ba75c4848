//! `avow account device`: a key for each device. How many devices there may be is how many keys there are, so that no
//! address has to be looked at.

use avow_terms::account::AccountId;
use clap::Subcommand;

use crate::{
    desk::{AccountView, Request},
    report::Table,
};

/// What to do with a device.
#[derive(Debug, Subcommand)]
pub(super) enum Device {
    /// Give an account a key for one more device, and print its link.
    Add {
        /// The number of the account.
        account: AccountId,
        /// The Shadowsocks method of its key; without this, that of the account's first device.
        #[arg(long)]
        method: Option<String>,
    },
    /// Withdraw the key of a device. Its streams end within a second, those of the other devices go on.
    Remove {
        /// The number of the account.
        account: AccountId,
        /// The number of the device, as `avow account device list` shows it.
        device: u8,
    },
    /// List the devices of an account.
    List {
        /// The number of the account.
        account: AccountId,
    },
}

impl Device {
    /// What the desk is asked.
    pub(super) fn request(&self) -> Request {
        match self {
            Self::Add { account, method } => Request::AddDevice { account: *account, method: method.clone() },
            Self::Remove { account, device } => Request::RemoveDevice { account: *account, device: *device },
            Self::List { account } => Request::ShowAccount { account: *account },
        }
    }
}

/// The devices of an account.
pub(super) fn devices(account: &AccountView) -> String {
    let mut table = Table::new(["device", "method"]);
    for (device, method) in account.devices.iter().zip(&account.methods) {
        table.row([device.to_string(), method.clone()]);
    }
    table.to_string()
}
