//! The service's side of the control socket: requests go to the desk, and what they change goes to the relay.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    pin::pin,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use avow_accounting::Progress;
use avow_proxy::{AccountKeys, Admission, Page, Slot, Supervisor};
use avow_terms::account::AccountId;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream, unix::OwnedWriteHalf},
    sync::{Mutex, Notify, mpsc, watch},
    task::JoinSet,
    time,
};

use super::{
    plans::{Ceiling, Ceilings},
    reload::Live,
};
use crate::{
    control::{self, Answered, Asked, LONGEST, Step, Told},
    data_dir::DataDir,
    desk::{Ask, Desk, Done, RelayView, Request},
    failure::Failure,
    keeper::Keeper,
    meter::{self, Telling},
};

/// How long requests that were asked may take after the service was told to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// What requests reach.
pub(super) struct Switchboard {
    /// The desk.
    pub(super) keeper: Keeper,
    /// The relay.
    pub(super) relay: Arc<Supervisor>,
    /// The counters.
    pub(super) page: Arc<Page>,
    /// Told when a version was published, so that the sweeper looks at its minute.
    pub(super) news: Arc<Notify>,
    /// The configuration.
    pub(super) live: Arc<Live>,
    /// Told when a plan was changed.
    pub(super) plans_changed: Notify,
    /// The accounts that the relay serves, each with the count it stops at. Held while a request is done at the desk and in the relay: one at a time.
    pub(super) admitted: Mutex<BTreeMap<AccountId, Option<u64>>>,
    /// The accounts that exist and are not let in: blocked, or their plan has ended.
    pub(super) turned_away: std::sync::Mutex<BTreeSet<AccountId>>,
}

