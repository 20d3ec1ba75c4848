//! kill -9 at random moments under load: what is stored in the end is never more than what passed, and at most one chunk
//! of 16 KiB per open stream less; after a power cut, which takes the counter page as well, at most one flush less.

mod dice;
mod load;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use tokio::io::AsyncReadExt;

use crate::{
    clients::InProcess,
    tunnel::block_on,
    world::{PATIENCE, Service, World, signal},
};
pub(crate) use dice::{Dice, seed};
use load::{Load, STREAMS};

/// What may be between a socket and the counter, per stream.
const CHUNK: u64 = 16 * 1024;
/// How often the service under test stores counts.
const FLUSH: Duration = Duration::from_secs(1);
/// The methods of the two accounts of each service.
const METHODS: [&str; 2] = ["2022-blake3-aes-256-gcm", "chacha20-ietf-poly1305"];

/// Kills of each kind in CI, and in the long run.
const KILLS: usize = 68;
const MANY_KILLS: usize = 340;
/// Power cuts in CI, and in the long run.
const CUTS: usize = 6;
const MANY_CUTS: usize = 30;

#[test]
fn a_killed_relay_loses_at_most_a_chunk_of_each_stream() {
    in_lanes(Victim::Relay, KILLS);
}

#[test]
fn a_killed_service_loses_at_most_a_chunk_of_each_stream() {
    in_lanes(Victim::Service, KILLS);
}

#[test]
fn both_killed_lose_at_most_a_chunk_of_each_stream() {
    in_lanes(Victim::Both, KILLS);
}

#[test]
fn a_power_cut_loses_at_most_one_flush() {
    in_lanes(Victim::Machine, CUTS);
}

#[test]
#[ignore = "takes minutes: `just long`"]
fn a_thousand_kills_lose_at_most_a_chunk_of_each_stream() {
    for victim in [Victim::Relay, Victim::Service, Victim::Both] {
        in_lanes(victim, MANY_KILLS);
    }
    in_lanes(Victim::Machine, MANY_CUTS);
}

#[test]
fn a_service_that_is_told_to_stop_loses_nothing() {
    let world = World::new();
    world.configure("[books]\nflush_seconds = 3600\n");
    let service = world.up();
    let account = world.first_account();
    let target = crate::target::Echo::tcp();
    let client = InProcess::new(&world.link(account));
    block_on(async {
        use tokio::io::AsyncWriteExt;
        let mut stream = client.connect(target.address).await;
        for piece in crate::tunnel::pattern(100_000).chunks(10_000) {
            stream.write_all(piece).await.unwrap();
        }
        let mut received = vec![0; 100_000];
        stream.read_exact(&mut received).await.unwrap();
    });
    assert_eq!(service.stop(), 0);
    assert_eq!(world.stored(account), target.seen());
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Relay,
    Service,
    Both,
    /// Both, and the counter page is lost.
    Machine,
}

/// Kills so many times, in two services side by side: most of a round is waiting.
fn in_lanes(victim: Victim, kills: usize) {
    let seed = seed();
    eprintln!("repeat with AVOW_SEED={seed}");
    thread::scope(|lanes| {
        for lane in 0..2 {
            let mut dice = Dice::new(seed.wrapping_add(lane));
            lanes.spawn(move || Lane::new().kill_often(victim, kills / 2, &mut dice));
        }
    });
    eprintln!("{victim:?}: killed {kills} times");
}

/// One service that is killed again and again.
struct Lane {
    world: World,
    service: Option<Service>,
    accounts: Vec<Account>,
    /// What the store held when the counters of the service began: the page counts from there.
    began_at: u64,
}

struct Account {
    number: u64,
    load: Load,
    /// What was stored, and what had passed, when all was last quiet.
    stored: u64,
    passed: u64,
}

impl Lane {
    fn new() -> Self {
        let world = World::new();
        let service = world.up();
        let numbers = METHODS.map(|method| world.add_account(method));
        let account = |number| Account { number, load: Load::new(&world.link(number)), stored: 0, passed: 0 };
        let accounts = numbers.map(account).into();
        Self { world, service: Some(service), accounts, began_at: 0 }
    }

    fn kill_often(&mut self, victim: Victim, kills: usize, dice: &mut Dice) {
        let mut killed = 0;
        while killed < kills {
            killed += match victim {
                Victim::Relay => self.kill_relay(dice, killed),
                Victim::Service | Victim::Both => self.kill_service(victim, dice),
                Victim::Machine => self.cut_power(dice),
            };
            if killed % 16 == 0 {
                self.audit();
            }
        }
        assert!(self.accounts.iter().all(|account| account.stored > CHUNK), "little passed: the test shows nothing");
        assert_eq!(self.service.take().unwrap().stop(), 0);
        self.audit();
    }

    /// A relay that dies young is started again later and later, so now and then the service is started anew.
    fn kill_relay(&mut self, dice: &mut Dice, killed: usize) -> usize {
        self.start_load();
        thread::sleep(dice.moment(120));
        signal(self.service().relay_pid(), "KILL");
        self.stop_load();
        self.all_is_stored();
        self.check(STREAMS * CHUNK);
        if killed % 4 == 3 {
            assert_eq!(self.service.take().unwrap().stop(), 0);
            self.restart();
            self.check(0);
        }
        1
    }

