//! Who may pass: every access key that is served now, and how it is found.
//!
//! A registry never changes. A new one takes its place, and a key that is in both stays the same [`Access`], so that
//! its open streams go on.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use crate::{
    block::BlockCipher,
    keys::{AccessKey, ServerKeys},
    method::Method,
    page::Counter,
};

/// One access key that is served, and where its bytes are counted.
pub(crate) struct Access {
    /// Tells it from every other in this process.
    pub(crate) serial: u64,
    pub(crate) method: Method,
    pub(crate) key: Box<[u8]>,
    pub(crate) counter: Counter,
    name: Name,
    withdrawn: watch::Sender<bool>,
}

/// What a client of 2022 calls its key: the first bytes of its hash.
pub(crate) type Name = [u8; 16];

impl Access {
    pub(crate) fn new(key: &AccessKey, counter: Counter) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let (method, key) = (key.method(), key.key());
        let mut name = Name::default();
        name.copy_from_slice(blake3::hash(&key).as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
        Self {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            method,
            key,
            counter,
            name,
            withdrawn: watch::Sender::new(false),
        }
    }

    /// Whether it is for this key, and counts there.
    pub(crate) fn is_for(&self, key: &AccessKey, counter: &Counter) -> bool {
        self.method == key.method() && self.key == key.key() && self.counter == *counter
    }

    /// To be held by whatever serves this key: resolves when the key is withdrawn.
    pub(crate) fn watch(&self) -> Watch {
        Watch(self.withdrawn.subscribe())
    }

    /// Withdraws the key and waits until nothing serves it any more.
    pub(crate) async fn withdraw(&self) {
        self.withdrawn.send_replace(true);
        self.withdrawn.closed().await;
    }
}

/// Held by whatever serves a key.
pub(crate) struct Watch(watch::Receiver<bool>);

impl Watch {
    /// Waits until the key is withdrawn.
    pub(crate) async fn withdrawn(&mut self) {
        // An error means that the key is no more, which is the same.
        let _ = self.0.wait_for(|withdrawn| *withdrawn).await;
    }
}

/// Every key that is served.
#[derive(Default)]
pub(crate) struct Registry {
    /// The methods of 2022, each with the server's own key.
    pub(crate) named: Vec<Named>,
    /// The keys of the older methods, which can only be tried.
    pub(crate) nameless: Vec<Arc<Access>>,
}

/// The keys of one method of 2022.
pub(crate) struct Named {
    pub(crate) method: Method,
    /// The server's key, with which a client hides the name of its own.
    pub(crate) identity: Box<[u8]>,
    /// The same, ready for datagrams.
    pub(crate) block: BlockCipher,
    by_name: HashMap<Name, Arc<Access>>,
}

impl Registry {
    /// The registry of these keys. Without keys of the server, those of 2022 are not served.
    pub(crate) fn new<'a>(server: Option<&ServerKeys>, keys: impl Iterator<Item = &'a Arc<Access>> + Clone) -> Self {
        let nameless = keys.clone().filter(|access| !access.method.is_2022()).cloned().collect();
        let named = Method::ALL.into_iter().filter_map(|method| {
            let identity = AccessKey::new(0, method, server?.secret(method)?.clone()).ok()?.key();
            let of_it = keys.clone().filter(|access| access.method == method);
            let by_name = of_it.map(|access| (access.name, Arc::clone(access))).collect();
            Some(Named { method, block: BlockCipher::new(&identity)?, identity, by_name })
        });
        Self { named: named.collect(), nameless }
    }
}

impl Named {
    /// The key of this name.
    pub(crate) fn find(&self, name: &Name) -> Option<&Arc<Access>> {
        self.by_name.get(name)
    }
}
