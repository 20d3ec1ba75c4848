//! What the parent tells the relay and what the relay answers: one JSON value a line, over a socket that only the two
//! of them have.
//!
//! Keys pass here, so no order has a Debug, and a line is turned into an order the moment it is read.

use std::net::SocketAddr;

use avow_terms::{account::AccountId, private::Private};
use serde::{Deserialize, Serialize};

use crate::{
    event::Events,
    guard::Network,
    keys::{AccountKeys, KeyError, ServerKeys},
    limits::Limits,
    page::Slot,
    sealed_session::SealedSession,
    sessions::SealTo,
    walls::Raised,
};

/// The longest line that is read.
pub(crate) const LONGEST_LINE: usize = 1 << 20;
/// How much of keys goes into one line: each byte may take six there, and the last account may have many keys.
const LONGEST_TOGETHER: usize = 1 << 16;

/// An order of the parent.
pub(crate) enum Order {
    /// Who the server is, and its bounds. The first of them opens the doors, so it comes after the accounts.
    Configure(ServerKeys, Limits),
    /// Which networks may be reached beside the public Internet, and what else this server listens on.
    Guard(Vec<Network>, Vec<SocketAddr>),
    /// These accounts may be served, each with its keys and no others.
    Put(Vec<Admission>),
    /// The counts at which accounts stop; `None` is no limit.
    StopAt(Vec<(AccountId, Option<u64>)>),
    /// To whom sessions are sealed; nobody is the rule.
    SealTo(Option<SealTo>),
    /// An account is served no more.
    Remove(AccountId),
    /// Accept nothing new, end when the last stream ends or so many milliseconds are over.
    Drain(u64),
}

/// An account that may be served.
#[derive(Clone)]
pub struct Admission {
    /// Which.
    pub account: AccountId,
    /// Where it is counted.
    pub slot: Slot,
    /// Its keys; no others are served.
    pub keys: AccountKeys,
    /// The count at which everything stops; `None` is no limit.
    pub stop_at: Option<u64>,
}

/// An answer of the relay.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It runs and waits for orders.
    Ready {
        /// The walls around it.
        walls: Raised,
    },
    /// An order is carried out; what had to end has ended.
    Done {
        /// The number of the order.
        id: u64,
        /// Whether it could be.
        well: bool,
    },
    /// A session is over, and sealed to the abuse desk.
    Sealed(SealedSession),
    /// Nothing more will be said.
    Over,
    /// What happened since the relay started.
    Events {
        /// How often.
        events: Events,
    },
}

/// An order with its number, as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    id: u64,
    #[serde(flatten)]
    order: WrittenOrder,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
enum WrittenOrder {
    Configure { keys: String, limits: Limits },
    Guard { allowed: Vec<Network>, own: Vec<SocketAddr> },
    Put { accounts: Vec<WrittenAdmission> },
    StopAt { counts: Vec<(AccountId, Option<u64>)> },
    SealTo { to: Option<SealTo> },
    Remove { account: AccountId },
    Drain { milliseconds: u64 },
}

#[derive(Serialize, Deserialize)]
struct WrittenAdmission {
    account: AccountId,
    slot: Slot,
    keys: String,
    stop_at: Option<u64>,
}

impl Order {
    /// Orders for many accounts, as few as there can be with lines that are not too long.
    pub(crate) fn put(admissions: impl IntoIterator<Item = Admission>) -> Vec<Self> {
        let (mut orders, mut together, mut length) = (Vec::new(), Vec::new(), 0);
        for admission in admissions {
            length += admission.keys.length();
            together.push(admission);
            if length > LONGEST_TOGETHER {
                orders.push(Self::Put(std::mem::take(&mut together)));
                length = 0;
            }
        }
        orders.extend((!together.is_empty()).then_some(Self::Put(together)));
        orders
    }

    /// The line for this order.
    pub(crate) fn line(&self, id: u64) -> Private<Vec<u8>> {
        let order = match self {
            Self::Configure(keys, limits) => WrittenOrder::Configure { keys: text(&keys.encode()), limits: *limits },
            Self::Guard(allowed, own) => WrittenOrder::Guard { allowed: allowed.clone(), own: own.clone() },
            Self::Put(accounts) => WrittenOrder::Put { accounts: accounts.iter().map(Admission::written).collect() },
            Self::StopAt(counts) => WrittenOrder::StopAt { counts: counts.clone() },
            Self::SealTo(to) => WrittenOrder::SealTo { to: *to },
            Self::Remove(account) => WrittenOrder::Remove { account: *account },
            Self::Drain(milliseconds) => WrittenOrder::Drain { milliseconds: *milliseconds },
        };
        Private::new(line(&Written { id, order }))
    }

