//! Finding a key of the older methods: they name none, so each has to be tried. A stranger costs as many tries as there
//! are keys, so what strangers may cost is bounded.
//!
//! The key that was used last from where the client is costs one try, which is free. Beyond that there are so many tries
//! a second and no more, for few clients at a time, some in a row; whoever is served already does not wait for them. Those
//! who come from one place wait behind each other before they wait with the rest, so that a flood from one place does
//! not stand in everybody's way.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    task::yield_now,
    time::{Instant, sleep},
};

use crate::{
    hints::Line,
    registry::{Access, Nameless},
};

/// How many keys are tried before something else gets its turn.
const IN_A_ROW: usize = 64;
/// In how many queues clients wait before they wait for their turn.
const QUEUES: usize = 256;
/// For how many clients keys are tried at once, and for how many of one queue.
const TURNS: (usize, usize) = (8, 2);
/// How long to wait for more tries.
const BREATH: Duration = Duration::from_millis(10);

/// The tries.
pub(crate) struct Trials {
    turns: Semaphore,
    queues: Box<[Semaphore]>,
    purse: Mutex<Purse>,
}

/// The tries that are left of this second's.
struct Purse {
    left: i64,
    since: Instant,
}

impl Default for Trials {
    fn default() -> Self {
        let (all, one) = TURNS;
        let queues = (0..QUEUES).map(|_| Semaphore::new(one)).collect();
        Self { turns: Semaphore::new(all), queues, purse: Mutex::new(Purse { left: 0, since: Instant::now() }) }
    }
}

impl Trials {
    /// The key that opens, tried by `opens`: that of the hint at once, the others in turn.
    pub(crate) async fn find<T>(
        &self,
        keys: &Nameless,
        line: Line<'_>,
        a_second: u32,
        mut opens: impl FnMut(&Access) -> Option<T>,
    ) -> Option<(Arc<Access>, T)> {
        let tried = line.read();
        if let Some(found) = hinted(keys, line, &mut opens) {
            return Some(found);
        }
        // The semaphores are never closed.
        let _queue = self.queues.get(line.number % QUEUES)?.acquire().await.ok()?;
        let _turn = self.turns.acquire().await.ok()?;
        // Somebody from the same place may have been found meanwhile.
        if line.read() != tried
            && let Some(found) = hinted(keys, line, &mut opens)
        {
            return Some(found);
        }
        let (mut some, mut from) = (Vec::with_capacity(IN_A_ROW), Some(0));
        while let Some(place) = from {
            from = keys.some(place, IN_A_ROW, &mut some);
            while !self.pay(some.len(), a_second) {
                sleep(BREATH).await;
            }
            for (place, access) in some.drain(..) {
                if let Some(opened) = opens(&access) {
                    line.leave(place);
                    return Some((access, opened));
                }
            }
            yield_now().await;
        }
        None
    }

    /// Whether so many tries may be made now. A second's worth is saved up at most.
    fn pay(&self, tries: usize, a_second: u32) -> bool {
        let mut purse = self.purse.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = i64::try_from(purse.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        let earned = elapsed.saturating_mul(a_second.into()) / 1_000_000;
        if earned > 0 {
            purse.left = purse.left.saturating_add(earned).min(a_second.into());
            purse.since = Instant::now();
        }
        let may = purse.left > 0;
        if may {
            purse.left -= i64::try_from(tries).unwrap_or(i64::MAX);
        }
        may
    }
}

/// The key that was used last from there, if it opens.
pub(crate) fn hinted<T>(
    keys: &Nameless,
    line: Line<'_>,
    opens: &mut impl FnMut(&Access) -> Option<T>,
) -> Option<(Arc<Access>, T)> {
    let access = keys.get(line.read()?)?;
    let opened = opens(&access)?;
    Some((access, opened))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use avow_terms::{account::AccountId, private::Private};

    use super::*;
    use crate::{allowance::Allowance, hints::Hints, keys::AccessKey, method::Method, page::Page, registry::Register};

    fn keys(many: usize) -> (Register, Vec<Arc<Access>>) {
        let page = Page::create(tempfile::tempfile().unwrap(), 1, 1, 0).unwrap();
        let account = AccountId::from_random(7).unwrap();
        let counter = page.counter(page.slot_for(account).unwrap(), account).unwrap();
        let allowance = Arc::new(Allowance::new(counter));
        let new = |_| Arc::new(Access::new(&AccessKey::generate(1, Method::Aes128Gcm), Arc::clone(&allowance)));
        let (register, keys) = (Register::default(), (0..many).map(new).collect::<Vec<_>>());
        keys.iter().for_each(|key| register.add(key));
        (register, keys)
    }

    #[tokio::test]
    async fn a_key_costs_one_try_when_it_comes_back() {
        let (register, keys) = keys(200);
        let (view, trials, hints) = (register.view(None), Trials::default(), Hints::default());
        let line = hints.line(&Private::new(7));
        for (wanted, tries) in [(150, 151), (150, 1), (3, 5)] {
            let mut tried = 0;
            let opens = |access: &Access| {
                tried += 1;
                (access.serial == keys[wanted].serial).then_some(())
            };
            let (found, ()) = trials.find(&view.nameless, line, 1_000_000, opens).await.unwrap();
            assert_eq!((found.serial, tried), (keys[wanted].serial, tries));
        }
        assert!(trials.find(&view.nameless, line, 1_000_000, |_| None::<()>).await.is_none());
    }

    #[tokio::test]
    async fn strangers_get_so_many_tries_a_second_and_no_more() {
        let (register, _) = keys(500);
        let (view, trials, hints) = (register.view(None), Trials::default(), Hints::default());
        let (began, mut tried) = (Instant::now(), 0_u32);
        while began.elapsed() < Duration::from_millis(500) {
            let opens = |_: &Access| {
                tried += 1;
                None::<()>
            };
            trials.find(&view.nameless, hints.line(&Private::new(began.elapsed())), 5000, opens).await;
        }
        // The last tries may be made on credit, since any search must come to its end.
        let most = 5000.0 * began.elapsed().as_secs_f64() + 500.0;
        assert!(tried > 0 && f64::from(tried) < most, "{tried} tries in {:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_flood_from_one_place_holds_up_others_for_one_of_its_turns() {
        let (register, keys) = keys(100);
        let (view, trials) = (Arc::new(register.view(None)), Arc::new(Trials::default()));
        let (hints, flood) = (Arc::new(Hints::default()), Arc::new(AtomicUsize::new(0)));
        for _ in 0..500 {
            let (view, trials, flood) = (Arc::clone(&view), Arc::clone(&trials), Arc::clone(&flood));
            let hints = Arc::clone(&hints);
            tokio::spawn(async move {
                trials.find(&view.nameless, hints.line(&Private::new(1)), 2000, |_| None::<()>).await;
                flood.fetch_add(1, Ordering::SeqCst);
            });
        }
        sleep(Duration::from_millis(200)).await;
        let queue = |from| hints.line(&Private::new(from)).number % QUEUES;
        let other = (2..).find(|other| queue(*other) != queue(1)).unwrap();
        let before = flood.load(Ordering::SeqCst);
        let opens = |access: &Access| (access.serial == keys[99].serial).then_some(());
        assert!(trials.find(&view.nameless, hints.line(&Private::new(other)), 2000, opens).await.is_some());
        let meanwhile = flood.load(Ordering::SeqCst) - before;
        assert!(meanwhile <= 4, "{meanwhile} of the flood went before");
    }
}
