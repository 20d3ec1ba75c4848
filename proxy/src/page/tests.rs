//! The flush protocol against a model: whatever crashes, the store ends with what was counted, once.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NODE: u32 = 7;

fn id(number: u32) -> AccountId {
    number.try_into().unwrap()
}

fn page(capacity: u32) -> Page {
    Page::create(tempfile::tempfile().unwrap(), 1, capacity, 0).unwrap()
}

/// A store that applies each batch once, as the real one does, and remembers its cursor. It books by day, as the real one
/// books by month, and a day has a thousand milliseconds.
#[derive(Default)]
struct Store {
    cursor: Option<(u64, u64)>,
    sums: BTreeMap<(i64, AccountId), u64>,
}

const DAY: i64 = 1000;

impl Store {
    fn commit(&mut self, frozen: &Frozen) {
        let Frozen { batch, since } = frozen;
        let committed = self.cursor.map_or(0, |(_, seq)| seq);
        if batch.seq == committed {
            return;
        }
        assert_eq!(batch.seq, committed + 1, "batches come one after the other");
        for (account, bytes) in &batch.rows {
            *self.sums.entry((since / DAY, *account)).or_default() += bytes.0;
        }
        self.cursor = Some((batch.epoch, batch.seq));
    }
}

/// Where the parent is killed during a flush, if it is.
#[derive(Debug, Clone, Copy)]
enum Flush {
    Whole,
    KilledWhileFreezing {
        cells: usize,
    },
    KilledBeforeCommit,
    CommittedButNotTold,
    /// The store does not take the batch, which is sent again after this many more steps.
    Locked {
        steps: usize,
    },
}

#[derive(Debug, Clone)]
enum Step {
    Count {
        account: u32,
        bytes: usize,
    },
    Flush(Flush),
    RelayKilled,
    /// So much time passes. The parent marks the border if a day ends in it.
    Wait(i64),
    KilledWhileMarking {
        cells: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let flush = prop_oneof![
        Just(Flush::Whole),
        (0..6_usize).prop_map(|cells| Flush::KilledWhileFreezing { cells }),
        Just(Flush::KilledBeforeCommit),
        Just(Flush::CommittedButNotTold),
        (1..8_usize).prop_map(|steps| Flush::Locked { steps }),
    ];
    prop_oneof![
        8 => (1..6_u32, 1..20_000_usize).prop_map(|(account, bytes)| Step::Count { account, bytes }),
        4 => flush.prop_map(Step::Flush),
        2 => Just(Step::RelayKilled),
        4 => (1..DAY).prop_map(Step::Wait),
        1 => (0..6_usize).prop_map(|cells| Step::KilledWhileMarking { cells }),
    ]
}

/// A parent, its page, and what it knows about the batch under way.
struct Parent {
    page: Page,
    now: i64,
    /// The batch that the store did not take yet, and for how many steps it will not.
    held: Option<(Frozen, usize)>,
}

impl Parent {
    /// What the parent does when it starts: settles what was frozen, then goes on.
    fn recover(&mut self, store: &mut Store) {
        self.page = Page::open(self.page.file().unwrap().into()).unwrap();
        self.held = None;
        match self.page.standing(store.cursor) {
            Standing::Committed => {}
            Standing::Unsent => store.commit(&self.page.frozen(NODE).unwrap()),
            Standing::Stale => panic!("the page is stale"),
        }
    }

    fn flush(&mut self, store: &mut Store, how: Flush) {
        match how {
            // While a batch is held nothing is frozen.
            _ if self.held.is_some() => {}
            Flush::Whole => {
                while let Some(frozen) = self.page.freeze(NODE, self.now) {
                    store.commit(&frozen);
                }
            }
            Flush::KilledWhileFreezing { cells } => {
                self.page.snapshot(self.page.frozen_seq() + 1, cells, Cell::counted);
                self.recover(store);
            }
            Flush::KilledBeforeCommit => {
                self.page.freeze(NODE, self.now);
                self.recover(store);
            }
            Flush::CommittedButNotTold => {
                let frozen = self.page.freeze(NODE, self.now);
                frozen.iter().for_each(|frozen| store.commit(frozen));
                self.recover(store);
                // Sent again all the same: the store takes it once.
                self.page.frozen(NODE).iter().for_each(|frozen| store.commit(frozen));
            }
            Flush::Locked { steps } => self.held = self.page.freeze(NODE, self.now).map(|frozen| (frozen, steps)),
        }
    }

