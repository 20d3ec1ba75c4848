//! What is known about the relay at any moment: whether it serves, its process, what happened in it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use tokio::sync::watch;

use crate::{event::Events, sealed_session::SealedSession, walls::Raised};

/// What the handle may ask without waiting.
pub(crate) struct Status {
    pub(crate) ready: watch::Sender<bool>,
    /// 0 when there is none.
    pid: AtomicU32,
    starts: AtomicU64,
    /// Of the relays that are gone, and of the one that runs.
    events: Mutex<(Events, Events)>,
    walls: Mutex<Option<Raised>>,
    /// Sessions that nobody has taken yet.
    sealed: Mutex<Vec<SealedSession>>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            ready: watch::Sender::new(false),
            pid: AtomicU32::new(0),
            starts: AtomicU64::new(0),
            events: Mutex::default(),
            walls: Mutex::default(),
            sealed: Mutex::default(),
        }
    }
}

impl Status {
    pub(crate) fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Acquire)).filter(|pid| *pid != 0)
    }

    pub(crate) fn starts(&self) -> u64 {
        self.starts.load(Ordering::Acquire)
    }

    pub(crate) fn events(&self) -> Events {
        let (past, present) = *self.events.lock().unwrap_or_else(PoisonError::into_inner);
        past.and(present)
    }

    /// The relay that runs told how often each thing happened in it.
    pub(crate) fn told(&self, events: Events) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).1 = events;
    }

    pub(crate) fn walls(&self) -> Option<Raised> {
        self.walls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The relay that runs told which walls stand around it.
    pub(crate) fn walled(&self, raised: Raised) {
        *self.walls.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
    }

    /// A session was sealed.
    pub(crate) fn sealed(&self, session: SealedSession) {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }

    pub(crate) fn take_sealed(&self) -> Vec<SealedSession> {
        std::mem::take(&mut self.sealed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A relay was started.
    pub(crate) fn born(&self, pid: u32) {
        self.starts.fetch_add(1, Ordering::AcqRel);
        self.pid.store(pid, Ordering::Release);
    }

    /// It is gone. What it told last stays.
    pub(crate) fn died(&self) {
        self.ready.send_replace(false);
        self.pid.store(0, Ordering::Release);
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        *events = (events.0.and(events.1), Events::default());
    }
}
