//! Who may pass: every access key that is served now, and how it is found.
//!
//! One change touches one key: it costs the same among a hundred thousand accounts as among ten. A key that stays is the
//! same [`Access`] all along, so that its open streams go on.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use crate::{
    allowance::Allowance,
    block::BlockCipher,
    keys::{AccessKey, ServerKeys},
    method::Method,
};

/// In how many parts the names are kept, so that a change holds up few look-ups.
const PARTS: usize = 64;

/// One access key that is served.
pub(crate) struct Access {
    /// Tells it from every other in this process.
    pub(crate) serial: u64,
    pub(crate) method: Method,
    pub(crate) key: Box<[u8]>,
    /// What its account may use, and where it is counted.
    pub(crate) allowance: Arc<Allowance>,
    name: Name,
    /// Made when it is first served: most keys are never used while a relay lives.
    withdrawn: OnceLock<watch::Sender<bool>>,
}

/// What a client of 2022 calls its key: the first bytes of its hash.
pub(crate) type Name = [u8; 16];

impl Access {
    pub(crate) fn new(key: &AccessKey, allowance: Arc<Allowance>) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let (method, key) = (key.method(), key.key());
        let mut name = Name::default();
        name.copy_from_slice(blake3::hash(&key).as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Self { serial, method, key, allowance, name, withdrawn: OnceLock::new() }
    }

    /// Whether it is for this key.
    pub(crate) fn is_for(&self, key: &AccessKey) -> bool {
        self.method == key.method() && self.key == key.key()
    }

    /// To be held by whatever serves this key: resolves when the key is withdrawn.
    pub(crate) fn watch(&self) -> Watch {
        Watch(self.withdrawn().subscribe())
    }

    /// Withdraws the key and waits until nothing serves it any more.
    pub(crate) async fn withdraw(&self) {
        self.withdrawn().send_replace(true);
        self.withdrawn().closed().await;
    }