    /// A step goes by; a store that was locked for as long takes the batch.
    fn step(&mut self, store: &mut Store) {
        match self.held.take() {
            Some((frozen, 0)) => store.commit(&frozen),
            Some((frozen, steps)) => self.held = Some((frozen, steps - 1)),
            None => {}
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_killed_every_byte_is_stored_once_and_in_no_later_day(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let (mut parent, mut store) = (Parent { page: page(5), now: 1, held: None }, Store::default());
        let mut truth: BTreeMap<(i64, AccountId), u64> = BTreeMap::new();
        let mut relay = Page::open(parent.page.file().unwrap().into()).unwrap();
        let mut missed = false;
        for step in steps {
            parent.step(&mut store);
            match step {
                Step::Count { account, bytes } => {
                    let slot = parent.page.slot_for(id(account)).unwrap();
                    relay.counter(slot, id(account)).unwrap().add(bytes);
                    *truth.entry((parent.now / DAY, id(account))).or_default() += bytes as u64;
                }
                Step::Flush(how) => parent.flush(&mut store, how),
                Step::RelayKilled => relay = Page::open(parent.page.file().unwrap().into()).unwrap(),
                Step::Wait(time) => {
                    let before = parent.now;
                    parent.now += time;
                    missed |= parent.now / DAY > before / DAY && !parent.page.mark(parent.now / DAY * DAY);
                }
                Step::KilledWhileMarking { cells } => {
                    let (header, cells) = (parent.page.mapping.header(), parent.page.mapping.cells().iter().take(cells));
                    if header.border_after(base_of(parent.page.frozen_seq())).is_none() {
                        cells.for_each(Cell::mark);
                    }
                    parent.recover(&mut store);
                }
            }
        }
        parent.recover(&mut store);
        parent.flush(&mut store, Flush::Whole);
        let of = |sums: &BTreeMap<(i64, AccountId), u64>, account, until: i64| -> u64 {
            sums.range((0, id(1))..(until, id(1))).filter(|((_, of), _)| *of == account).map(|(_, sum)| sum).sum()
        };
        for account in (1..6).map(id) {
            prop_assert_eq!(of(&store.sums, account, i64::MAX), of(&truth, account, i64::MAX));
            for day in 0..=parent.now / DAY {
                // Never as a later day's; and as the day's own, unless two days ended while one batch waited.
                let (stored, counted) = (of(&store.sums, account, day), of(&truth, account, day));
                prop_assert!(stored >= counted && (missed || stored == counted));
            }
        }
    }
}

#[test]
fn what_was_counted_before_the_border_is_a_batch_of_its_own() {
    let page = page(2);
    let counter = page.counter(page.slot_for(id(5)).unwrap(), id(5)).unwrap();
    counter.add(1);
    let held = page.freeze(NODE, 100).unwrap();
    assert!(held.since == 0 && held.batch.rows == [(id(5), Bytes(1))]);
    counter.add(20);
    assert!(page.mark(200));
    counter.add(300);
    assert!(!page.mark(250), "the first border is pending");
    let page = Page::open(page.file().unwrap().into()).unwrap();
    let before = page.freeze(NODE, 900).unwrap();
    assert!(before.since == 100 && before.batch.rows == [(id(5), Bytes(20))]);
    let after = page.freeze(NODE, 901).unwrap();
    assert!(after.since == 200 && after.batch.rows == [(id(5), Bytes(300))]);
    assert!(page.freeze(NODE, 1000).is_none());
    counter.add(1);
    assert_eq!(page.freeze(NODE, 2000).unwrap().since, 1000, "until a thousand nothing had moved");
}

#[test]
fn a_frozen_batch_is_the_same_when_it_is_sent_again() {
    let page = page(2);
    let slot = page.slot_for(id(5)).unwrap();
    let counter = page.counter(slot, id(5)).unwrap();
    assert!(page.freeze(NODE, 1).is_none(), "nothing moved");
    counter.add(10);
    let batch = page.freeze(NODE, 2).unwrap();
    counter.add(90);
    let again = Page::open(page.file().unwrap().into()).unwrap().frozen(NODE).unwrap();
    assert!(batch == again && batch.batch.rows == [(id(5), Bytes(10))] && batch.batch.seq == 1);
    assert!(page.freeze(NODE, 3).unwrap().batch.rows == [(id(5), Bytes(90))]);
    assert_eq!(page.counted(id(5)), Bytes(100));
}

#[test]
fn a_slot_that_counted_is_never_another_accounts() {
    let page = page(2);
    let first = page.slot_for(id(1)).unwrap();
    page.counter(first, id(1)).unwrap().add(1);
    let second = page.slot_for(id(2)).unwrap();
    assert_eq!(page.slot_for(id(1)), Ok(first));
    assert_eq!(page.slot_for(id(3)), Err(PageFull));
    page.forget(id(1));
    assert_eq!(page.slot_for(id(3)), Err(PageFull));
    assert!(page.counter(first, id(1)).is_none(), "a slot counts only for the account it is given to");
    page.forget(id(2));
    assert_eq!(page.slot_for(id(3)), Ok(second), "it never counted, so it is as good as new");
}

#[test]
fn a_page_of_an_epoch_that_is_over_is_stale() {
    let page = Page::create(tempfile::tempfile().unwrap(), 5, 1, 0).unwrap();
    let counter = page.counter(page.slot_for(id(1)).unwrap(), id(1)).unwrap();
    for cursor in [None, Some((4, 900)), Some((5, 0))] {
        assert_eq!(page.standing(cursor), Standing::Committed);
    }
    assert_eq!(page.standing(Some((6, 0))), Standing::Stale);
    assert_eq!(page.standing(Some((5, 1))), Standing::Stale, "the store is ahead of the page");
    counter.add(1);
    page.freeze(NODE, 1);
    assert_eq!(page.standing(Some((4, 900))), Standing::Unsent, "the first batch of the epoch was lost on the way");
    assert_eq!(page.standing(Some((5, 1))), Standing::Committed);
}

#[test]
fn what_is_not_a_page_is_not_taken_for_one() {
    let empty = tempfile::tempfile().unwrap();
    assert!(matches!(Page::open(empty), Err(PageError::NotAPage)));
    let unfinished = tempfile::tempfile().unwrap();
    unfinished.set_len(mapping::size_for(3)).unwrap();
    assert!(matches!(Page::open(unfinished), Err(PageError::NotAPage)));
    let cut = tempfile::tempfile().unwrap();
    Page::create(cut.try_clone().unwrap(), 1, 3, 0).unwrap();
    cut.set_len(mapping::size_for(2)).unwrap();
    assert!(matches!(Page::open(cut), Err(PageError::NotAPage)));
    assert!(matches!(Page::create(tempfile::tempfile().unwrap(), 1, 0, 0), Err(PageError::Capacity)));
}

#[test]
fn a_page_has_its_memory_from_the_start() {
    let file = tempfile::tempfile().unwrap();
    let _page = Page::create(file.try_clone().unwrap(), 1, 4_096, 0).unwrap();
    let held = std::os::unix::fs::MetadataExt::blocks(&file.metadata().unwrap()) * 512;
    assert!(held >= mapping::size_for(4_096), "{held} bytes are held: counting would fail when memory runs out");
}

#[test]
fn a_page_that_a_hostile_relay_wrote_ends_nobody() {
    let page = page(3);
    let slot = page.slot_for(id(1)).unwrap();
    page.counter(slot, id(1)).unwrap().add(5);
    for cell in page.mapping.cells() {
        cell.account.store(1, Ordering::Relaxed);
        cell.counted.store(u64::MAX, Ordering::Relaxed);
    }
    page.mapping.header().frozen_seq.store(u64::MAX, Ordering::Relaxed);
    page.mapping.header().epoch.store(u64::MAX, Ordering::Relaxed);
    assert!(page.freeze(NODE, 1).is_none(), "there is no number left for a batch");
    assert_eq!(page.frozen(NODE).unwrap().batch.rows.len(), 0);
    assert_eq!(page.totals().len(), 3);
    assert_eq!(page.standing(Some((1, 1))), Standing::Stale);
    page.forget(id(1));
    assert_eq!(page.slot_for(id(2)), Err(PageFull));
}

#[test]
fn many_accounts_find_their_slots_at_once() {
    let page = page(65_536);
    let began = std::time::Instant::now();
    for number in 1..=20_000 {
        page.slot_for(id(number)).unwrap();
    }
    for number in 1..=20_000 {
        assert_eq!(page.slot_for(id(number)), Ok(Slot(number - 1)));
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(1), "it took {:?}", began.elapsed());
}
