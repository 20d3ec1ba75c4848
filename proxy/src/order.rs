//! What the parent tells the relay and what the relay answers: one JSON value a line, over a socket that only the two
//! of them have.
//!
//! Keys pass here, so no order has a Debug, and a line is turned into an order the moment it is read.

use avow_terms::{account::AccountId, private::Private};
use serde::{Deserialize, Serialize};

use crate::{
    event::Events,
    keys::{AccountKeys, KeyError, ServerKeys},
    limits::Limits,
    page::Slot,
    walls::Raised,
};

/// The longest line that is read.
pub(crate) const LONGEST_LINE: usize = 1 << 20;

/// An order of the parent.
pub(crate) enum Order {
    /// Who the server is, and its bounds. The first of them opens the doors, so it comes after the accounts.
    Configure(ServerKeys, Limits),
    /// An account may be served, with these keys and no others.
    Put(AccountId, Slot, AccountKeys),
    /// An account is served no more.
    Remove(AccountId),
    /// Accept nothing new, end when the last stream ends or so many milliseconds are over.
    Drain(u64),
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
    Put { account: AccountId, slot: Slot, keys: String },
    Remove { account: AccountId },
    Drain { milliseconds: u64 },
}

impl Order {
    /// The line for this order.
    pub(crate) fn line(&self, id: u64) -> Private<Vec<u8>> {
        let order = match self {
            Self::Configure(keys, limits) => WrittenOrder::Configure { keys: text(&keys.encode()), limits: *limits },
            Self::Put(account, slot, keys) => {
                WrittenOrder::Put { account: *account, slot: *slot, keys: text(&keys.encode()) }
            }
            Self::Remove(account) => WrittenOrder::Remove { account: *account },
            Self::Drain(milliseconds) => WrittenOrder::Drain { milliseconds: *milliseconds },
        };
        Private::new(line(&Written { id, order }))
    }

    /// The order in a line, with its number.
    pub(crate) fn read(line: &[u8]) -> Result<(u64, Self), KeyError> {
        let Written { id, order } = serde_json::from_slice(line).map_err(|_| KeyError::Unreadable)?;
        let bytes = |keys: String| Private::new(keys.into_bytes());
        let order = match order {
            WrittenOrder::Configure { keys, limits } => Self::Configure(ServerKeys::decode(&bytes(keys))?, limits),
            WrittenOrder::Put { account, slot, keys } => Self::Put(account, slot, AccountKeys::decode(&bytes(keys))?),
            WrittenOrder::Remove { account } => Self::Remove(account),
            WrittenOrder::Drain { milliseconds } => Self::Drain(milliseconds),
        };
        Ok((id, order))
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
        let line = Order::Put(account, Slot(3), keys.clone()).line(9);
        assert_eq!(line.expose().iter().filter(|byte| **byte == b'\n').count(), 1);
        match Order::read(line.expose()).unwrap_or_else(|_| panic!("not read")) {
            (9, Order::Put(read, Slot(3), again)) => {
                assert!(read == account && again.encode().expose() == keys.encode().expose());
            }
            _ => panic!("another order"),
        }
        let line = Order::Configure(ServerKeys::generate(), Limits::default()).line(1);
        assert!(
            matches!(Order::read(line.expose()), Ok((1, Order::Configure(_, limits))) if limits == Limits::default())
        );
        assert!(Order::read(b"{}").is_err());
    }
}
