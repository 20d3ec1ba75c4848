//! Sessions that only the abuse desk can open: into the store, by the hour, where the policy in force declares them; and out
//! of it, as they are.

use std::collections::BTreeMap;

use avow_accounting::{SealedBlob, SealedSession};
use avow_proxy::SealedSession as Sealed;
use avow_terms::permit::{Events, Facts, Form, Permit};
use jiff::Timestamp;

use super::{Desk, Done};
use crate::{clock, failure::Failure};

const HOUR: u64 = 3600;

impl Desk {
    /// That sessions may be sealed: the policy in force declares the address, the times and the server of a session.
    ///
    /// # Errors
    /// If it does not; the message names what is missing.
    pub fn may_seal_sessions(&self) -> Result<(), Failure> {
        self.permit_sealed(clock::now()).map(drop)
    }

    /// Keeps sealed sessions, each in the hour it ended in; says how many the policy in force does not allow: they are
    /// dropped.
    ///
    /// # Errors
    /// If the store does not take them now. Those of hours before are stored then.
    pub fn keep_sealed(&mut self, sessions: &mut BTreeMap<u64, Vec<Sealed>>) -> Result<usize, Failure> {
        let mut refused = 0;
        while let Some(hour) = sessions.first_entry() {
            let ended = i64::try_from(hour.key() * HOUR).ok().and_then(|second| Timestamp::from_second(second).ok());
            let blobs: Vec<SealedBlob> = hour.get().iter().filter_map(blob).collect();
            match ended.map(|ended| self.permit_sealed(ended)) {
                Some(Ok(permit)) => self.store.add_sealed_sessions(permit, &blobs).map_err(Failure::could_not)?,
                _ => refused += blobs.len(),
            }
            hour.remove();
        }
        Ok(refused)
    }

    /// Every sealed session that is kept, in the order of the hours, for the abuse desk.
    pub(super) fn export_sealed(&self) -> Result<Done, Failure> {
        let hours = self.store.sealed_sessions().map_err(Failure::could_not)?;
        let sessions = hours.into_iter().flat_map(|hour| {
            let number = u64::try_from(hour.first.as_second()).unwrap_or(0) / HOUR;
            hour.sessions.into_iter().map(move |SealedBlob { account, blob }| Sealed::new(account, number, &blob))
        });
        Ok(Done::Sealed { sessions: sessions.collect() })
    }

    fn permit_sealed(&self, ended: Timestamp) -> Result<Permit<SealedSession>, Failure> {
        // It is written now, and its time runs from the beginning of the hour it ended in: never longer than promised.
        let (now, events) = (clock::now(), Events { session_end: Some(ended), ..Events::default() });
        let facts = Facts { events, ..self.facts(now, Form::Sealed) };
        self.rules(now)?.permit::<SealedSession>(&facts).map_err(Failure::refused)
    }
}

fn blob(sealed: &Sealed) -> Option<SealedBlob> {
    Some(SealedBlob { account: sealed.account, blob: sealed.bytes()? })
}
