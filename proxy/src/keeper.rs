//! The thread that keeps a relay running and carries orders to it.
//!
//! It is a thread of its own because the kernel ends a relay when the **thread** that started it ends: a relay started
//! from a worker that a runtime may retire would die with it.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::SocketAddr,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
    process::Stdio,
    sync::Arc,
    thread,
    time::Duration,
};

use avow_terms::{account::AccountId, private::Private};
use bytes::BytesMut;
use tokio::{
    io::AsyncWriteExt,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::Child,
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout},
};

use crate::{
    guard::Network,
    inherited::Estate,
    keys::ServerKeys,
    limits::Limits,
    lines::Lines,
    order::{Admission, Answer, Order},
    sessions::SealTo,
    status::Status,
    supervisor::SpawnRelay,
};

/// A relay that lived so long is not one that dies again and again.
const LONG_LIFE: Duration = Duration::from_secs(30);
/// The longest pause before a relay is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a relay may take until it serves all that it is told to.
const INFANCY: Duration = Duration::from_secs(45);
/// How long a relay may take to end when it was told to, beyond what it was given.
const GRACE: Duration = Duration::from_secs(1);

/// What the handle asks of the thread.
pub(crate) enum Command {
    /// Carry this to the relay, and tell whether it could be done.
    Order(Order, oneshot::Sender<bool>),
    /// End the relay, and start another.
    Renew(oneshot::Sender<()>),
    /// End the relay.
    Drain(Duration, oneshot::Sender<()>),
}

/// Starts the thread.
pub(crate) fn start(
    spawn: SpawnRelay,
    estate: Estate,
    commands: mpsc::Receiver<Command>,
    status: Arc<Status>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let keeper = Keeper { spawn, estate, commands, status, told: Told::default(), waiting: HashMap::new(), next_id: 0 };
    thread::Builder::new().name("relay-keeper".into()).spawn(move || runtime.block_on(keeper.keep()))?;
    Ok(())
}

/// All that a relay has to be told anew when it is started again.
#[derive(Default)]
struct Told {
    configured: Option<(ServerKeys, Limits)>,
    guard: Option<(Vec<Network>, Vec<SocketAddr>)>,
    seal_to: Option<SealTo>,
    accounts: BTreeMap<AccountId, Admission>,
}

impl Told {
    fn remember(&mut self, order: &Order) {
        match order {
            Order::Configure(keys, limits) => self.configured = Some((keys.clone(), *limits)),
            Order::Guard(allowed, own) => self.guard = Some((allowed.clone(), own.clone())),
            Order::Put(admissions) => {
                self.accounts.extend(admissions.iter().map(|admission| (admission.account, admission.clone())));
            }
            Order::StopAt(counts) => {
                for (account, count) in counts {
                    if let Some(admission) = self.accounts.get_mut(account) {
                        admission.stop_at = *count;
                    }
                }
            }
            Order::Remove(account) => {
                self.accounts.remove(account);
            }
            Order::SealTo(to) => self.seal_to = *to,
            Order::Drain(_) => {}
        }
    }

    /// The accounts, and then what opens the doors to them.
    fn again(&self) -> Vec<Order> {
        let configured = self.configured.clone().map(|(keys, limits)| Order::Configure(keys, limits));
        let seal_to = self.seal_to.map(|to| Order::SealTo(Some(to)));
        let guard = self.guard.clone().map(|(allowed, own)| Order::Guard(allowed, own));
        Order::put(self.accounts.values().cloned()).into_iter().chain(guard).chain(seal_to).chain(configured).collect()
    }
}

struct Keeper {
    spawn: SpawnRelay,
    estate: Estate,
    commands: mpsc::Receiver<Command>,
    status: Arc<Status>,
    told: Told,
    /// Who waits for which order.
    waiting: HashMap<u64, oneshot::Sender<bool>>,
    next_id: u64,
}

/// A relay that runs.
struct Life {
    child: Child,
    answers: Lines<OwnedReadHalf>,
    orders: OwnedWriteHalf,
    /// Orders that the relay has no room for yet. Nobody waits for it to take them: it may hang.
    unsent: BytesMut,
}

/// How a relay's life ended.
enum End {
    /// It died.
    Died,
    /// It was told to, for another to begin.
    Renewed,
    /// It was told to.
    Told(Option<oneshot::Sender<()>>),
}

impl Keeper {
    async fn keep(mut self) {
        let mut pause = Duration::ZERO;
        loop {
            let born = Instant::now();
            let end = self.live().await;
            self.status.died();
            match end {
                Ok(End::Told(done)) => {
                    // Only now: from here on the handle says that the relay is stopped.
                    self.commands.close();
                    done.map(|done| done.send(()));
                    return;
                }
                Ok(End::Renewed) => continue,
                Ok(End::Died) | Err(_) => {}
            }
            pause = if born.elapsed() > LONG_LIFE { Duration::ZERO } else { longer(pause) };
            if !self.wait(pause).await {
                return;
            }
        }
    }