    fn kill_service(&mut self, victim: Victim, dice: &mut Dice) -> usize {
        self.start_load();
        thread::sleep(dice.moment(120));
        self.kill(victim);
        self.stop_load();
        let mut kills = 1;
        if dice.coin() {
            self.kill_at_the_start(dice);
            kills += 1;
        }
        let old = (dice.one_in(6)).then(|| fs::read(self.page()).unwrap());
        self.restart();
        self.check(STREAMS * CHUNK);
        if let Some(old) = old {
            self.kill(Victim::Both);
            fs::write(self.page(), old).unwrap();
            self.restart();
            // The batches that the old page holds are in the store already.
            self.check(0);
            kills += 1;
        }
        kills
    }

    /// Kills a service that has just begun to start, perhaps while it stores what the one before it counted.
    fn kill_at_the_start(&self, dice: &mut Dice) {
        let mut command = self.world.command(&["up"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(dice.moment(400));
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Cuts the power at a random moment after two flushes under load.
    fn cut_power(&mut self, dice: &mut Dice) -> usize {
        self.start_load();
        let (began, first) = (Instant::now(), self.cursor().1);
        let (mut until, mut seen) = (None, Vec::new());
        while until.is_none_or(|until| Instant::now() < until) {
            let (_, batch) = self.cursor();
            seen.push((Instant::now(), batch, self.accounts.iter().map(|account| account.load.passed()).collect()));
            if until.is_none() && batch >= first + 2 {
                until = Some(Instant::now() + dice.moment(1000));
            }
            assert!(began.elapsed() < PATIENCE, "no flush comes");
            thread::sleep(Duration::from_millis(10));
        }
        self.kill(Victim::Both);
        let (_, last) = self.cursor();
        self.stop_load();
        fs::remove_file(self.page()).unwrap();
        // What had passed one interval before the last commit was in it, or in one before it.
        let commit = seen.iter().rfind(|(_, batch, _)| *batch < last).map(|(at, ..)| *at);
        let counted: Option<&(Instant, u64, Vec<u64>)> =
            commit.and_then(|commit| seen.iter().rfind(|(at, ..)| *at + FLUSH <= commit));
        let had_passed =
            counted.map_or_else(|| self.accounts.iter().map(|a| a.passed).collect(), |seen| seen.2.clone());
        self.restart();
        for (account, had_passed) in self.accounts.iter_mut().zip(had_passed) {
            let may_lack = account.load.passed() - had_passed;
            account.check(stored(&self.world, account.number), may_lack + STREAMS * CHUNK);
        }
        1
    }

    fn start_load(&self) {
        self.accounts.iter().for_each(|account| account.load.start());
    }

    fn stop_load(&self) {
        self.accounts.iter().for_each(|account| account.load.stop());
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    fn kill(&mut self, victim: Victim) {
        let service = self.service.take().unwrap();
        let relay = service.relay_pid();
        signal(service.pid(), "KILL");
        if victim == Victim::Both {
            // The relay dies with its service; this may come too late, and need not come at all.
            let _ = Command::new("kill").args(["-KILL", &relay.to_string()]).stderr(Stdio::null()).status();
        }
    }

    fn restart(&mut self) {
        self.service = Some(self.world.up());
        self.began_at = self.accounts.iter().map(|account| stored(&self.world, account.number)).sum();
    }

    /// Waits until the store holds what the page counts. Nothing moves meanwhile.
    fn all_is_stored(&self) {
        let end = Instant::now() + PATIENCE;
        let stored = || self.accounts.iter().map(|account| stored(&self.world, account.number)).sum::<u64>();
        while stored() != self.began_at + self.counted() {
            assert!(Instant::now() < end, "{} stored, {} counted", stored(), self.began_at + self.counted());
            thread::sleep(Duration::from_millis(25));
        }
    }

    /// What the page of this service counts, of all accounts.
    fn counted(&self) -> u64 {
        let metrics = self.world.get("/metrics").1;
        let line = metrics.lines().find_map(|line| line.strip_prefix("avow_relay_bytes_total "));
        line.unwrap().parse().unwrap()
    }

    /// Compares what is stored with what passed since the last check, and the store with itself.
    fn check(&mut self, may_lack: u64) {
        for account in &mut self.accounts {
            account.check(stored(&self.world, account.number), may_lack);
        }
        let sound: String = open(&self.world).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }

    /// The last batch in the store.
    fn cursor(&self) -> (u64, u64) {
        let row = "SELECT epoch, seq FROM node WHERE node = 1";
        open(&self.world).query_row(row, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    fn page(&self) -> PathBuf {
        let mut runtime = fs::read_dir(self.world.directory.path().join("runtime")).unwrap();
        let counters = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("counters-");
        runtime.by_ref().map(|entry| entry.unwrap().path()).find(counters).unwrap()
    }

    fn audit(&self) {
        let ran = self.world.run(&["audit"]);
        assert_eq!(ran.code, 0, "{}", ran.out);
    }
}

impl Account {
    #[track_caller]
    fn check(&mut self, stored: u64, may_lack: u64) {
        let (before, passed) = (self.stored, self.load.passed() - self.passed);
        assert!(stored <= before + passed, "{} stored too much", stored - before - passed);
        assert!(stored + may_lack >= before + passed, "{} stored too little", before + passed - stored);
        (self.stored, self.passed) = (stored, self.load.passed());
    }
}

fn open(world: &World) -> Connection {
    Connection::open_with_flags(world.data().join("avow.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// What is stored for an account, in all months.
fn stored(world: &World, account: u64) -> u64 {
    let store = open(world);
    let view = store.unchecked_transaction().unwrap();
    let mut tables = view.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'month_total_%'").unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let sum = |table| {
        let sql = format!("SELECT coalesce(sum(bytes), 0) FROM {table} WHERE account = ?1");
        view.query_row(&sql, [account], |row| row.get::<_, u64>(0)).unwrap()
    };
    tables.map(sum).sum()
}
