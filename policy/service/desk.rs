//! Where every change is made: accounts, publications, counts, the sweep.
//!
//! A running service owns one desk, on a thread of its own; a command that runs while no service does opens one for
//! itself. Either way the same code answers, so that there is one way to do a thing.

mod accounts;
mod backup;
mod books;
mod devices;
mod keys;
mod measure;
mod notices;
mod plans;
mod publication;
mod records;
mod request;
mod sealed;
mod seen;
mod takeover;

pub use books::{Flushed, HOME_NODE};
pub(crate) use devices::no_such_device;
pub use plans::{Left, Part, PlanChange, PlansNow, Until};
pub use records::{Ask, Given, Records};
pub use request::{AccountView, Done, KeptView, NoticeView, Receipt, RelayView, Request};
pub use takeover::{Secret, TakeOver};

use std::sync::Arc;

use arc_swap::ArcSwap;
use avow_accounting::{Listener, Opening, Store};
use avow_proxy::ServerKeys;
use avow_terms::{
    permit::{Events, Facts, Form, NodePlace},
    rules::Rules,
    term::Promise,
};
use jiff::Timestamp;

use crate::{
    clock,
    config::Config,
    data_dir::DataDir,
    failure::Failure,
    meter::{self, Telling},
    relay_keys,
    standing::Standing,
    texts,
};

/// The store, the versions, and what is needed to change them.
pub struct Desk {
    store: Store,
    data: DataDir,
    standing: Arc<ArcSwap<Standing>>,
    relay_keys: Arc<ServerKeys>,
    place: NodePlace,
    host: String,
    port: u16,
    /// Who is told how far something long has got.
    telling: Telling,
    /// When the last sweep was, as it is written down.
    swept: Option<Timestamp>,
}

impl Desk {
    /// Opens the store of a data directory; a first opening makes it, with a policy on trial. Whoever listens is told how
    /// far a store of an older Avow has been brought to this one.
    ///
    /// # Errors
    /// If the store cannot be used, or the text for the trial has a problem.
    pub fn open(data: &DataDir, config: &Config, listener: Listener<'_>) -> Result<Self, Failure> {
        let path = data.store();
        let opening = Opening { listener, ..data.opening(&path)? };
        let mut store = Store::open_as(&opening).map_err(|error| Failure::could_not(&error))?;
        store.set_session_pause(config.books.session_pause());
        put_on_trial(&mut store, config)?;
        let standing = Arc::new(ArcSwap::from_pointee(Standing::load(&store)?));
        let relay_keys = Arc::new(relay_keys::load(data.keys())?);
        let (host, port) = reached(config);
        let (data, place, telling, swept) =
            (data.clone(), config.policy.place, meter::nobody(), seen::last_sweep(data));
        Ok(Self { store, data, standing, relay_keys, place, host, port, telling, swept })
    }

    /// From now on links lead where this configuration says.
    pub fn reached_by(&mut self, config: &Config) {
        (self.host, _) = reached(config);
    }

    /// Whoever is told, from now on, how far something long has got.
    pub fn tell(&mut self, telling: Telling) {
        self.telling = telling;
    }

    fn telling(&self) -> Telling {
        self.telling.clone()
    }

    /// The versions, for whoever only reads them.
    #[must_use]
    pub fn standing(&self) -> Arc<ArcSwap<Standing>> {
        self.standing.clone()
    }

    /// The keys that the relay proves itself with.
    #[must_use]
    pub fn relay_keys(&self) -> Arc<ServerKeys> {
        self.relay_keys.clone()
    }

    /// Does what a command asks, and tells this one how far it has got.
    ///
    /// # Errors
    /// As [`Desk::perform`].
    pub fn perform_telling(&mut self, request: Request, telling: Telling) -> Result<Done, Failure> {
        let before = std::mem::replace(&mut self.telling, telling);
        let done = self.perform(request);
        self.telling = before;
        done
    }

