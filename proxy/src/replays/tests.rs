use std::{sync::Arc, thread};

use super::*;

fn memory() -> Replays {
    Replays::create(tempfile::tempfile().unwrap()).unwrap()
}

fn salt(number: u64) -> [u8; 32] {
    *blake3::hash(&number.to_be_bytes()).as_bytes()
}

#[test]
fn a_salt_is_taken_once_and_another_life_of_the_file_knows_it() {
    let first = memory();
    assert!(first.take_stream(&salt(1)) && first.take_datagram(&salt(1)));
    let next = Replays::open(File::from(first.file().unwrap())).unwrap();
    drop(first);
    assert!(!next.take_stream(&salt(1)) && !next.take_datagram(&salt(1)));
    assert!(next.take_stream(&salt(2)));
}

#[test]
fn the_last_hundred_thousand_salts_are_known_however_many_came_before() {
    let memory = memory();
    let all = 900_000;
    assert!((0..all).all(|number| memory.take_stream(&salt(number))));
    let known = (all - 100_000..all).filter(|number| !memory.take_stream(&salt(*number))).count();
    // Entries of the same moment are equally old, so some of them give way by chance.
    assert!(known > 90_000, "{known}");
}

#[test]
fn a_salt_that_many_take_at_once_is_taken_once() {
    let memory = Arc::new(memory());
    for round in 0..200 {
        let takers: Vec<_> = (0..4)
            .map(|_| {
                let memory = Arc::clone(&memory);
                thread::spawn(move || (0..50).filter(|at| memory.take_stream(&salt(round * 50 + at))).count())
            })
            .collect();
        assert_eq!(takers.into_iter().map(|taker| taker.join().unwrap()).sum::<usize>(), 50);
    }
}

#[test]
fn a_session_is_remembered_by_the_highest_of_its_numbers() {
    let memory = memory();
    let (one, other) = (memory.session(b"key", 7), memory.session(b"another key", 7));
    assert_eq!(memory.reached(&one), 0);
    for number in [3, 9, 5] {
        memory.advance(&one, number);
    }
    let next = Replays::open(File::from(memory.file().unwrap())).unwrap();
    assert_eq!((next.reached(&next.session(b"key", 7)), memory.reached(&other)), (10, 0));
    memory.advance(&one, u64::MAX);
    assert_eq!(memory.reached(&one), u64::MAX);
}

#[test]
fn many_sessions_push_out_old_ones_and_never_bind_a_new_one_to_an_old_number() {
    let memory = memory();
    for session in 0..200_000 {
        let place = memory.session(b"key", session);
        assert_eq!(memory.reached(&place), 0, "it was never seen");
        memory.advance(&place, 1_000_000 - session);
        assert_eq!(memory.reached(&place), 1_000_001 - session);
    }
}

#[test]
fn a_file_that_is_something_else_is_none() {
    let file = tempfile::tempfile().unwrap();
    assert!(Replays::open(file.try_clone().unwrap()).is_err());
    file.set_len(memory().file.metadata().unwrap().len()).unwrap();
    assert!(Replays::open(file).is_err());
}

#[test]
fn nothing_that_was_taken_stands_in_the_file() {
    use std::os::unix::fs::FileExt;
    let memory = memory();
    let taken = [salt(1), salt(2)];
    assert!(memory.take_stream(&taken[0]) && memory.take_datagram(&taken[1]));
    memory.advance(&memory.session(&salt(3), 0x0123_4567_89ab_cdef), 5);
    let mut bytes = vec![0; memory.file.metadata().unwrap().len() as usize];
    memory.file.read_exact_at(&mut bytes, 0).unwrap();
    assert!(bytes.iter().skip(64).any(|byte| *byte != 0), "nothing is remembered: the test shows nothing");
    for secret in [&taken[0][..6], &taken[1][..6], &salt(3)[..6], &0x0123_4567_89ab_cdef_u64.to_be_bytes()[..6]] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
