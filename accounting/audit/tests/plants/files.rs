//! What lies beside the store.

use std::fs;

use crate::world::{World, breaks, clean};

#[test]
fn a_plain_copy_beside_the_store_is_found() {
    for name in ["old.db", "notes.bin", "history/v1.md", "backup/2026/avow"] {
        let world = World::trial();
        let copy = fs::read(world.store()).unwrap();
        world.write(name, &copy);
        breaks(&world.audit(), "file.database", "S0");
    }
}

#[test]
fn journals_and_dumps_beside_the_store_are_found() {
    let rollback = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    for name in ["avow.db-journal", "tail.bin"] {
        let world = World::trial();
        world.write(name, &rollback);
        breaks(&world.audit(), "file.journal", "S0");
    }
    let world = World::trial();
    let mut core = b"\x7fELF".to_vec();
    core.resize(16, 0);
    core.extend([4, 0]);
    world.write("core.1234", &core);
    breaks(&world.audit(), "file.dump", "S0");
}

#[test]
fn what_belongs_into_a_data_directory_is_no_finding() {
    let world = World::trial();
    world.write("avow.toml", b"listen = \"127.0.0.1:8388\"\n");
    clean(&world.audit());
}

#[test]
fn another_file_is_listed_as_not_checked() {
    let world = World::trial();
    world.write("someone@mail.example.txt", b"notes");
    let report = world.audit();
    clean(&report);
    assert!(report.not_checked.iter().any(|not| not.what == "1 other file beside the store"));
    assert!(!format!("{report:?}").contains("someone@"));
}
