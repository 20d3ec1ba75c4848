//! Accounts at the desk.

use std::collections::{BTreeMap, BTreeSet};

use avow_accounting::{Account, AccountRecord, MonthTotal, NewAccount};
use avow_proxy::{AccessKey, AccountKeys, Method};
use avow_terms::{
    account::AccountId,
    amount::Bytes,
    code::Code,
    permit::{Due, Facts, Form, Permit, Record},
    plan::Plan,
};
use jiff::{Timestamp, tz::TimeZone};

use super::{AccountView, Desk, Done, KeptView, Receipt};
use crate::{clock, failure::Failure, report};

/// The device that a new account starts with.
pub(super) const FIRST_DEVICE: u8 = 1;

impl Desk {
    /// Every account with its keys, for the relay.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn keys_of_accounts(&self) -> Result<Vec<(AccountId, AccountKeys)>, Failure> {
        let accounts = self.store.accounts().map_err(Failure::could_not)?;
        accounts.into_iter().map(|account| Ok((account.number, keys(&account)?))).collect()
    }

    /// The keys of one account, for the relay.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn keys_of(&self, account: AccountId) -> Result<AccountKeys, Failure> {
        keys(&self.account(account)?)
    }

    pub(super) fn add_account(&mut self, method: &str) -> Result<Done, Failure> {
        let method: Method = method.parse().map_err(Failure::could_not)?;
        let now = clock::now();
        let permit = self.permit_account(now)?;
        let number = self.store.draw_number().map_err(Failure::could_not)?;
        let keys = new_keys(&[(FIRST_DEVICE, method)]);
        self.store.add_account(permit, &NewAccount { number, keys: keys.encode() }).map_err(Failure::could_not)?;
        if let Err(failure) = self.count_devices(number, keys.0.len()) {
            self.store.remove_account(number).map_err(Failure::could_not)?;
            return Err(failure);
        }
        self.link_account(number)
    }

    pub(super) fn list_accounts(&self) -> Result<Done, Failure> {
        let now = clock::now();
        let totals: Option<BTreeMap<AccountId, Bytes>> = match self.month_zone(now)? {
            Some(zone) => Some(self.store.month_totals(now, &zone).map_err(Failure::could_not)?.into_iter().collect()),
            None => None,
        };
        let total = |number| Some(totals.as_ref()?.get(&number).map_or(0, |bytes| bytes.0));
        let plans: BTreeMap<AccountId, Plan> = self.store.plans().map_err(Failure::could_not)?.into_iter().collect();
        let plan = |number| plans.get(&number).copied().unwrap_or_default();
        let blocked: BTreeSet<AccountId> =
            self.store.blocked_accounts().map_err(Failure::could_not)?.into_iter().collect();
        let view = |account: &Account| {
            let number = account.number;
            let (month_bytes, blocked) = (total(number), blocked.contains(&number));
            Ok(AccountView { month_bytes, plan: plan(number), blocked, ..Self::view(account)? })
        };
        let accounts = self.store.accounts().map_err(Failure::could_not)?;
        Ok(Done::Accounts { accounts: accounts.iter().map(view).collect::<Result<_, Failure>>()? })
    }

    pub(super) fn show_account(&self, number: AccountId) -> Result<Done, Failure> {
        let now = clock::now();
        let account = self.account(number)?;
        let month_bytes = match self.month_zone(now)? {
            Some(zone) => Some(self.store.month_total(number, now, &zone).map_err(Failure::could_not)?.0),
            None => None,
        };
        let plan = self.store.plan(number).map_err(Failure::could_not)?;
        let kept = self.kept_about(number, now)?;
        let (plan, blocked) = (plan.unwrap_or_default(), self.store.is_blocked(number).map_err(Failure::could_not)?);
        Ok(Done::Account(AccountView { month_bytes, plan, blocked, kept, ..Self::view(&account)? }))
    }

    pub(super) fn link_account(&self, number: AccountId) -> Result<Done, Failure> {
        let account = self.account(number)?;
        let links = keys(&account)?.0.iter().map(|key| self.link(key)).collect();
        Ok(Done::Account(AccountView { links, ..Self::view(&account)? }))
    }

    pub(super) fn remove_account(&mut self, number: AccountId) -> Result<Done, Failure> {
        self.account(number)?;
        let removed = self.store.remove_account_telling(number, &*self.telling()).map_err(Failure::could_not)?;
        let erased = clock::now().strftime("%Y-%m-%dT%H:%MZ").to_string();
        // An error would have come instead if the key or a byte were left.
        let receipt = Receipt { erased, rows: removed.rows, key_destroyed: true, bytes_erased: true };
        Ok(Done::Removed { account: number, receipt })
    }

    fn account(&self, number: AccountId) -> Result<Account, Failure> {
        self.store.account(number).map_err(Failure::could_not)?.ok_or_else(|| {
            Failure::refused("there is no account of that number").help("`avow account list` shows every account")
        })
    }

    pub(super) fn permit_account(&self, now: Timestamp) -> Result<Permit<AccountRecord>, Failure> {
        self.rules(now)?.permit::<AccountRecord>(&self.facts(now, Form::Sealed)).map_err(Failure::refused)
    }

    /// The zone whose months the policy in force counts; `None` if it keeps no month totals.
    pub(super) fn month_zone(&self, now: Timestamp) -> Result<Option<TimeZone>, Failure> {
        let permit = self.rules(now)?.permit::<MonthTotal>(&self.facts(now, Form::Plain));
        Ok(permit.ok().map(|permit| permit.zone().clone()))
    }

    fn view(account: &Account) -> Result<AccountView, Failure> {
        let AccountKeys(keys) = keys(account)?;
        Ok(AccountView {
            account: account.number,
            opened: account.recorded,
            devices: keys.iter().map(AccessKey::device).collect(),
            methods: keys.iter().map(|key| key.method().to_string()).collect(),
            month_bytes: None,
            plan: Plan::default(),
            blocked: false,
            links: Vec::new(),
            kept: Vec::new(),
        })
    }

    fn link(&self, key: &AccessKey) -> String {
        let tag = match key.device() {
            FIRST_DEVICE => "avow".to_owned(),
            device => format!("avow-{device}"),
        };
        avow_proxy::link(&self.host, self.port, key, &self.relay_keys, &tag).into_inner()
    }

    /// What the policy in force keeps about every account.
    ///
    /// # Errors
    /// If no policy is in force.
    pub fn kept(&self, now: Timestamp) -> Result<Vec<KeptView>, Failure> {
        let mut kept = self.kept_of::<AccountRecord>(now, Form::Sealed)?;
        kept.extend(self.kept_of::<MonthTotal>(now, Form::Plain)?);
        Ok(kept)
    }

    /// What is kept about one account, and until when: its own row, and every kind of record that is there.
    pub(super) fn kept_about(&self, account: AccountId, now: Timestamp) -> Result<Vec<KeptView>, Failure> {
        let rules = self.rules(now)?;
        let mut kept = self.kept_of::<AccountRecord>(now, Form::Sealed)?;
        for record in self.store.kept(account).map_err(Failure::could_not)? {
            let purpose = Code::literal(record.purpose);
            for code in record.codes.iter().map(|code| Code::literal(code)) {
                let facts = Facts { consent: true, ..self.facts(now, Form::Sealed) };
                let answer = rules.decide(record.service, &code, &purpose, &facts);
                let due = record.due.map(Due::At).or(answer.due);
                let until = due.map_or_else(|| "the next sweep".into(), report::due);
                let clause = answer.clause.map_or_else(|| "none".into(), |clause| clause.to_string());
                kept.push(KeptView { data: code.to_string(), clause, until });
            }
        }
        kept.dedup();
        Ok(kept)
    }

    pub(super) fn kept_of<R: Record>(&self, now: Timestamp, form: Form) -> Result<Vec<KeptView>, Failure> {
        let rules = self.rules(now)?;
        let purpose = Code::new(R::PURPOSE).map_err(Failure::could_not)?;
        let mut kept = Vec::new();
        for code in R::CODES {
            let code = Code::new(code).map_err(Failure::could_not)?;
            let answer = rules.decide(R::SERVICE, &code, &purpose, &self.facts(now, form));
            if let (Some(clause), Some(due)) = (answer.clause.filter(|_| answer.allowed), answer.due) {
                kept.push(KeptView { data: code.to_string(), clause: clause.to_string(), until: report::due(due) });
            }
        }
        Ok(kept)
    }
}

fn new_keys(devices: &[(u8, Method)]) -> AccountKeys {
    AccountKeys(devices.iter().map(|&(device, method)| AccessKey::generate(device, method)).collect())
}

fn keys(account: &Account) -> Result<AccountKeys, Failure> {
    AccountKeys::decode(&account.keys).map_err(|_| Failure::could_not("the keys of an account cannot be read"))
}
