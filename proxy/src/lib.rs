//! The proxy: Shadowsocks over TCP and UDP on one port, and one sum of bytes per account.
//!
//! The relay runs in a process of its own ([`run`]), told what to do by its parent ([`Supervisor`]). The only thing that
//! leaves it about anybody is a number in the counter [`Page`]: how many bytes an account moved. It opens no file, links
//! no SQL, writes no log, stands behind walls that the kernel keeps ([`Wall`]), and an address that it sees is `Private` from the line that takes it from the system.

mod address;
mod allowance;
mod association;
mod block;
mod clerk;
mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod greeting;
mod guard;
mod hints;
mod hpke;
mod identify;
mod inherited;
mod keeper;
mod keys;
mod limits;
mod lines;
mod link;
mod method;
mod order;
mod packet;
mod page;
mod pump;
mod registry;
mod relay;
mod replays;
mod room;
mod sealed;
mod sealed_session;
mod sessions;
mod silence;
mod status;
mod supervisor;
mod target;
mod tcp;
mod threshold;
mod trial;
mod udp;
mod walls;
mod window;
mod wire;

pub use self::{
    event::{Event, Events},
    guard::{Network, NotANetwork},
    inherited::{HandoverError, Inherited},
    keys::{AccessKey, AccountKeys, KeyError, ServerKeys},
    limits::Limits,
    link::link,
    method::Method,
    order::Admission,
    page::{Frozen, Page, PageError, PageFull, Slot, Standing},
    relay::{RelayError, run},
    replays::Replays,
    sealed_session::{DeskKey, DeskPublicKey, NotAKey, SEALED_LENGTH, SealedSession, SessionRecord},
    sessions::SealTo,
    supervisor::{SpawnRelay, Supervisor, SupervisorError},
    walls::{Attempt, Grounds, Outcome, Raised, ResolverFiles, Wall},
};