    fn withdrawn(&self) -> &watch::Sender<bool> {
        self.withdrawn.get_or_init(|| watch::Sender::new(false))
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

/// Every key, as it is told. What is found through it are the same keys: a [`Registry`] is a view of it.
#[derive(Default)]
pub(crate) struct Register {
    wide: Arc<Names>,
    narrow: Arc<Names>,
    nameless: Arc<Nameless>,
}

impl Register {
    /// Serves a key.
    pub(crate) fn add(&self, access: &Arc<Access>) {
        match self.names(access.method) {
            Some(names) => drop(names.part_mut(&access.name).insert(access.name, Arc::clone(access))),
            None => self.nameless.add(access),
        }
    }

    /// Serves a key no more.
    pub(crate) fn remove(&self, access: &Access) {
        let Some(names) = self.names(access.method) else { return self.nameless.remove(access) };
        let mut part = names.part_mut(&access.name);
        // Another account may have been given the same key since.
        if part.get(&access.name).is_some_and(|found| found.serial == access.serial) {
            part.remove(&access.name);
        }
    }

    /// What is found with these keys of the server. Without them, the keys of 2022 are not served.
    pub(crate) fn view(&self, server: Option<&ServerKeys>) -> Registry {
        let named = Method::ALL.into_iter().filter_map(|method| {
            let identity = AccessKey::new(0, method, server?.secret(method)?.clone()).ok()?.key();
            let names = Arc::clone(self.names(method)?);
            Some(Named { method, block: BlockCipher::new(&identity)?, identity, names })
        });
        Registry { named: named.collect(), nameless: Arc::clone(&self.nameless) }
    }

    fn names(&self, method: Method) -> Option<&Arc<Names>> {
        match method {
            Method::Blake3Aes256Gcm => Some(&self.wide),
            Method::Blake3Aes128Gcm => Some(&self.narrow),
            Method::Chacha20IetfPoly1305 | Method::Aes256Gcm | Method::Aes128Gcm => None,
        }
    }
}

/// Every key that is served.
#[derive(Default)]
pub(crate) struct Registry {
    /// The methods of 2022, each with the server's own key.
    pub(crate) named: Vec<Named>,
    /// The keys of the older methods, which can only be tried.
    pub(crate) nameless: Arc<Nameless>,
}

/// The keys of one method of 2022.
pub(crate) struct Named {
    pub(crate) method: Method,
    /// The server's key, with which a client hides the name of its own.
    pub(crate) identity: Box<[u8]>,
    /// The same, ready for datagrams.
    pub(crate) block: BlockCipher,
    names: Arc<Names>,
}

impl Named {
    /// The key of this name.
    pub(crate) fn find(&self, name: &Name) -> Option<Arc<Access>> {
        let part = self.names.part(name).read().unwrap_or_else(PoisonError::into_inner);
        part.get(name).cloned()
    }
}

/// Keys by their names.
struct Names([RwLock<HashMap<Name, Arc<Access>>>; PARTS]);

impl Default for Names {
    fn default() -> Self {
        Self(std::array::from_fn(|_| RwLock::default()))
    }
}

impl Names {
    fn part(&self, name: &Name) -> &RwLock<HashMap<Name, Arc<Access>>> {
        let [first, ..] = name;
        let [fallback, ..] = &self.0;
        self.0.get(usize::from(*first) % PARTS).unwrap_or(fallback)
    }

    fn part_mut(&self, name: &Name) -> RwLockWriteGuard<'_, HashMap<Name, Arc<Access>>> {
        self.part(name).write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of the older methods, each at a place where it stays.
#[derive(Default)]
pub(crate) struct Nameless(RwLock<Places>);

#[derive(Default)]
struct Places {
    keys: Vec<Option<Arc<Access>>>,
    free: Vec<usize>,
    of: HashMap<u64, usize>,
}

impl Nameless {
    /// The key at a place.
    pub(crate) fn get(&self, place: usize) -> Option<Arc<Access>> {
        self.places().keys.get(place)?.clone()
    }

    /// Some of the keys, from a place on, with their places; and the place to go on at, `None` after the last.
    pub(crate) fn some(&self, from: usize, most: usize, into: &mut Vec<(usize, Arc<Access>)>) -> Option<usize> {
        let places = self.places();
        let until = from.saturating_add(most).min(places.keys.len());
        let keys = places.keys.get(from..until).unwrap_or_default();
        into.clear();
        into.extend((from..).zip(keys).filter_map(|(place, key)| Some((place, key.clone()?))));
        (until < places.keys.len()).then_some(until)
    }

    fn add(&self, access: &Arc<Access>) {
        let places = &mut *self.places_mut();
        let key = Some(Arc::clone(access));
        let place = match places.free.pop() {
            Some(place) => {
                if let Some(free) = places.keys.get_mut(place) {
                    *free = key;
                }
                place
            }
            None => {
                places.keys.push(key);
                places.keys.len() - 1
            }
        };
        places.of.insert(access.serial, place);
    }

    fn remove(&self, access: &Access) {
        let places = &mut *self.places_mut();
        let Some(place) = places.of.remove(&access.serial) else { return };
        if let Some(key) = places.keys.get_mut(place) {
            *key = None;
            places.free.push(place);
        }
    }

    fn places(&self) -> RwLockReadGuard<'_, Places> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn places_mut(&self) -> RwLockWriteGuard<'_, Places> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use avow_terms::account::AccountId;

    use super::*;
    use crate::page::Page;

    fn access(method: Method) -> Arc<Access> {
        let page = Page::create(tempfile::tempfile().unwrap(), 1, 1, 0).unwrap();
        let account = AccountId::from_random(7).unwrap();
        let counter = page.counter(page.slot_for(account).unwrap(), account).unwrap();
        Arc::new(Access::new(&AccessKey::generate(1, method), Arc::new(Allowance::new(counter))))
    }

    #[test]
    fn a_key_is_found_from_when_it_is_added_until_it_is_removed() {
        let register = Register::default();
        let view = register.view(Some(&ServerKeys::generate()));
        for method in [Method::Blake3Aes256Gcm, Method::Blake3Aes128Gcm] {
            let (one, other) = (access(method), access(method));
            let named = view.named.iter().find(|named| named.method == method).unwrap();
            assert!(named.find(&one.name).is_none());
            register.add(&one);
            register.add(&other);
            assert_eq!(named.find(&one.name).unwrap().serial, one.serial);
            register.remove(&one);
            assert!(named.find(&one.name).is_none() && named.find(&other.name).is_some());
        }
        assert!(register.view(None).named.is_empty());
    }

    #[test]
    fn a_key_that_two_accounts_have_outlives_the_first_of_them() {
        let (register, one) = (Register::default(), access(Method::Blake3Aes256Gcm));
        let key = AccessKey::new(
            1,
            one.method,
            avow_terms::private::Private::new(base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                &one.key,
            )),
        );
        let other = Arc::new(Access::new(&key.unwrap_or_else(|_| panic!("no key")), Arc::clone(&one.allowance)));
        register.add(&one);
        register.add(&other);
        register.remove(&one);
        let view = register.view(Some(&ServerKeys::generate()));
        assert_eq!(view.named[0].find(&one.name).unwrap().serial, other.serial);
    }

    #[test]
    fn a_nameless_key_stays_at_its_place_and_a_free_place_is_used_again() {
        let register = Register::default();
        let keys: Vec<_> = (0..5).map(|_| access(Method::Aes256Gcm)).collect();
        for key in &keys {
            register.add(key);
        }
        register.remove(&keys[1]);
        register.remove(&keys[1]);
        let nameless = &register.nameless;
        assert!(nameless.get(1).is_none() && nameless.get(9).is_none());
        assert_eq!(nameless.get(4).unwrap().serial, keys[4].serial);
        let (mut some, mut seen, mut from) = (Vec::new(), Vec::new(), Some(0));
        while let Some(place) = from {
            from = nameless.some(place, 2, &mut some);
            seen.extend(some.iter().map(|(place, access)| (*place, access.serial)));
        }
        assert_eq!(seen, [0, 2, 3, 4].map(|place| (place, keys[place].serial)));
        let new = access(Method::Aes128Gcm);
        register.add(&new);
        assert_eq!(nameless.get(1).unwrap().serial, new.serial);
    }
}
