//! Files that are no policy are refused with a reason, and what a policy lacks for this service can be pasted.

use std::fs;

use crate::world::{World, repository};

const NORTHGATE: &str = "policy-docs/northgate/privacy.md";

/// `avow check` of a file with these bytes: its code and what it says.
fn check(bytes: &[u8]) -> (i32, String) {
    let world = World::new();
    let path = world.directory.path().join("privacy.md");
    fs::write(&path, bytes).unwrap();
    let ran = world.run(&["check", path.to_str().unwrap()]);
    (ran.code, ran.out + &ran.err)
}

#[test]
fn what_is_not_a_policy_is_refused_with_a_reason() {
    let text = repository(NORTHGATE);
    for (bytes, code, said) in [
        (Vec::new(), 1, "front matter"),
        (b"\xff\xfe-\0-\0-\0".to_vec(), 1, "this is not UTF-8 text"),
        (vec![b'a'; 50 << 20], 2, "is too large (over 4 MiB)"),
        (text.replace("What we keep", "What\0 we keep").into_bytes(), 1, "U+0000"),
        (text.replace("visitor.ip", "visit\u{43e}r.ip").into_bytes(), 1, "U+043E"),
        (format!("{text}\n{}x\n", "- ".repeat(10_000)).into_bytes(), 1, "clause number"),
    ] {
        let (ended, words) = check(&bytes);
        assert!(ended == code && words.contains(said), "{said}: {ended} {}", words.get(..2000).unwrap_or(&words));
    }
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let (ended, words) = check(format!("\u{feff}{}", repository(NORTHGATE)).as_bytes());
    assert_eq!(ended, 0, "{words}");
}

#[test]
fn what_the_service_needs_can_be_pasted() {
    let world = World::new();
    let clean = world.run(&["check", "--for-service", NORTHGATE]);
    assert_eq!(clean.code, 0, "{}", clean.err);
    for left_out in [
        "it leaves out the user name: `avow record NUMBER username` is refused",
        "it leaves out the password digest: `avow record NUMBER password` is refused",
        "it leaves out the device count: devices are not counted",
    ] {
        assert!(clean.out.contains(left_out), "`{left_out}` is missing: {}", clean.out);
    }
    for kept in ["e-mail", "payment", "plan", "block", "month total", "sealed session"] {
        assert!(!clean.out.contains(&format!("it leaves out the {kept}")), "{}", clean.out);
    }
    let lantern = world.json(&["check", "--for-service", "policy-docs/lantern/privacy.md"]);
    let left_out = lantern["files"][0]["left_out"].as_array().unwrap();
    let codes: Vec<&str> = left_out.iter().map(|left| left["code"].as_str().unwrap()).collect();
    for code in ["account.blocked", "payment.date", "session.client_ip"] {
        assert!(codes.contains(&code), "`{code}` is missing: {codes:?}");
    }
    assert!(!codes.contains(&"account.username"), "{codes:?}");
    let text = repository(NORTHGATE);
    let without: String = text.split_inclusive('\n').filter(|line| !line.starts_with("| **S5**")).collect();
    let without = without.replace("S1 to S8", "S1, S2");
    let file = world.file("privacy.md", &without);
    let file = file.to_str().unwrap();
    assert_eq!(world.run(&["check", file]).code, 0);
    let ran = world.run(&["check", "--for-service", file]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    let row = ran.err.lines().map(str::trim).find(|line| line.starts_with("| **S9**")).expect("a row to paste");
    assert!(row.contains("`account.number`") && row.contains("`account.access_keys`"), "{row}");
    let last = without.lines().find(|line| line.starts_with("| **S8**")).unwrap();
    let mended = without.replace(last, &format!("{last}\n{row}"));
    let ran = world.run(&["check", "--for-service", world.file("mended.md", &mended).to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_policy_is_a_record_of_processing() {
    let world = World::new();
    let markdown = world.run(&["terms", NORTHGATE, "--format", "ropa"]);
    assert!(
        markdown.out.contains("| To collect a payment") && markdown.out.contains("Art. 6(1)(f)"),
        "{}",
        markdown.out
    );
    let csv = world.run(&["terms", NORTHGATE, "--format", "ropa-csv"]);
    assert!(csv.out.starts_with("Controller,Country,Contact,Purpose,"), "{}", csv.out);
    assert!(csv.out.lines().all(|line| line.starts_with("Controller,") || line.starts_with("Northgate Tunnel,CY,")));
    for (command, form) in [("rules", "ropa"), ("check", "ropa-csv"), ("terms", "sarif"), ("preview", "github")] {
        let ran = world.run(&[command, NORTHGATE, "--format", form]);
        assert_eq!((ran.code, ran.err.contains("speaks this form")), (2, true), "{command} {form}: {}", ran.err);
    }
}

#[test]
fn a_node_abroad_does_not_start_under_a_policy_that_stores_nothing_abroad() {
    let world = World::new();
    world.configure("[policy]\nplace = \"abroad\"\n");
    let ran = world.run(&["up"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("L1") && ran.err.contains("abroad"), "{}", ran.err);
}
