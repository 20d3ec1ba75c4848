//! What an account gave and chose, from the command to the bytes of the store: kept where the policy declares it, refused
//! in its words where it does not, and gone when it must be.

use std::{
    fs,
    io::Write,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use sha2::Digest;

use crate::{
    life::echo_through,
    target::Echo,
    world::{PATIENCE, Ran, Service, World, repository},
};

impl World {
    /// Runs `avow record` with a text on standard input.
    fn record(&self, account: u64, arguments: &[&str], input: &str) -> Ran {
        let number = account.to_string();
        let mut command = self.command(&["record", &number]);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    }

    /// Every byte of the store and its log.
    fn stored_bytes(&self) -> Vec<u8> {
        let files = ["avow.db", "avow.db-wal"].map(|name| fs::read(self.data().join(name)).unwrap_or_default());
        files.concat()
    }

    fn under_lantern() -> (Self, Service, u64) {
        let world = Self::new();
        let policy = world.file("lantern.md", &repository("policy-docs/lantern/privacy.md"));
        let mut up = world.command(&["up"]);
        up.arg("--policy").arg(policy);
        let service = world.up_with(up);
        let account = world.first_account();
        (world, service, account)
    }
}

#[track_caller]
fn done(ran: &Ran) {
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[track_caller]
fn refused(ran: &Ran, words: &str) {
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(words), "{}", ran.err);
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn northgate_keeps_an_address_a_payment_and_a_complaint_and_no_name_and_no_password() {
    let world = World::new();
    let service = world.up();
    let account = world.first_account();
    done(&world.record(account, &["email"], "somebody@mail.example\n"));
    let card =
        r#"{"id": "TX-778", "date": "2026-11-25", "card": {"number": "4111111111111111", "holder": "Anna Blum"}}"#;
    let paid = world.record(account, &["payment"], card);
    done(&paid);
    assert!(paid.out.contains("TX-778") && !paid.out.contains("4111"), "{}", paid.out);
    done(&world.record(account, &["case", "reported"], ""));
    let blocked = world.record(account, &["case", "blocked"], "");
    assert!(blocked.out.contains("blocked     yes"), "{}", blocked.out);
    done(&world.record(account, &["case", "unblocked"], ""));
    refused(&world.record(account, &["username"], "Anna Blum\n"), "`account.username`");
    refused(&world.record(account, &["password"], "correct horse\n"), "`account.password_digest`");
    refused(&world.record(account, &["choose", "--messages", "off"], ""), "`account.choices`");
    refused(&world.record(account, &["email"], "192.0.2.7"), "this is no e-mail address");
    refused(&world.record(account, &["case", "192.0.2.7"], ""), "is no decision");
    let bytes = world.stored_bytes();
    for text in ["mail.example", "4111", "Anna", "TX-778", "correct horse", "192.0.2.7"] {
        assert!(!holds(&bytes, text), "{text}");
    }
    let shown = world.run(&["account", "show", &account.to_string()]).out;
    for (code, clause) in [("account.email", "S1"), ("payment.transaction", "S4"), ("case.steps", "S7")] {
        let line = shown.lines().find(|line| line.contains(code)).unwrap_or_else(|| panic!("{shown}"));
        assert!(line.contains(clause), "{line}");
    }
    assert!(!shown.contains("account.blocked"), "it is not blocked any more, so nothing says that it was: {shown}");
    let audit = world.run(&["audit"]);
    assert_eq!(audit.code, 0, "{}", audit.out);
    done(&world.run(&["account", "remove", &account.to_string()]));
    assert_eq!(service.stop(), 0);
}

#[test]
fn a_code_is_given_once_used_once_and_never_kept() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account();
    let given = world.record(account, &["code"], "");
    done(&given);
    let code = given.out.trim();
    assert!(!holds(&world.stored_bytes(), code));
    assert_eq!(world.record(account, &["use-code"], "AAAA-AAAA").code, 1);
    assert_eq!(world.record(account, &["use-code"], code).out.trim(), "yes");
    assert_eq!(world.record(account, &["use-code"], code).code, 1);
}

#[test]
fn lantern_keeps_a_name_a_digest_and_choices_and_shows_staff_neither_name_nor_digest() {
    let (world, _service, account) = World::under_lantern();
    done(&world.record(account, &["username"], "Anna Blum\n"));
    done(&world.record(account, &["password"], "correct horse\n"));
    assert_eq!(world.record(account, &["check-password"], "correct horse").out.trim(), "yes");
    assert_eq!(world.record(account, &["check-password"], "battery staple").code, 1);
    refused(&world.record(account, &["payment"], r#"{"id": "T", "date": "2026-11-25"}"#), "`payment.date`");
    let shown = world.record(account, &[], "");
    let page = world.run(&["account", "show", &account.to_string(), "--format", "json"]);
    for text in [&shown.out, &page.out] {
        assert!(!text.contains("Anna") && !text.contains("correct"), "{text}");
    }
    assert!(!holds(&world.stored_bytes(), "Anna Blum"));
    let audit = world.run(&["audit"]);
    assert_eq!(audit.code, 0, "{}", audit.out);
}

#[test]
fn diagnostics_are_off_until_somebody_agrees_and_withdrawing_erases_them() {
    let (world, _service, account) = World::under_lantern();
    let attempt = ["attempt", "tcp", "aes-256-gcm", "phone"];
    assert_eq!(world.record(account, &attempt, "").code, 1, "off by default");
    done(&world.record(account, &["choose", "--diagnostics", "on"], ""));
    let kept = world.record(account, &attempt, "");
    assert!(kept.out.contains("diagnostics yes (1 attempt)"), "{}", kept.out);
    let withdrawn = world.record(account, &["choose", "--diagnostics", "off"], "");
    assert!(withdrawn.out.contains("diagnostics no (0 attempts)"), "{}", withdrawn.out);
}

#[test]
fn lantern_keeps_the_bytes_and_the_day_of_each_session() {
    let (world, service, account) = World::under_lantern();
    let target = Echo::tcp();
    echo_through(&world.link(account), &target);
    let end = Instant::now() + PATIENCE;
    let sessions = || world.json(&["record", &account.to_string()])["sessions"].as_array().unwrap().clone();
    while sessions().is_empty() {
        assert!(Instant::now() < end, "no session is kept");
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(service.stop(), 0);
    let kept = sessions();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0][1].as_u64().unwrap(), target.seen());
    assert_eq!(kept[0][0].as_str().unwrap().len(), "2026-11-25".len(), "a day and no time: {kept:?}");
    let audit = world.run(&["audit"]);
    assert_eq!(audit.code, 0, "{}", audit.out);
}

#[test]
fn lantern_counts_devices_as_they_come_and_go_and_northgate_does_not() {
    let (world, _service, account) = World::under_lantern();
    let number = account.to_string();
    let devices = || world.json(&["record", &number])["devices"].clone();
    assert_eq!(devices(), 1);
    done(&world.run(&["account", "device", "add", &number]));
    assert_eq!(devices(), 2);
    done(&world.run(&["account", "device", "remove", &number, "1"]));
    assert_eq!(devices(), 1);
    let shown = world.run(&["account", "show", &number]).out;
    let line = shown.lines().find(|line| line.contains("account.device_count")).unwrap_or_else(|| panic!("{shown}"));
    assert!(line.contains("S5"), "{line}");
    assert_eq!(world.run(&["audit"]).code, 0);

    let world = World::new();
    let _service = world.up();
    let number = world.first_account().to_string();
    done(&world.run(&["account", "device", "add", &number]));
    assert!(world.json(&["record", &number])["devices"].is_null());
    assert!(!world.run(&["account", "show", &number]).out.contains("device_count"));
}

#[test]
fn the_evidence_of_notices_is_a_number_and_a_digest_and_holds_no_address() {
    let world = World::new();
    let service = world.up();
    let sent = "2026-11-25 250 accepted somebody@mail.example\n";
    let keep = |version: &str, sent: &str| {
        let mut command = world.command(&["notices", "keep", version, "--accepted", "1032"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(sent.as_bytes()).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    };
    refused(&keep("1", sent), "version 1 was never published");
    done(&world.run(&["publish", "policy-docs/northgate/privacy.md"]));
    assert_eq!(keep("1", "").code, 2, "nothing was sent");
    let kept = keep("1", sent);
    done(&kept);
    let digest = sha2::Sha256::digest(sent.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(kept.out.contains("032") && kept.out.contains(&digest), "{}", kept.out);
    // A second time it takes the place of the first.
    done(&keep("1", sent));
    let notices = world.json(&["notices"]);
    assert_eq!(notices["notices"].as_array().unwrap().len(), 1, "{notices}");
    assert!(!holds(&world.stored_bytes(), "mail.example"));
    let audit = world.run(&["audit"]);
    assert_eq!(audit.code, 0, "{}", audit.out);
    assert_eq!(service.stop(), 0);
}
