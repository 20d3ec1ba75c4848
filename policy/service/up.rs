//! A running service: the relay in a process of its own, the policy page, the books, the sweeper, the control socket.

mod books;
mod borders;
mod handed;
mod plans;
mod reload;
mod rounds;
mod sealed;
mod sockets;
mod switchboard;
mod systemd;
mod welcome;

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use arc_swap::ArcSwap;
use avow_proxy::{AccountKeys, Page, ResolverFiles, SpawnRelay, Supervisor, Wall};
use avow_terms::account::AccountId;
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Mutex, Notify, watch},
    time,
};

use crate::{
    cli::Data,
    clock,
    config::{Config, Walls},
    data_dir::{DataDir, Lock},
    desk::{AccountView, Desk, Done, Request},
    exit::Exit,
    failure::Failure,
    http::{self, Health, Metrics, Site},
    keeper::Keeper,
    log::{self, Event},
    meter::Meter,
    runtime_dir::RuntimeDir,
    screen::Screen,
};
use books::{Books, RelaySums};
use handed::Handed;
use reload::Live;
pub use reload::Loader;
use sealed::Sealed;
use sockets::Sockets;
use switchboard::Switchboard;
use systemd::Systemd;

/// The method of the account that a first start opens.
const FIRST_METHOD: &str = "2022-blake3-aes-256-gcm";
/// How long a relay may take to serve before something is wrong.
const LONGEST_START: Duration = Duration::from_secs(60);
/// How often the last flush is tried when the store does not take it, and the pause between.
const LAST_TRIES: (u32, Duration) = (20, Duration::from_millis(250));

/// Starts everything and keeps it until told to stop.
///
/// # Errors
/// If it cannot start.
pub fn run(load: Loader, data: &Data, clock_is_right: bool, screen: Screen) -> Result<Exit, Failure> {
    let config = &load()?;
    screen.progress("avow: opening the store ...");
    let handed = Handed::take()?;
    let directory = DataDir::new(data, config);
    directory.create()?;
    let lock = directory.lock()?;
    let sockets = Sockets::open(config, handed)?;
    let telling = Meter::new(screen).telling();
    let mut desk = Desk::open(&directory, config, &*telling)?;
    desk.tell(telling);
    desk.may_stand_here()?;
    if config.desk.seal_to()?.is_some() {
        desk.may_seal_sessions()?;
    }
    if !clock_is_right {
        desk.may_know_the_time()?;
    }
    let new = if desk.cursor()?.is_none() { Some(first_account(&mut desk)?) } else { None };
    log::start(screen.colour);
    let memory = RuntimeDir::open(config.runtime.directory.as_deref(), &data.dir)?;
    let page = Arc::new(books::open_page(&mut desk, &memory, config.books.accounts)?);
    let systemd = Systemd::from_environment();
    let service = Service { config: config.clone(), directory, memory, page, screen, systemd };
    runtime()?.block_on(service.run(load, desk, lock, sockets, new))
}

fn runtime() -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::could_not(format!("cannot start the runtime: {error}")))
}

/// The account that a first start opens, or that one which came no further had opened.
fn first_account(desk: &mut Desk) -> Result<AccountView, Failure> {
    let open = match desk.keys_of_accounts()?.first() {
        Some(&(account, _)) => Request::LinkAccount { account },
        None => Request::AddAccount { method: FIRST_METHOD.into() },
    };
    let Done::Account(linked) = desk.perform(open)? else {
        return Err(Failure::could_not("no account was opened"));
    };
    let Done::Account(shown) = desk.perform(Request::ShowAccount { account: linked.account })? else {
        return Err(Failure::could_not("the account cannot be shown"));
    };
    Ok(AccountView { links: linked.links, ..shown })
}

/// What a running service is made from.
struct Service {
    config: Config,
    directory: DataDir,
    memory: RuntimeDir,
    page: Arc<Page>,
    screen: Screen,
    systemd: Systemd,
}

/// Everything that runs, to be stopped in order.
struct Running {
    keeping: JoinHandle<()>,
    relay: Arc<Supervisor>,
    live: Arc<Live>,
    keeper: Keeper,
    books: Arc<Books>,
    sealed: Arc<Sealed>,
    /// Tells the pages and the control socket.
    stop_asking: watch::Sender<bool>,
    pages: Task,
    /// What works for the relay and the store: stopped when the relay has ended, in no order.
    others: Vec<Task>,
    control: Task,
}