/// Opens the control socket, for the owner of the data directory only.
///
/// # Errors
/// If it cannot be opened.
pub(super) fn listen(directory: &DataDir) -> Result<UnixListener, Failure> {
    let path = directory.control_socket();
    let open = || {
        // The lock on the directory is held: a socket that is there was left by a service that is gone.
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(control::short(&path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    open().map_err(|error| {
        Failure::file("open the control socket", &path, &error)
            .help("the path of a socket is at most 107 bytes long: name a shorter data directory with `--data DIR`")
    })
}

impl Switchboard {
    /// Answers requests, one line each, until `stop` says so. What was asked by then is answered; whoever has not asked
    /// is not waited for.
    pub(super) async fn serve(self: Arc<Self>, listener: UnixListener, mut stop: watch::Receiver<bool>) {
        let mut open = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = open.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Ok((stream, _)) = accepted else {
                // Out of descriptors: wait for some to come back rather than spin.
                time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (board, stop) = (self.clone(), stop.clone());
            open.spawn(async move { board.answer(stream, stop).await });
        }
        let _ = time::timeout(STOP_TIMEOUT, open.join_all()).await;
    }

    async fn answer(&self, stream: UnixStream, mut stop: watch::Receiver<bool>) {
        let (read, mut write) = stream.into_split();
        let (mut read, mut line) = (BufReader::new(read.take(LONGEST)), String::new());
        let asked = tokio::select! {
            asked = read.read_line(&mut line) => asked,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        if asked.is_err() {
            return;
        }
        let answered = Answered::from(match serde_json::from_str::<Asked>(&line) {
            Ok(Asked { avow: control::VERSION, progress: false, request }) => {
                self.perform(request, meter::nobody()).await
            }
            Ok(Asked { avow: control::VERSION, progress: true, request }) => {
                let (tell, told) = mpsc::unbounded_channel();
                let telling: Telling = Arc::new(move |progress| {
                    let _ = tell.send(progress);
                });
                tell_until(self.perform(request, telling), told, &mut write).await
            }
            _ => Err(Failure::could_not("the running service does not know this request")
                .help("restart the service, or use the command that it was started with")),
        });
        if let Ok(mut text) = serde_json::to_vec(&answered) {
            text.push(b'\n');
            let _ = write.write_all(&text).await;
        }
    }

    async fn perform(&self, request: Request, telling: Telling) -> Result<Done, Failure> {
        match request {
            Request::ShowRelay => return self.show_relay(),
            Request::Reload => return self.live.reload().await,
            Request::BackUp { .. } => {
                let done = self.at_desk_telling(request, telling).await;
                // What was due was erased before, accounts too if the policy sets them a date.
                if let Ok(Done::BackedUp { accounts_erased_before: 1.., .. }) = done {
                    self.let_go_of_the_erased().await?;
                }
                return done;
            }
            _ => {}
        }
        let mut admitted = self.admitted.lock().await;
        match request {
            Request::RemoveAccount { account } => self.remove(account, &mut admitted, telling).await,
            Request::AddAccount { .. } => {
                let done = self.at_desk(request).await?;
                if let Done::Account(view) = &done {
                    self.admit(view.account, &mut admitted).await?;
                }
                Ok(done)
            }
            Request::RotateAccount { account, .. }
            | Request::AddDevice { account, .. }
            | Request::RemoveDevice { account, .. } => {
                let done = self.at_desk(request).await;
                // Whatever came of it: new keys may be stored although the old ones could not be wiped. Streams under
                // keys that the store no longer has end.
                if admitted.contains_key(&account) {
                    self.admit(account, &mut admitted).await?;
                }
                done
            }
            Request::ChangePlan { account, .. }
            | Request::BlockAccount { account, .. }
            | Request::Record { account, ask: Ask::Case { .. } } => {
                let done = self.at_desk(request).await;
                // Whatever came of it: a plan or a block may be stored although the one before could not be wiped.
                self.apply_plan_of(account, &mut admitted).await?;
                done
            }
            Request::TakeOver(_) => {
                let done = self.at_desk(request).await?;
                if let Done::TakenOver { accounts, replaced } = &done {
                    if !replaced.is_empty() {
                        self.live.tell_relay(&self.live.now.load_full()).await?;
                    }
                    self.admit_new(accounts.clone(), &mut admitted).await?;
                    self.plans_changed.notify_one();
                }
                Ok(done)
            }
            Request::Publish { .. } => {
                let done = self.at_desk(request).await?;
                self.news.notify_one();
                Ok(done)
            }
            _ => self.at_desk_telling(request, telling).await,
        }
    }

    fn show_relay(&self) -> Result<Done, Failure> {
        match (self.relay.pid(), self.relay.walls()) {
            (Some(pid), Some(walls)) => Ok(Done::Relay(RelayView { pid, walls })),
            _ => Err(Failure::could_not("no relay runs at this moment").help("try again; it is started again at once")),
        }
    }

    async fn at_desk(&self, request: Request) -> Result<Done, Failure> {
        self.at_desk_telling(request, meter::nobody()).await
    }

    async fn at_desk_telling(&self, request: Request, telling: Telling) -> Result<Done, Failure> {
        self.keeper.at_desk(move |desk| desk.perform_telling(request, telling)).await.flatten()
    }

    /// Tells the relay every account, at the start.
    ///
    /// # Errors
    /// If there are more accounts than the counter page holds.
    pub(super) async fn admit_all(&self, accounts: Vec<(AccountId, AccountKeys)>) -> Result<(), Failure> {
        let mut admitted = self.admitted.lock().await;
        let ceilings = self.ceilings(None).await?;
        self.put(accounts, &ceilings, &mut admitted).await
    }

    /// Has the relay let go of accounts that a sweep erased.
    ///
    /// # Errors
    /// If the store cannot be read, or the relay has ended.
    pub(super) async fn let_go_of_the_erased(&self) -> Result<(), Failure> {
        let mut admitted = self.admitted.lock().await;
        let stored = self.keeper.at_desk(|desk| desk.keys_of_accounts()).await.flatten()?;
        let stored: BTreeSet<AccountId> = stored.into_iter().map(|(account, _)| account).collect();
        // Whoever has a slot, not only who is let in: an account whose plan had ended has one too.
        let erased = self.page.accounts().into_iter().filter(|account| !stored.contains(account));
        for account in erased {
            if admitted.remove(&account).is_some() {
                self.relay.remove(account).await.map_err(Failure::could_not)?;
            }
            self.page.forget(account);
        }
        Ok(())
    }

    /// The accounts that exist and are not let in.
    pub(super) fn turned_away(&self) -> MutexGuard<'_, BTreeSet<AccountId>> {
        self.turned_away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the relay accounts as the store has them, in one step. Those that are blocked or whose plan has ended are left
    /// out.
    pub(super) async fn admit_new(
        &self,
        accounts: Vec<AccountId>,
        admitted: &mut BTreeMap<AccountId, Option<u64>>,
    ) -> Result<(), Failure> {
        let only = match accounts.as_slice() {
            [account] => Some(*account),
            _ => None,
        };
        let keys = move |desk: &mut Desk| {
            let keys = accounts.into_iter().map(|account| Ok((account, desk.keys_of(account)?)));
            keys.collect::<Result<Vec<_>, Failure>>()
        };
        let keys = self.keeper.at_desk(keys).await.flatten()?;
        let ceilings = self.ceilings(only).await?;
        self.put(keys, &ceilings, admitted).await
    }

    /// Tells the relay an account as the store has it.
    async fn admit(&self, account: AccountId, admitted: &mut BTreeMap<AccountId, Option<u64>>) -> Result<(), Failure> {
        self.admit_new(vec![account], admitted).await
    }

    async fn put(
        &self,
        accounts: Vec<(AccountId, AccountKeys)>,
        ceilings: &Ceilings,
        admitted: &mut BTreeMap<AccountId, Option<u64>>,
    ) -> Result<(), Failure> {
        let mut admissions = Vec::with_capacity(accounts.len());
        for (account, keys) in accounts {
            let stop_at = match ceilings.accounts.get(&account) {
                Some(Ceiling::NotLetIn) => {
                    self.turned_away().insert(account);
                    continue;
                }
                Some(Ceiling::At(at)) => *at,
                None => None,
            };
            self.turned_away().remove(&account);
            admissions.push(Admission { account, slot: self.slot(account)?, keys, stop_at });
        }
        let put: Vec<_> = admissions.iter().map(|admission| (admission.account, admission.stop_at)).collect();
        self.relay.put(admissions).await.map_err(Failure::could_not)?;
        admitted.extend(put);
        Ok(())
    }

    fn slot(&self, account: AccountId) -> Result<Slot, Failure> {
        self.page.slot_for(account).map_err(|_| {
            Failure::could_not("the counter page is full: the account is stored, and is let in at the next start")
                .help("restart the service; `accounts` under `[books]` sets the size of the page")
        })
    }

    /// The relay lets go of an account before the store forgets it, so that nothing is counted for nobody.
    async fn remove(
        &self,
        account: AccountId,
        admitted: &mut BTreeMap<AccountId, Option<u64>>,
        telling: Telling,
    ) -> Result<Done, Failure> {
        self.at_desk(Request::LinkAccount { account }).await?;
        self.relay.remove(account).await.map_err(Failure::could_not)?;
        admitted.remove(&account);
        self.turned_away().remove(&account);
        let removed = self.at_desk_telling(Request::RemoveAccount { account }, telling).await;
        // An account may be gone although it could not be wiped: then there is nothing to let in again.
        if removed.is_ok() || self.admit(account, admitted).await.is_err() {
            self.page.forget(account);
        }
        removed
    }
}

/// Says how far something has got until it is done.
async fn tell_until(
    doing: impl Future<Output = Result<Done, Failure>>,
    mut told: mpsc::UnboundedReceiver<Progress>,
    write: &mut OwnedWriteHalf,
) -> Result<Done, Failure> {
    let mut doing = pin!(doing);
    loop {
        let Progress { doing, done, of } = tokio::select! {
            done = &mut doing => return done,
            Some(progress) = told.recv() => progress,
        };
        let told = Told { avow: control::VERSION, progress: Step { doing: doing.into(), done, of } };
        if let Ok(mut text) = serde_json::to_vec(&told) {
            text.push(b'\n');
            // Whoever went away is not told, and what was asked is done all the same.
            let _ = write.write_all(&text).await;
        }
    }
}