    /// Does what a command asks.
    ///
    /// # Errors
    /// Whatever stands against it; then nothing was changed.
    pub fn perform(&mut self, request: Request) -> Result<Done, Failure> {
        match request {
            Request::AddAccount { method } => self.add_account(&method),
            Request::ListAccounts => self.list_accounts(),
            Request::ShowAccount { account } => self.show_account(account),
            Request::LinkAccount { account } => self.link_account(account),
            Request::RotateAccount { account, device } => self.rotate_account(account, device),
            Request::AddDevice { account, method } => self.add_device(account, method.as_deref()),
            Request::RemoveDevice { account, device } => self.remove_device(account, device),
            Request::BlockAccount { account, blocked } => self.block_account(account, blocked),
            Request::ChangePlan { account, change } => self.change_plan(account, change),
            Request::RemoveAccount { account } => self.remove_account(account),
            Request::ExportSealed => self.export_sealed(),
            Request::ShowRelay | Request::Reload => {
                Err(Failure::could_not("no service runs here").help("start one with `avow up`"))
            }
            Request::Publish { name, text } => self.publish(&name, &text),
            Request::BackUp { file } => self.back_up(&file),
            Request::RotateKeys => self.rotate_keys(),
            Request::Notices { keep } => self.notices(keep.as_ref()),
            Request::Record { account, ask } => self.record(account, &ask),
            Request::TakeOver(asked) => self.take_over(&asked),
        }
    }

    /// That a service may run where this node stands: a policy that stores nothing abroad leaves a node there nothing to
    /// write, and counts would be dropped in silence.
    ///
    /// # Errors
    /// If the node stands abroad and the policy in force forbids to store anything there.
    pub fn may_stand_here(&self) -> Result<(), Failure> {
        let rules = self.rules(clock::now())?;
        let forbids = rules.policy().terms.iter().find(|term| match &term.promise {
            Promise::Measure { measure, .. } => measure.as_str() == "store-nothing-abroad",
            _ => false,
        });
        match forbids.filter(|_| self.place == NodePlace::Abroad) {
            None => Ok(()),
            Some(term) => Err(Failure::refused(format!(
                "this node stands abroad (`place = \"abroad\"`), and {} promises that nothing is stored there",
                term.clause
            ))
            .help("run the store in the home country of the policy, or set `place = \"home\"` if that is where it is")),
        }
    }

    /// The rules that hold now. A version under which something is recorded has been in force: it stays so, and no older
    /// one is asked, though the clock may have been set back behind its minute.
    fn rules(&self, now: Timestamp) -> Result<Arc<Rules>, Failure> {
        let standing = self.standing.load();
        let newest = standing.version(self.store.newest_version());
        let by_clock = standing.in_force(now);
        let later = newest.filter(|newest| by_clock.is_none_or(|rules| rules.version() < newest.version()));
        later.or(by_clock).cloned().ok_or_else(|| Failure::could_not("no policy is in force"))
    }

    /// What is known about a record that is written now.
    fn facts(&self, now: Timestamp, form: Form) -> Facts {
        Facts { now, recorded: now, events: Events::default(), place: self.place, form, consent: false }
    }
}

/// Gives a store that has no policy the text that its configuration names, or the one that is built in.
fn put_on_trial(store: &mut Store, config: &Config) -> Result<(), Failure> {
    let has_text = store.trial().map_err(Failure::could_not)?.is_some();
    let published = !store.revisions().map_err(Failure::could_not)?.is_empty();
    if has_text || published {
        return Ok(());
    }
    let source = match &config.policy.trial {
        Some(path) => texts::file(path)?,
        None => texts::trial_policy(),
    };
    let vocabulary = texts::vocabulary()?;
    let (policy, _) = texts::policy(source, &vocabulary)?;
    Rules::compile(policy.clone(), vocabulary.clone(), 0)?;
    store.set_trial(&policy.source.text, &vocabulary.source().text, clock::now()).map_err(Failure::could_not)
}

/// The host and the port that go into links.
fn reached(config: &Config) -> (String, u16) {
    let listen = config.relay.listen.first();
    (config.relay.public_host.clone().unwrap_or_else(|| listen.ip().to_string()), listen.port())
}