type Task = tokio::task::JoinHandle<()>;

impl Service {
    async fn run(
        self,
        load: Loader,
        desk: Desk,
        lock: Lock,
        sockets: Sockets,
        new: Option<AccountView>,
    ) -> Result<Exit, Failure> {
        let mut signals = Signals::listen()?;
        let (standing, kept) = (desk.standing(), desk.kept(clock::now())?);
        let accounts = desk.keys_of_accounts()?;
        let open = accounts.len();
        let running = self.start(load, desk, accounts, &lock, sockets).await?;
        let walls = running.relay.walls().unwrap_or_default();
        let start = welcome::Start { accounts: open, new: new.as_ref(), kept: &kept, walls: &walls };
        self.screen.say(welcome::welcome(&self.config, &standing.load(), &self.memory, &start)?);
        Event::Ready.tell();
        self.systemd.ready();
        tokio::select! {
            () = self.reload_when_hung_up(&running.live, &mut signals.hangup) => {}
            () = self.systemd.live(&running.keeper) => {}
            () = signals.stop.wait() => {}
        }
        self.systemd.stopping();
        Event::Draining.tell();
        self.stop(running).await?;
        Event::Stopped.tell();
        Ok(Exit::Done)
    }

    /// Reads the configuration again whenever the service is hung up on. A bad one is told, and changes nothing.
    async fn reload_when_hung_up(&self, live: &Live, hangup: &mut Signal) {
        while hangup.recv().await.is_some() {
            self.systemd.reloading();
            match live.reload().await {
                Ok(_) => Event::Reloaded.tell(),
                Err(failure) => {
                    Event::NotReloaded.tell();
                    self.screen.complain(&failure.render(self.screen.colour_of_errors()));
                }
            }
            self.systemd.ready();
        }
    }

    async fn start(
        &self,
        load: Loader,
        desk: Desk,
        accounts: Vec<(AccountId, AccountKeys)>,
        lock: &Lock,
        sockets: Sockets,
    ) -> Result<Running, Failure> {
        let standing = desk.standing();
        let (keeper, keeping) = Keeper::start(desk)?;
        let Sockets { tcp, udp, web } = sockets;
        let resolver = ResolverFiles::look();
        let relay = Arc::new(self.start_relay(tcp, udp, lock)?);
        let live = Arc::new(Live {
            load,
            now: ArcSwap::from_pointee(self.config.clone()),
            relay: relay.clone(),
            keeper: keeper.clone(),
            web: web.local_addr().map_err(Failure::could_not)?,
            turn: Mutex::default(),
        });
        let news = Arc::new(Notify::new());
        let board = Arc::new(Switchboard {
            keeper: keeper.clone(),
            relay: relay.clone(),
            page: self.page.clone(),
            news: news.clone(),
            live: live.clone(),
            plans_changed: Notify::new(),
            admitted: Mutex::default(),
            turned_away: std::sync::Mutex::default(),
        });
        let health = Arc::new(Health::default());
        let order = self.config.desk.seal_to()?;
        let sealed = Arc::new(Sealed::new(keeper.clone(), relay.clone(), order, health.clone()));
        self.tell_relay(&live, &board, accounts, &sealed).await?;

        let sums = Arc::new(RelaySums { page: self.page.clone(), relay: relay.clone() });
        let metrics = Metrics::new(health.clone(), sums.clone());
        let place = self.config.policy.place;
        let borders = borders::mark(self.page.clone(), standing.clone());
        let site = Arc::new(Site { standing, health: health.clone(), relay: sums, metrics, place });
        let books = Arc::new(Books::new(self.page.clone(), keeper.clone(), health.clone(), news));
        let (stop_asking, stop) = watch::channel(false);
        Ok(Running {
            keeping,
            pages: tokio::spawn(http::serve(web, site, stop.clone())),
            control: tokio::spawn(board.clone().serve(switchboard::listen(&self.directory)?, stop)),
            others: vec![
                tokio::spawn(rounds::flush(books.clone(), sealed.clone(), self.config.books.flush_seconds.duration())),
                tokio::spawn(plans::apply(board.clone(), self.config.books.sweep_seconds.duration())),
                tokio::spawn(rounds::sweep(
                    books.clone(),
                    board,
                    sealed.clone(),
                    self.config.books.sweep_seconds.duration(),
                )),
                tokio::spawn(borders),
                tokio::spawn(rounds::watch_clock(health)),
                tokio::spawn(rounds::watch_relay(relay.clone())),
                tokio::spawn(rounds::watch_resolver(relay.clone(), resolver)),
            ],
            relay,
            live,
            keeper,
            books,
            sealed,
            stop_asking,
        })
    }

