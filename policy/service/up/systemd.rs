//! What systemd is told about a service that it started: that it is ready, reloads, stops, and lives.
//!
//! By hand, a datagram each (sd_notify(3)): started by anybody else, nothing is told. Nothing about anybody is ever told.

use std::{
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tokio::time;

use crate::keeper::Keeper;

/// Who is told, if anybody is.
pub(super) struct Systemd {
    socket: Option<UnixDatagram>,
    /// How often it wants to hear that the service lives.
    watchdog: Option<Duration>,
}

impl Systemd {
    /// As the environment says.
    pub(super) fn from_environment() -> Self {
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|every| ours && *every > 0).map(Duration::from_micros);
        Self { socket: connected(), watchdog }
    }

    /// It serves.
    pub(super) fn ready(&self) {
        self.tell("READY=1");
    }

    /// It reads its configuration again; it is ready when that is done.
    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// It stops.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says at half of every interval that the service lives, as long as the store answers.
    pub(super) async fn live(&self, keeper: &Keeper) {
        let Some(every) = self.watchdog else { return std::future::pending().await };
        loop {
            if keeper.at_desk(|_| ()).await.is_ok() {
                self.tell("WATCHDOG=1");
            }
            time::sleep(every / 2).await;
        }
    }

    fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket {
            // A manager that does not listen is no reason to stop serving.
            let _ = socket.send(state.as_bytes());
        }
    }
}

fn connected() -> Option<UnixDatagram> {
    let name = std::env::var_os("NOTIFY_SOCKET")?;
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok()?,
        _ => SocketAddr::from_pathname(&name).ok()?,
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.connect_addr(&address).ok()?;
    Some(socket)
}
