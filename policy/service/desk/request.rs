//! What a command can ask of the desk, and what it answers. These are the words of the control socket.

use std::fmt;

use avow_proxy::{Raised, SealedSession};
use avow_terms::{account::AccountId, plan::Plan};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ask, Given, PlanChange, Records, TakeOver};

/// What a command asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Open an account with one device.
    AddAccount {
        /// The Shadowsocks method of its key.
        method: String,
    },
    /// Every account and what it moved this month.
    ListAccounts,
    /// Everything kept about one account.
    ShowAccount {
        /// Which.
        account: AccountId,
    },
    /// The links of one account.
    LinkAccount {
        /// Which.
        account: AccountId,
    },
    /// New keys for one account, or for one device of it; the old ones end.
    RotateAccount {
        /// Which.
        account: AccountId,
        /// Which device; without it, every one.
        #[serde(default)]
        device: Option<u8>,
    },
    /// A key for one more device of an account.
    AddDevice {
        /// Which.
        account: AccountId,
        /// The Shadowsocks method of its key; without it, that of the first device.
        method: Option<String>,
    },
    /// The key of a device ends.
    RemoveDevice {
        /// Which account.
        account: AccountId,
        /// Which device of it.
        device: u8,
    },
    /// Change the plan of one account.
    ChangePlan {
        /// Which.
        account: AccountId,
        /// What of it.
        change: PlanChange,
    },
    /// Let an account in no more, or let it in again.
    BlockAccount {
        /// Which.
        account: AccountId,
        /// Whether it is to be blocked.
        blocked: bool,
    },
    /// Erase one account.
    RemoveAccount {
        /// Which.
        account: AccountId,
    },
    /// The relay's process and the walls around it; a running service answers.
    ShowRelay,
    /// Take over the users of another server.
    TakeOver(TakeOver),
    /// Read the configuration again; a running service answers.
    Reload,
    /// Every sealed session, for the abuse desk.
    ExportSealed,
    /// Put a version into the history.
    Publish {
        /// What the text is called: its path.
        name: String,
        /// The text.
        text: String,
    },
    /// Write everything into a file.
    BackUp {
        /// Its path, from the root.
        file: String,
    },
    /// Give every account a new key in the store, and seal what is kept about it anew.
    RotateKeys,
    /// The evidence that notices were accepted; first this, if it is given.
    Notices {
        /// That the notices of a version were accepted.
        keep: Option<NoticeView>,
    },
    /// Something about the records of one account.
    Record {
        /// Which.
        account: AccountId,
        /// What.
        #[serde(flatten)]
        ask: Ask,
    },
}

/// That an account was erased. It names no account, and is printed and not stored: a list of who was erased would be data
/// about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// When, to the minute.
    pub erased: String,
    /// How many rows went besides that of the account.
    pub rows: usize,
    /// Its key is destroyed, so that what is sealed with it opens nowhere any more, in no copy either.
    pub key_destroyed: bool,
    /// The write-ahead log is empty, and no byte of the store belongs to no row.
    pub bytes_erased: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "done", rename_all = "snake_case")]
pub enum Done {
    /// An account as it now is.
    Account(AccountView),
    /// Every account.
    Accounts {
        /// In the order of their numbers.
        accounts: Vec<AccountView>,
    },
    /// An account is gone.
    Removed {
        /// Which.
        account: AccountId,
        /// What can be kept of that: nothing in it is about anybody.
        receipt: Receipt,
    },
    /// The relay that runs.
    Relay(RelayView),
    /// Sealed sessions.
    Sealed {
        /// In the order of the hours they ended in.
        sessions: Vec<SealedSession>,
    },
    /// The users of another server are accounts here.
    TakenOver {
        /// One for each user, in their order; none if it was a dry run.
        accounts: Vec<AccountId>,
        /// The methods whose clients know the server by another key now.
        replaced: Vec<String>,
    },
    /// The configuration was read again.
    Reloaded {
        /// What differs and waits for a restart.
        restart: Vec<String>,
    },
    /// A version is in the history.
    Published {
        /// The name of the policy.
        policy: String,
        /// The version.
        version: u32,
        /// From when it applies.
        effective: String,
        /// What changed, one line per clause.
        changes: Vec<String>,
    },
    /// What can be shown about an account, as it is now.
    Records(Records),
    /// Whether it was right.
    Checked {
        /// That.
        right: bool,
    },
    /// A code, to be sent.
    Code {
        /// The code.
        code: Given,
    },
    /// Everything is in a file.
    BackedUp {
        /// Its path.
        file: String,
        /// When it was made.
        made: Timestamp,
        /// How many accounts are in it.
        accounts: usize,
        /// How many rows besides theirs.
        rows: usize,
        /// How many buckets.
        buckets: usize,
        /// How long it is.
        bytes: u64,
        /// The directory of the keys that open it.
        keys: String,
        /// How many accounts were due, and were erased before it was written.
        accounts_erased_before: usize,
    },
    /// The evidence that is kept, by version.
    Notices {
        /// One for each version.
        notices: Vec<NoticeView>,
    },
    /// Every account has a new key.
    KeysRotated {
        /// How many accounts.
        accounts: usize,
        /// Whether the keys are wrapped with a credential.
        wrapped: bool,
    },
}

/// That the notices of a version were accepted. It names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeView {
    /// The version they told of.
    pub version: u32,
    /// How many mail servers accepted one.
    pub accepted: u64,
    /// SHA-256 of the record of what was sent and answered, in hexadecimal.
    pub digest: String,
}

/// The relay that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayView {
    /// Its process.
    pub pid: u32,
    /// The walls around it, by its own word.
    pub walls: Raised,
}

/// An account, for the operator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Its number.
    pub account: AccountId,
    /// When it was opened.
    pub opened: Timestamp,
    /// Its devices: each has a key of its own.
    pub devices: Vec<u8>,
    /// The methods of its keys, one per device.
    pub methods: Vec<String>,
    /// The bytes that are stored for this month; `None` if the policy in force keeps no such total.
    pub month_bytes: Option<u64>,
    /// Its plan; a part that is absent has no limit.
    #[serde(default)]
    pub plan: Plan,
    /// Whether it is blocked: the relay does not let it in.
    #[serde(default)]
    pub blocked: bool,
    /// Its links, where they were asked for. They are secrets.
    pub links: Vec<String>,
    /// What is kept about it, until when, and by which clause.
    pub kept: Vec<KeptView>,
}

/// One kind of data that is kept about an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptView {
    /// The data code.
    pub data: String,
    /// The clause that allows it.
    pub clause: String,
    /// Until when, in words.
    pub until: String,
}

/// Says that there is an account, and nothing about it: its links are secrets.
impl fmt::Debug for AccountView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountView(..)")
    }
}