    async fn tell_relay(
        &self,
        live: &Live,
        board: &Switchboard,
        accounts: Vec<(AccountId, AccountKeys)>,
        sealed: &Sealed,
    ) -> Result<(), Failure> {
        self.screen.progress("avow: starting the relay ...");
        let told = async {
            live.relay.ready().await.map_err(Failure::could_not)?;
            self.may_serve(&live.relay)?;
            board.admit_all(accounts).await?;
            sealed.order().await?;
            live.tell_relay(&self.config).await
        };
        time::timeout(LONGEST_START, told).await.map_err(|_| Failure::could_not("the relay did not start"))?
    }

    /// That the walls around the relay stand, as far as the configuration requires.
    fn may_serve(&self, relay: &Supervisor) -> Result<(), Failure> {
        let missing: Vec<&str> = relay.walls().unwrap_or_default().missing().map(Wall::name).collect();
        missing.iter().for_each(|wall| Event::WallMissing { wall }.tell());
        if missing.is_empty() || self.config.relay.walls == Walls::BestEffort {
            return Ok(());
        }
        Err(Failure::refused(format!("the walls around the relay are not complete here: no {}", missing.join(", no ")))
            .help("`avow walls` says what this kernel lacks; `walls = \"best-effort\"` under `[relay]` serves without"))
    }

    /// Nothing new is taken, open streams may end, and what they moved is stored before the store is closed.
    async fn stop(&self, running: Running) -> Result<(), Failure> {
        let Running { keeping, relay, live, keeper, books, sealed, stop_asking, pages, others, control } = running;
        stop_asking.send_replace(true);
        let _ = control.await;
        let _ = std::fs::remove_file(self.directory.control_socket());
        relay.drain(live.now.load().relay.drain_seconds.duration()).await.map_err(Failure::could_not)?;
        for task in others {
            task.abort();
            let _ = task.await;
        }
        let _ = pages.await;
        self.last_flush(&books).await?;
        // What the relay sealed last. A store that takes the counts takes these.
        sealed.store().await?;
        drop((books, sealed, live, keeper));
        // The keeper ends, and closes the store, when nobody can ask it any more. A request that is being answered right
        // now is waited for, a moment.
        let _ = time::timeout(LONGEST_START, tokio::task::spawn_blocking(move || keeping.join())).await;
        self.memory.remove_page();
        Ok(())
    }

    fn start_relay(
        &self,
        tcp: Vec<std::net::TcpListener>,
        udp: Vec<std::net::UdpSocket>,
        lock: &Lock,
    ) -> Result<Supervisor, Failure> {
        let failed = |error: std::io::Error| Failure::could_not(format!("cannot start the relay: {error}"));
        // The program as it was started, even if the file at its path has been replaced since.
        let spawn = SpawnRelay { program: "/proc/self/exe".into(), arguments: vec!["relay".into()] };
        let lock = lock.file.try_clone().map_err(failed)?.into();
        let replays = self.memory.replays()?;
        Supervisor::start(spawn, tcp, udp, &self.page, &replays, Some(lock)).map_err(failed)
    }

    /// Everything is counted now; it is stored before the service ends. If the store does not take it, the page stays
    /// where it is and the next start stores it.
    async fn last_flush(&self, books: &Books) -> Result<(), Failure> {
        let (tries, pause) = LAST_TRIES;
        for _ in 1..tries {
            if books.flush().await.is_ok() {
                return Ok(());
            }
            time::sleep(pause).await;
        }
        books.flush().await.map_err(|failure| {
            failure.help("the counts are kept in memory and are stored at the next start, if the machine stays up")
        })
    }
}

/// What the service is told from outside.
struct Signals {
    stop: Stop,
    hangup: Signal,
}

/// Being told to stop.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::could_not(format!("cannot listen for signals: {error}")));
        let (interrupt, terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        Ok(Self { stop: Stop { interrupt, terminate }, hangup: listen(SignalKind::hangup())? })
    }
}

impl Stop {
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}
