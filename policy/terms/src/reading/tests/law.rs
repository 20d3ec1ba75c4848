//! What the law asks a policy to say, and what a policy says of itself without keeping to it.

use super::{LANTERN, NORTHGATE, reading};

/// The codes of what is said about a text with these edits.
fn codes(text: &str, edits: &[(&str, &str)]) -> Vec<&'static str> {
    let text = edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    reading(&text).problems.iter().map(|problem| problem.code).collect()
}

#[test]
fn a_right_that_is_not_named_is_noticed_where_the_gdpr_applies() {
    for right in ["access", "correct", "delete", "restrict", "export", "object"] {
        let row = NORTHGATE.lines().find(|line| line.contains(&format!("(`{right}`)"))).unwrap().to_owned() + "\n";
        assert_eq!(codes(NORTHGATE, &[(&row, "")]), ["missing-right"], "{right}");
        assert_eq!(codes(NORTHGATE, &[(&row, ""), ("home: CY", "home: CH")]), [""; 0], "{right}");
        assert_eq!(codes(NORTHGATE, &[(&row, ""), ("document: privacy", "document: terms")]), [""; 0], "{right}");
    }
    let complaint = NORTHGATE.lines().find(|line| line.contains("`complaint`")).unwrap();
    assert_eq!(codes(NORTHGATE, &[(complaint, "")]), ["missing-complaint"]);
    assert_eq!(codes(NORTHGATE, &[("contact: privacy@northgate.example", "contact: us")]), ["missing-contact"]);
}

#[test]
fn a_row_without_a_legal_basis_is_noticed_and_a_wrong_one_refused() {
    let edit = |to| codes(NORTHGATE, &[("(UTC) | Art. 6(1)(b) |", to)]);
    assert_eq!(edit("(UTC) | |"), ["missing-legal-basis"]);
    assert_eq!(edit("(UTC) | Art. 6(1)(z) |"), ["unknown-legal-basis"]);
    assert_eq!(edit("(UTC) | 6(1)(b) and (f) GDPR |"), [""; 0]);
    assert_eq!(
        codes(LANTERN, &[("(`consent`: `diagnostics.attempt`)", "(`consent`: `account.choices`)")]),
        ["missing-consent"]
    );
}

#[test]
fn countries_are_two_letters_or_none() {
    let edit = |to: &str| {
        let row = |line: &str| match line {
            line if line.starts_with("| Ref | Who |") => format!("{line} Transfer |"),
            line if line.starts_with("| **R") => format!("{line} {to} |"),
            line => line.to_owned(),
        };
        let text: Vec<String> = NORTHGATE.lines().map(row).collect();
        let text = text.join("\n").replace("When | Transfer |\n| --- |", "When | Transfer |\n| --- | --- |");
        codes(&text, &[])
    };
    assert_eq!(edit("None"), [""; 0]);
    assert_eq!(edit("NO, US"), [""; 0]);
    assert_eq!(edit("Norway"), ["unknown-country"; 3]);
}

#[test]
fn what_is_used_is_declared() {
    let notices = [(" and the notices of C4 (`notices`)", "")];
    assert_eq!(codes(NORTHGATE, &notices), ["undeclared-purpose"]);
    let processor = NORTHGATE.lines().find(|line| line.starts_with("| **R3**")).unwrap().to_owned() + "\n";
    assert_eq!(codes(NORTHGATE, &[(&processor, "")]), ["undeclared-recipient"]);
    assert_eq!(codes(NORTHGATE, &[("(`desk-only`)", "(`desk-only`: `diagnostics.crash`)")]), ["used-not-kept"]);
    let sealed = ("(`tls`)", "(`encrypt-at-rest`: `diagnostics.crash`)");
    assert_eq!(codes(NORTHGATE, &[sealed]), ["undeclared-data"]);
}

#[test]
fn nobody_is_told_something_always() {
    assert_eq!(codes(NORTHGATE, &[("| When we write to you |", "| Always. |")]), ["shown-to-somebody"]);
    assert_eq!(codes(NORTHGATE, &[("| When we write to you |", "| - |")]), ["shown-to-somebody"]);
}

#[test]
fn a_part_is_kept_as_long_as_the_whole() {
    let whole = ("`payment.date`, `payment.transaction`", "`payment`");
    assert_eq!(codes(NORTHGATE, &[("(`case.steps`", "(`case.steps`")].map(|_| ("S7", "S7"))), [""; 0]);
    let part = ("`account.blocked`, `case.steps`", "`account.blocked`, `payment.amount`");
    let found = codes(NORTHGATE, &[whole, part]);
    assert!(found.contains(&"two-retentions"), "{found:?}");
}
