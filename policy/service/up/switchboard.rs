//! The service's side of the control socket: requests go to the desk, and what they change goes to the relay.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, sync::Arc};

use avow_proxy::{AccountKeys, Page, Supervisor};
use avow_terms::account::AccountId;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Mutex, Notify},
};

use crate::{
    control::{self, Answered, Asked, LONGEST},
    data_dir::DataDir,
    desk::{Done, Request},
    failure::Failure,
    keeper::Keeper,
};

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
    /// The accounts that the relay serves. Held while a request is done at the desk and in the relay: one at a time.
    pub(super) admitted: Mutex<BTreeSet<AccountId>>,
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
    /// Answers requests, one line each.
    pub(super) async fn serve(self: Arc<Self>, listener: UnixListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let board = self.clone();
            tokio::spawn(async move { board.answer(stream).await });
        }
    }

    async fn answer(&self, stream: UnixStream) {
        let (read, mut write) = stream.into_split();
        let mut line = String::new();
        if BufReader::new(read.take(LONGEST)).read_line(&mut line).await.is_err() {
            return;
        }
        let answered = Answered::from(match serde_json::from_str::<Asked>(&line) {
            Ok(asked) if asked.avow == control::VERSION => self.perform(asked.request).await,
            _ => Err(Failure::could_not("the running service does not know this request")
                .help("restart the service, or use the command that it was started with")),
        });
        if let Ok(mut text) = serde_json::to_vec(&answered) {
            text.push(b'\n');
            let _ = write.write_all(&text).await;
        }
    }

    async fn perform(&self, request: Request) -> Result<Done, Failure> {
        let mut admitted = self.admitted.lock().await;
        match request {
            Request::RemoveAccount { account } => self.remove(account, &mut admitted).await,
            Request::AddAccount { .. } => {
                let done = self.at_desk(request).await?;
                if let Done::Account(view) = &done {
                    self.admit(view.account, &mut admitted).await?;
                }
                Ok(done)
            }
            Request::RotateAccount { account } => {
                let done = self.at_desk(request).await?;
                // Streams under the old keys end: whoever rotates a key wants that.
                self.relay.remove(account).await.map_err(Failure::could_not)?;
                self.admit(account, &mut admitted).await?;
                Ok(done)
            }
            Request::Publish { .. } => {
                let done = self.at_desk(request).await?;
                self.news.notify_one();
                Ok(done)
            }
            _ => self.at_desk(request).await,
        }
    }

    async fn at_desk(&self, request: Request) -> Result<Done, Failure> {
        self.keeper.at_desk(move |desk| desk.perform(request)).await.flatten()
    }

    /// Tells the relay every account, at the start.
    ///
    /// # Errors
    /// If there are more accounts than the counter page holds.
    pub(super) async fn admit_all(&self, accounts: Vec<(AccountId, AccountKeys)>) -> Result<(), Failure> {
        let mut admitted = self.admitted.lock().await;
        for (account, keys) in accounts {
            self.put(account, keys).await?;
            admitted.insert(account);
        }
        Ok(())
    }

    /// Has the relay let go of accounts that a sweep erased.
    ///
    /// # Errors
    /// If the store cannot be read, or the relay has ended.
    pub(super) async fn let_go_of_the_erased(&self) -> Result<(), Failure> {
        let mut admitted = self.admitted.lock().await;
        let stored = self.keeper.at_desk(|desk| desk.keys_of_accounts()).await.flatten()?;
        let stored: BTreeSet<AccountId> = stored.into_iter().map(|(account, _)| account).collect();
        for account in admitted.extract_if(.., |account| !stored.contains(account)) {
            self.relay.remove(account).await.map_err(Failure::could_not)?;
            self.page.forget(account);
        }
        Ok(())
    }

    /// Tells the relay an account as the store has it.
    async fn admit(&self, account: AccountId, admitted: &mut BTreeSet<AccountId>) -> Result<(), Failure> {
        let keys = self.keeper.at_desk(move |desk| desk.keys_of(account)).await.flatten()?;
        self.put(account, keys).await?;
        admitted.insert(account);
        Ok(())
    }

    async fn put(&self, account: AccountId, keys: AccountKeys) -> Result<(), Failure> {
        let slot = self.page.slot_for(account).map_err(|_| {
            Failure::could_not("the counter page is full: the account is stored, and is let in at the next start")
                .help("restart the service; `accounts` under `[books]` sets the size of the page")
        })?;
        self.relay.put(account, slot, keys).await.map_err(Failure::could_not)
    }

    /// The relay lets go of an account before the store forgets it, so that nothing is counted for nobody.
    async fn remove(&self, account: AccountId, admitted: &mut BTreeSet<AccountId>) -> Result<Done, Failure> {
        self.at_desk(Request::LinkAccount { account }).await?;
        self.relay.remove(account).await.map_err(Failure::could_not)?;
        admitted.remove(&account);
        let removed = self.at_desk(Request::RemoveAccount { account }).await;
        match removed {
            Ok(_) => self.page.forget(account),
            Err(_) => self.admit(account, admitted).await?,
        }
        removed
    }
}