    /// Waits before the next relay is started. Orders are noted for it; false when none is wanted any more.
    async fn wait(&mut self, pause: Duration) -> bool {
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            let command = tokio::select! {
                () = &mut over => return true,
                command = self.commands.recv() => command,
            };
            match command {
                Some(Command::Order(order, done)) => drop(self.note(&order, done)),
                // None is running that could be a relay of before.
                Some(Command::Renew(done)) => drop(done.send(())),
                Some(Command::Drain(_, done)) => {
                    self.commands.close();
                    // Who gave up waiting is not told.
                    let _ = done.send(());
                    return false;
                }
                None => return false,
            }
        }
    }

    /// Notes an order and who waits for it; returns its line.
    fn note(&mut self, order: &Order, done: oneshot::Sender<bool>) -> Private<Vec<u8>> {
        self.told.remember(order);
        let id = self.number();
        self.waiting.insert(id, done);
        order.line(id)
    }

    /// One life of a relay, from its start to its end.
    async fn live(&mut self) -> io::Result<End> {
        let mut life = self.give_birth().await?;
        self.tell_all(&mut life).await?;
        loop {
            tokio::select! {
                line = life.answers.next() => match line? {
                    Some(line) => self.hear(&line)?,
                    None => return Ok(End::Died),
                },
                sent = life.orders.write_buf(&mut life.unsent), if !life.unsent.is_empty() => drop(sent?),
                _ = life.child.wait() => return Ok(End::Died),
                command = self.commands.recv() => match command {
                    Some(Command::Order(order, done)) => {
                        life.unsent.extend_from_slice(self.note(&order, done).expose());
                    }
                    Some(Command::Renew(done)) => {
                        life.end(Duration::ZERO, &self.status).await;
                        // Who gave up waiting is not told.
                        let _ = done.send(());
                        return Ok(End::Renewed);
                    }
                    Some(Command::Drain(at_most, done)) => {
                        life.end(at_most, &self.status).await;
                        return Ok(End::Told(Some(done)));
                    }
                    None => {
                        life.end(Duration::ZERO, &self.status).await;
                        return Ok(End::Told(None));
                    }
                },
            }
        }
    }

    async fn give_birth(&self) -> io::Result<Life> {
        let (ours, theirs) = StdUnixStream::pair()?;
        let mut command = tokio::process::Command::new(&self.spawn.program);
        command.args(&self.spawn.arguments).stdin(Stdio::from(OwnedFd::from(theirs)));
        // The relay has nothing to say but what the control socket carries; not even a panic's text comes out of it.
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn()?;
        // The command still holds the relay's end: while it does, nobody would notice that the relay is gone.
        drop(command);
        self.status.born(child.id().unwrap_or(0));
        self.estate.send(&ours).map_err(io::Error::other)?;
        ours.set_nonblocking(true)?;
        let (answers, orders) = UnixStream::from_std(ours)?.into_split();
        Ok(Life { child, answers: Lines::new(answers), orders, unsent: BytesMut::new() })
    }

    /// Tells a new relay all that is to be served, and waits until it is. Whoever waited for an order to the relay
    /// before is answered: it is carried out now.
    async fn tell_all(&mut self, life: &mut Life) -> io::Result<()> {
        let before = std::mem::take(&mut self.waiting);
        let told = timeout(INFANCY, self.tell_each(life)).await;
        match told.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(()) => {
                for (_, done) in before {
                    // Who gave up waiting is not told.
                    let _ = done.send(true);
                }
                self.status.ready.send_replace(true);
                Ok(())
            }
            Err(error) => {
                self.waiting = before;
                Err(error)
            }
        }
    }

    async fn tell_each(&mut self, life: &mut Life) -> io::Result<()> {
        let orders = self.told.again();
        let mut missing = orders.len();
        let mut lines = Vec::new();
        for order in orders {
            lines.extend_from_slice(order.line(self.number()).expose());
        }
        let writing = life.orders.write_all(&lines);
        tokio::pin!(writing);
        let (mut ready, mut written) = (false, false);
        while !(ready && written && missing == 0) {
            let line = tokio::select! {
                line = life.answers.next() => line?.ok_or(io::ErrorKind::UnexpectedEof)?,
                done = &mut writing, if !written => {
                    done?;
                    written = true;
                    continue;
                }
            };
            match serde_json::from_slice(&line)? {
                Answer::Ready { walls } => {
                    self.status.walled(walls);
                    ready = true;
                }
                Answer::Done { .. } => missing = missing.saturating_sub(1),
                Answer::Events { events } => self.status.told(events),
                Answer::Sealed(session) => self.status.sealed(session),
                Answer::Over => {}
            }
        }
        Ok(())
    }

    fn hear(&mut self, line: &[u8]) -> io::Result<()> {
        match serde_json::from_slice(line)? {
            Answer::Ready { .. } => {}
            Answer::Done { id, well } => {
                if let Some(done) = self.waiting.remove(&id) {
                    // Who gave up waiting is not told.
                    let _ = done.send(well);
                }
            }
            Answer::Events { events } => self.status.told(events),
            Answer::Sealed(session) => self.status.sealed(session),
            Answer::Over => {}
        }
        Ok(())
    }

    fn number(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

impl Life {
    /// Ends the relay, by force if it does not end in time.
    async fn end(mut self, at_most: Duration, status: &Status) {
        let milliseconds = u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX);
        self.unsent.extend_from_slice(Order::Drain(milliseconds).line(0).expose());
        let ending = async {
            // An error here means that it is gone already.
            let _ = self.orders.write_all_buf(&mut self.unsent).await;
            // What it says until it is gone: sessions that it seals last.
            while let Ok(Some(line)) = self.answers.next().await {
                if let Ok(Answer::Sealed(session)) = serde_json::from_slice(&line) {
                    status.sealed(session);
                }
            }
            self.child.wait().await
        };
        if timeout(at_most.saturating_add(GRACE), ending).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// The pause after a relay that died young: 50 ms, 100 ms, … 5 s.
fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(Duration::from_millis(50), LONGEST_PAUSE)
}
