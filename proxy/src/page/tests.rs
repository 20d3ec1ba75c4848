//! The flush protocol against a model: whatever crashes, the store ends with what was counted, once.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NODE: u32 = 7;

fn id(number: u32) -> AccountId {
    number.try_into().unwrap()
}

fn page(capacity: u32) -> Page {
    Page::create(tempfile::tempfile().unwrap(), 1, capacity).unwrap()
}

/// A store that applies each batch once, as the real one does, and remembers its cursor.
#[derive(Default)]
struct Store {
    cursor: Option<(u64, u64)>,
    sums: BTreeMap<AccountId, u64>,
}

impl Store {
    fn commit(&mut self, batch: &Batch) {
        let committed = self.cursor.map_or(0, |(_, seq)| seq);
        if batch.seq == committed {
            return;
        }
        assert_eq!(batch.seq, committed + 1, "batches come one after the other");
        for (account, bytes) in &batch.rows {
            *self.sums.entry(*account).or_default() += bytes.0;
        }
        self.cursor = Some((batch.epoch, batch.seq));
    }
}

/// Where the parent is killed during a flush, if it is.
#[derive(Debug, Clone, Copy)]
enum Flush {
    Whole,
    KilledWhileFreezing { cells: usize },
    KilledBeforeCommit,
    CommittedButNotTold,
}

#[derive(Debug, Clone)]
enum Step {
    Count { account: u32, bytes: usize },
    Flush(Flush),
    RelayKilled,
}

fn step() -> impl Strategy<Value = Step> {
    let flush = prop_oneof![
        Just(Flush::Whole),
        (0..6_usize).prop_map(|cells| Flush::KilledWhileFreezing { cells }),
        Just(Flush::KilledBeforeCommit),
        Just(Flush::CommittedButNotTold),
    ];
    prop_oneof![
        4 => (1..6_u32, 1..20_000_usize).prop_map(|(account, bytes)| Step::Count { account, bytes }),
        2 => flush.prop_map(Step::Flush),
        1 => Just(Step::RelayKilled),
    ]
}

/// What the parent does when it starts: settles what was frozen, then goes on. Returns the page as it opens it.
fn recover(page: &Page, store: &mut Store) -> Page {
    let page = Page::open(page.file().unwrap().into()).unwrap();
    match page.standing(store.cursor) {
        Standing::Committed => {}
        Standing::Unsent => store.commit(&page.frozen(NODE).unwrap()),
        Standing::Stale => panic!("the page is stale"),
    }
    page
}

fn flush(page: Page, store: &mut Store, how: Flush) -> Page {
    match how {
        Flush::Whole => {
            if let Some(batch) = page.freeze(NODE) {
                store.commit(&batch);
            }
            page
        }
        Flush::KilledWhileFreezing { cells } => {
            page.snapshot(page.frozen_seq() + 1, cells);
            recover(&page, store)
        }
        Flush::KilledBeforeCommit => {
            page.freeze(NODE);
            recover(&page, store)
        }
        Flush::CommittedButNotTold => {
            let batch = page.freeze(NODE);
            batch.iter().for_each(|batch| store.commit(batch));
            let page = recover(&page, store);
            // Sent again all the same: the store takes it once.
            page.frozen(NODE).iter().for_each(|batch| store.commit(batch));
            page
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_killed_every_byte_is_stored_once(steps in proptest::collection::vec(step(), 1..60)) {
        let (mut page, mut store, mut truth) = (page(5), Store::default(), BTreeMap::new());
        let mut relay = Page::open(page.file().unwrap().into()).unwrap();
        for step in steps {
            match step {
                Step::Count { account, bytes } => {
                    let slot = page.slot_for(id(account)).unwrap();
                    relay.counter(slot, id(account)).unwrap().add(bytes);
                    *truth.entry(id(account)).or_insert(0) += bytes as u64;
                }
                Step::Flush(how) => page = flush(page, &mut store, how),
                Step::RelayKilled => relay = Page::open(page.file().unwrap().into()).unwrap(),
            }
            for (account, stored) in &store.sums {
                prop_assert!(*stored <= truth[account], "never more than was counted");
            }
        }
        let page = recover(&page, &mut store);
        flush(page, &mut store, Flush::Whole);
        prop_assert!(store.sums == truth, "nothing is lost and nothing counts twice");
    }
}

#[test]
fn a_frozen_batch_is_the_same_when_it_is_sent_again() {
    let page = page(2);
    let slot = page.slot_for(id(5)).unwrap();
    let counter = page.counter(slot, id(5)).unwrap();
    assert!(page.freeze(NODE).is_none(), "nothing moved");
    counter.add(10);
    let batch = page.freeze(NODE).unwrap();
    counter.add(90);
    let again = Page::open(page.file().unwrap().into()).unwrap().frozen(NODE).unwrap();
    assert!(batch == again && batch.rows == [(id(5), Bytes(10))] && batch.seq == 1);
    assert!(page.freeze(NODE).unwrap().rows == [(id(5), Bytes(90))]);
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
    let page = Page::create(tempfile::tempfile().unwrap(), 5, 1).unwrap();
    let counter = page.counter(page.slot_for(id(1)).unwrap(), id(1)).unwrap();
    for cursor in [None, Some((4, 900)), Some((5, 0))] {
        assert_eq!(page.standing(cursor), Standing::Committed);
    }
    assert_eq!(page.standing(Some((6, 0))), Standing::Stale);
    assert_eq!(page.standing(Some((5, 1))), Standing::Stale, "the store is ahead of the page");
    counter.add(1);
    page.freeze(NODE);
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
    Page::create(cut.try_clone().unwrap(), 1, 3).unwrap();
    cut.set_len(mapping::size_for(2)).unwrap();
    assert!(matches!(Page::open(cut), Err(PageError::NotAPage)));
    assert!(matches!(Page::create(tempfile::tempfile().unwrap(), 1, 0), Err(PageError::Capacity)));
}

#[test]
fn a_page_has_its_memory_from_the_start() {
    let file = tempfile::tempfile().unwrap();
    let _page = Page::create(file.try_clone().unwrap(), 1, 4_096).unwrap();
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
    assert!(page.freeze(NODE).is_none(), "there is no number left for a batch");
    assert_eq!(page.frozen(NODE).unwrap().rows.len(), 0);
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
