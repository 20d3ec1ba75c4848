//! `avow init` and `avow adopt`: a first policy that a service runs on, and a draft that is none before it is decided.

use std::fs;

use crate::{
    life::echo_through,
    target::Echo,
    world::{Ran, World},
};

const OLD: &str = "Pier VPN Privacy\n\nWe never log the sites you visit. We keep your e-mail address for 30 days.\n\n\
                   We refuse to store:\n\n- the IP address of a visitor;\n- payment details.\n\nWrite to us.\n";

/// A file of the world that is not there yet.
fn path(world: &World, name: &str) -> String {
    world.directory.path().join(name).to_str().unwrap().to_owned()
}

/// A policy that `avow init` writes with some flags, and that `avow check` finds nothing in.
fn first_policy(world: &World, flags: &[&str]) -> String {
    let file = path(world, "first.md");
    let ran = world.run(&[&["init", file.as_str()], flags].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let checked = world.run(&["check", &file]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    assert!(checked.out.contains("no errors") && !checked.out.contains("warning"), "{}", checked.out);
    file
}

/// A service runs on the policy, bytes are counted if it keeps them, and the audit finds every promise kept.
#[track_caller]
fn runs(flags: &[&str], counts: bool) {
    let world = World::new();
    let file = first_policy(&world, flags);
    let service = world.up_with(world.command(&["up", "--policy", &file]));
    let account = world.first_account();
    let target = Echo::tcp();
    echo_through(&world.link(account), &target);
    if counts {
        world.stored_becomes(account, || target.seen());
    }
    assert_eq!(world.json(&["account", "list"])["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(service.stop(), 0);
    let audit = world.run(&["audit"]);
    assert_eq!(audit.code, 0, "{}{}", audit.out, audit.err);
    assert!(audit.out.contains("KEPT") && !audit.out.contains("BROKEN"), "{}", audit.out);
    let published = world.run(&["publish", &file]);
    assert_eq!(published.code, 0, "{}{}", published.out, published.err);
}

#[test]
fn a_service_runs_on_the_first_policy_and_the_audit_is_clean() {
    runs(&["--yes"], true);
}

#[test]
fn a_service_runs_on_a_policy_that_keeps_more() {
    let flags =
        ["--controller", "Tern VPN", "--contact", "privacy@tern.example", "--home", "DE", "--keep", "email=account"];
    let more = ["--keep", "month-total=1-year", "--keep", "session-addresses=7-days", "--promise", "notice=7-days"];
    runs(&[&flags[..], &more[..]].concat(), true);
}

#[test]
fn a_service_runs_on_a_policy_that_keeps_no_month_total() {
    runs(&["--keep", "month-total=no", "--keep", "diagnostics=account", "--promise", "never=none"], false);
}

#[test]
fn a_file_that_exists_is_left_as_it_is() {
    let world = World::new();
    let file = world.file("privacy.md", "mine");
    for command in
        [vec!["init", file.to_str().unwrap(), "--yes"], vec!["adopt", "old", "--out", file.to_str().unwrap()]]
    {
        let old = world.file("old.md", OLD);
        let command: Vec<&str> =
            command.into_iter().map(|word| if word == "old" { old.to_str().unwrap() } else { word }).collect();
        let ran = world.run(&command);
        assert_eq!(ran.code, 2, "{}", ran.out);
        assert!(ran.err.contains("privacy.md` exists, and is left as it is"), "{}", ran.err);
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }
}

#[test]
fn without_a_terminal_and_without_flags_it_says_how_to_answer() {
    let world = World::new();
    let file = path(&world, "first.md");
    let ran = world.run(&["init", &file]);
    assert_eq!((ran.code, fs::exists(&file).unwrap()), (2, false));
    assert!(ran.err.contains("nobody is here to answer") && ran.err.contains("avow init --yes"), "{}", ran.err);
    let help = world.run(&["init", "--help"]);
    assert!(help.out.contains("--keep session-addresses=..."), "{}", help.out);
}

#[test]
fn an_answer_nobody_offers_writes_nothing() {
    let world = World::new();
    let file = path(&world, "first.md");
    for (flags, said) in [
        (["--keep", "sesions=no"], "did you mean `sessions`?"),
        (["--keep", "sessions"], "write `--keep sessions=...`"),
        (["--promise", "notice=1-day"], "`notice` says nothing while `email` is not kept"),
    ] {
        let ran = world.run(&[&["init", &file], &flags[..]].concat());
        assert_eq!((ran.code, fs::exists(&file).unwrap()), (2, false));
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    let ran = world.run(&["init", &file, "--home", "Germany"]);
    assert_eq!((ran.code, fs::exists(&file).unwrap()), (1, false));
    assert!(ran.err.contains("`Germany` is not a country"), "{}", ran.err);
}

#[test]
fn what_was_written_and_which_examples_stand_in_it_is_told_as_json() {
    let world = World::new();
    let told = world.json(&["init", &path(&world, "first.md"), "--controller", "Tern VPN", "--home", "DE"]);
    assert_eq!(told["policy"], "tern-vpn");
    assert_eq!(told["answers"]["keep"]["month-total"], "month");
    assert_eq!(told["examples"], serde_json::json!(["contact"]));
    assert_eq!(told["problems"], serde_json::json!([]));
}

#[test]
fn an_old_policy_becomes_a_draft_with_everything_left_to_decide() {
    let world = World::new();
    let old = world.file("pier.txt", OLD);
    let ran = world.run(&["adopt", old.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let draft = path(&world, "pier.avow.md");
    assert_eq!(
        ran.out.replace(world.directory.path().to_str().unwrap(), "."),
        "\
./pier.avow.md: 6 sentences of ./pier.txt, each with a number; 10 decisions to take before it is a policy

5 sentences that promise something and bind nobody yet, 1 of them without a code to guess:

LINE  NUMBER  CODES                 WORDS
3     N?1     traffic.destination?  We never log the sites you visit.
3     S?2     account.email?        We keep your e-mail address for 30 days.
5     N?3     ?                     We refuse to store:
7     N?4     visitor.ip?           the IP address of a visitor;
8     N?5     payment.details?      payment details.

Lines taken for headings:
  line 1: Pier VPN Privacy

Next: for each, take the question marks off what is right and change what is not;
  avow check ./pier.avow.md    says what is still open, and where
"
    );
    assert_eq!(fs::read_to_string(&old).unwrap(), OLD);
    let checked: Ran = world.run(&["check", &draft]);
    assert_eq!(checked.code, 1, "{}", checked.out);
    assert!(checked.err.contains("10 errors (10 decisions open)\n"), "{}", checked.err);
    assert!(checked.err.contains("pier.avow.md:14:3") || checked.err.contains("pier.avow.md:14:"), "{}", checked.err);
    for command in ["terms", "rules"] {
        assert_eq!(world.run(&[command, &draft]).code, 1, "a draft is no policy");
    }
}

#[test]
fn a_draft_is_told_as_json_with_the_lines_of_the_old_text() {
    let world = World::new();
    let old = world.file("pier.md", OLD);
    let told = world.json(&["adopt", old.to_str().unwrap(), "--out", &path(&world, "draft.md")]);
    assert_eq!((&told["open_decisions"], &told["sentences"][4]["line"]), (&10.into(), &8.into()));
    assert_eq!(told["sentences"][4]["codes"], serde_json::json!(["payment.details"]));
    assert_eq!(told["headings"][0]["guessed"], true);
    assert!(fs::exists(path(&world, "draft.md")).unwrap());
}

#[test]
fn what_is_no_old_policy_is_refused() {
    let world = World::new();
    let file = first_policy(&world, &["--yes"]);
    let again = world.run(&["adopt", &file]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("is in the language already") && again.err.contains("avow check"), "{}", again.err);
    let empty = world.file("empty.md", "\n---\n\n");
    assert_eq!(world.run(&["adopt", empty.to_str().unwrap()]).code, 1);
    let missing = world.run(&["adopt", &path(&world, "missing.md")]);
    assert_eq!(missing.code, 2, "{}", missing.err);
}