    /// The order in a line, with its number.
    pub(crate) fn read(line: &[u8]) -> Result<(u64, Self), KeyError> {
        let Written { id, order } = serde_json::from_slice(line).map_err(|_| KeyError::Unreadable)?;
        let order = match order {
            WrittenOrder::Configure { keys, limits } => {
                Self::Configure(ServerKeys::decode(&Private::new(keys.into_bytes()))?, limits)
            }
            WrittenOrder::Guard { allowed, own } => Self::Guard(allowed, own),
            WrittenOrder::Put { accounts } => {
                Self::Put(accounts.into_iter().map(Admission::read).collect::<Result<_, _>>()?)
            }
            WrittenOrder::StopAt { counts } => Self::StopAt(counts),
            WrittenOrder::SealTo { to } => Self::SealTo(to),
            WrittenOrder::Remove { account } => Self::Remove(account),
            WrittenOrder::Drain { milliseconds } => Self::Drain(milliseconds),
        };
        Ok((id, order))
    }
}

impl Admission {
    fn written(&self) -> WrittenAdmission {
        let Self { account, slot, ref keys, stop_at } = *self;
        WrittenAdmission { account, slot, keys: text(&keys.encode()), stop_at }
    }

    fn read(written: WrittenAdmission) -> Result<Self, KeyError> {
        let WrittenAdmission { account, slot, keys, stop_at } = written;
        Ok(Self { account, slot, keys: AccountKeys::decode(&Private::new(keys.into_bytes()))?, stop_at })
    }
}

impl Answer {
    /// The line for this answer.
    pub(crate) fn line(&self) -> Vec<u8> {
        line(self)
    }
}

fn text(keys: &Private<Vec<u8>>) -> String {
    String::from_utf8_lossy(keys.expose()).into_owned()
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Numbers, names and strings always have a JSON form.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::AccessKey, method::Method};

    #[test]
    fn an_order_arrives_as_it_was_given() {
        let account = AccountId::try_from(77).unwrap();
        let keys = AccountKeys(vec![AccessKey::generate(1, Method::Aes128Gcm)]);
        let admission = Admission { account, slot: Slot(3), keys: keys.clone(), stop_at: Some(u64::MAX - 1) };
        let line = Order::Put(vec![admission]).line(9);
        assert_eq!(line.expose().iter().filter(|byte| **byte == b'\n').count(), 1);
        match Order::read(line.expose()).unwrap_or_else(|_| panic!("not read")) {
            (9, Order::Put(read)) => {
                let [
                    Admission { account: again, slot: Slot(3), keys: read, stop_at: Some(18_446_744_073_709_551_614) },
                ] = &read[..]
                else {
                    panic!("another account")
                };
                assert!(*again == account && read.encode().expose() == keys.encode().expose());
            }
            _ => panic!("another order"),
        }
        let line = Order::Configure(ServerKeys::generate(), Limits::default()).line(1);
        assert!(
            matches!(Order::read(line.expose()), Ok((1, Order::Configure(_, limits))) if limits == Limits::default())
        );
        assert!(Order::read(b"{}").is_err());
    }

    #[test]
    fn many_accounts_are_told_in_few_lines_of_which_none_is_too_long() {
        let keys = AccountKeys((1..=20).map(|device| AccessKey::generate(device, Method::Aes128Gcm)).collect());
        let admission = |number| {
            let account = AccountId::try_from(number).unwrap();
            Admission { account, slot: Slot(number), keys: keys.clone(), stop_at: None }
        };
        let orders = Order::put((1..=1000).map(admission));
        assert!(orders.len() < 60 && orders.iter().all(|order| order.line(1).expose().len() < LONGEST_LINE / 2));
        let told: usize = orders.iter().map(|order| if let Order::Put(put) = order { put.len() } else { 0 }).sum();
        assert_eq!(told, 1000);
        assert!(Order::put([]).is_empty());
    }
}
