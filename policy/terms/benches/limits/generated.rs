//! Vocabularies and policies of any length, for the benches.

use std::fmt::Write;

const FRONT: &str = "---
policy: generated
document: privacy
version: 1
effective: on publication
controller: Generated
contact: privacy@generated.example
home: CY
guarantee: published
---

# Generated
";

const KEPT: &str = "
## What we keep

**S0.** The table below is complete: what is not in it is not stored (`complete`).

| Ref | What we keep | Why | Where it comes from | How long |
| --- | --- | --- | --- | --- |
";

/// The code of an item.
pub(crate) fn code(item: usize) -> String {
    format!("family{}.item{item}", item % 20)
}

/// A vocabulary with this many items of data in twenty families.
pub(crate) fn vocabulary(items: usize) -> String {
    let mut text = String::from("# Vocabulary\n\n| Data | Parents | Meaning |\n| --- | --- | --- |\n");
    for family in 0..items.min(20) {
        writeln!(text, "| `family{family}` | | A family of items |").unwrap();
    }
    for item in 0..items {
        writeln!(text, "| `{}` | `family{}` | An item |", code(item), item % 20).unwrap();
    }
    let kinds = [
        ("Purpose", "`security` | To counter attacks"),
        ("Measure", "`complete` | Nothing else is stored |\n| `store-nothing-abroad` | Nothing is stored abroad"),
        ("Right", "`delete` | To have it deleted"),
    ];
    for (kind, row) in kinds {
        writeln!(text, "\n| {kind} | Meaning |\n| --- | --- |\n| {row} |").unwrap();
    }
    text
}

/// A policy with a row for each of these items, kept by the event, by the calendar and until deleted in turn.
pub(crate) fn policy(items: usize) -> String {
    let mut text = format!("{FRONT}{KEPT}");
    let phrases = [
        "90 days after the session ends",
        "Until the account is deleted",
        "Until the end of the calendar month (UTC)",
        "90 days after the session ends or until the account is deleted, whichever is earlier",
    ];
    for (item, how_long) in (0..items).zip(phrases.iter().cycle()) {
        let row = item + 1;
        writeln!(
            text,
            "| **S{row}** | Item {item} (`{}`) | Security (`security`) | Derived | {how_long} |",
            code(item)
        )
        .unwrap();
    }
    text + "\n**L1.** Servers abroad store nothing about you (`store-nothing-abroad`).\n"
}

/// A policy of this many clauses, with the vocabulary of the project: paragraphs, lists and rows as in a real one.
pub(crate) fn clauses(number: usize) -> String {
    let mut text = format!("{FRONT}\n## What we never keep\n\nWe never keep, in any form:\n\n");
    let never = number / 5;
    for clause in 1..=never {
        writeln!(text, "- **N{clause}.** what you reach through the tunnel, way {clause} (`traffic.destination`);")
            .unwrap();
    }
    let general = number - 2 * never - 1;
    writeln!(text, "\n## In general\n").unwrap();
    for clause in 1..=general {
        writeln!(
            text,
            "**G{clause}.** Words number {clause} explain N{} and bind nobody to anything.\n",
            clause % never + 1
        )
        .unwrap();
    }
    text.push_str(KEPT);
    for row in 1..=never {
        let code = ["account.email", "session.client_ip", "usage.month_total", "payment.date"].get(row % 4).unwrap();
        writeln!(
            text,
            "| **S{row}** | Thing {row} (`{code}`) | To counter attacks (`security`) | Derived | 90 days after it was recorded |"
        )
        .unwrap();
    }
    text
}
