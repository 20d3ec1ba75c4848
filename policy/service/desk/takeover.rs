//! Taking over the users of another server: all of them in one step, or none.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
    sync::Arc,
};

use avow_accounting::NewAccount;
use avow_proxy::{AccessKey, AccountKeys, Method, ServerKeys};
use avow_terms::{account::AccountId, amount::Bytes, plan::Plan, private::Private};
use serde::{Deserialize, Serialize};

use super::{Desk, Done};
use crate::{clock, failure::Failure, relay_keys, report};

/// What is to be taken over. It holds secrets, and says nothing about itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeOver {
    /// The users, each to be an account with this one key.
    pub users: Vec<Secret>,
    /// How many bytes each of them may move in a month, in their order.
    #[serde(default)]
    pub limits: Vec<Option<u64>>,
    /// What clients of 2022 know the server by.
    pub identities: Vec<Secret>,
    /// Whether links that were given out here may be void afterwards.
    pub void_links: bool,
    /// Whether to say only what stands against it.
    pub dry_run: bool,
}

/// A method and its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The method.
    pub method: Method,
    /// What a client is told.
    pub secret: String,
}

impl fmt::Debug for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TakeOver(..)")
    }
}

impl Secret {
    /// Of an access key.
    #[must_use]
    pub fn of(method: Method, secret: &Private<String>) -> Self {
        Self { method, secret: secret.expose().clone() }
    }

    fn key(&self) -> Result<AccessKey, Failure> {
        AccessKey::new(super::accounts::FIRST_DEVICE, self.method, Private::new(self.secret.clone()))
            .map_err(Failure::could_not)
    }
}

impl Desk {
    /// Takes over users, or says what stands against it.
    pub(super) fn take_over(&mut self, asked: &TakeOver) -> Result<Done, Failure> {
        let now = clock::now();
        let permit = self.permit_account(now)?;
        let limits = match asked.limits.iter().any(Option::is_some) {
            true => {
                self.may_limit_months(now)?;
                Some(self.permit_plan(now)?)
            }
            false => None,
        };
        let keys = asked.users.iter().map(Secret::key).collect::<Result<Vec<_>, _>>()?;
        let served = self.keys_of_accounts()?;
        none_is_served(&keys, &served)?;
        let (server, replaced) = self.known_by(asked, &served)?;
        if asked.dry_run {
            return Ok(Done::TakenOver { accounts: Vec::new(), replaced });
        }
        let numbers = self.numbers(keys.len())?;
        let accounts = numbers
            .iter()
            .zip(keys)
            .map(|(number, key)| NewAccount { number: *number, keys: AccountKeys(vec![key]).encode() });
        let accounts: Vec<_> = accounts.collect();
        // The keys come first: whoever is killed in between takes the same file over again, and it is whole.
        if !replaced.is_empty() {
            relay_keys::replace(self.data.keys(), &server)?;
        }
        let plan = |bytes| Plan { month_bytes: Some(Bytes(bytes)), ..Plan::default() };
        let plans = numbers.iter().zip(&asked.limits).filter_map(|(number, limit)| Some((*number, plan((*limit)?))));
        let added = match limits {
            Some(limits) => self.store.add_accounts_with_plans(permit, &accounts, limits, &plans.collect::<Vec<_>>()),
            None => self.store.add_accounts(permit, &accounts),
        };
        if let Err(error) = added {
            if !replaced.is_empty() {
                relay_keys::replace(self.data.keys(), &self.relay_keys)?;
            }
            return Err(Failure::could_not(error));
        }
        let counted = numbers.iter().try_for_each(|number| self.count_devices(*number, 1));
        if let Err(failure) = counted {
            for number in &numbers {
                self.store.remove_account(*number).map_err(Failure::could_not)?;
            }
            if !replaced.is_empty() {
                relay_keys::replace(self.data.keys(), &self.relay_keys)?;
            }
            return Err(failure);
        }
        self.relay_keys = Arc::new(server);
        Ok(Done::TakenOver { accounts: numbers, replaced })
    }

    /// Numbers for so many accounts, in the order in which they are drawn.
    fn numbers(&self, many: usize) -> Result<Vec<AccountId>, Failure> {
        let (mut numbers, mut drawn) = (Vec::with_capacity(many), BTreeSet::new());
        while numbers.len() < many {
            let number = self.store.draw_number().map_err(Failure::could_not)?;
            if drawn.insert(number) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// The keys that the server is known by afterwards, and the methods whose key is another one then.
    fn known_by(
        &self,
        asked: &TakeOver,
        served: &[(AccountId, AccountKeys)],
    ) -> Result<(ServerKeys, Vec<String>), Failure> {
        let (mut server, mut replaced) = (ServerKeys::clone(&self.relay_keys), Vec::new());
        for Secret { method, secret } in &asked.identities {
            let known = server.known_by(*method, Private::new(secret.clone())).map_err(Failure::could_not)?;
            let Some(known) = known else { continue };
            server = known;
            replaced.push(method.to_string());
            let void = served.iter().filter(|(_, keys)| keys.0.iter().any(|key| key.method() == *method)).count();
            if void > 0 && !asked.void_links {
                return Err(Failure::refused(format!(
                    "the server would be known by another key for `{method}`, and the links of {} that {} here already \
                     would be void",
                    report::count(void, "account"),
                    if void == 1 { "is" } else { "are" }
                ))
                .help("remove those accounts first, or say `--void-links` and give their links out anew"));
            }
        }
        Ok((server, replaced))
    }
}

/// A key that is served already would be found for one account or the other, nobody knows which.
fn none_is_served(keys: &[AccessKey], served: &[(AccountId, AccountKeys)]) -> Result<(), Failure> {
    let name = |key: &AccessKey| (key.method(), key.secret().clone().into_inner());
    let served: HashSet<_> = served.iter().flat_map(|(_, keys)| &keys.0).map(name).collect();
    match keys.iter().filter(|key| served.contains(&name(key))).count() {
        0 => Ok(()),
        some => Err(Failure::refused(format!(
            "{} of the {} to be taken over {} here already, with the same key",
            some,
            report::count(keys.len(), "user"),
            if some == 1 { "is" } else { "are" }
        ))
        .help("take over each file once; `avow account list` shows who is here")),
    }
}
