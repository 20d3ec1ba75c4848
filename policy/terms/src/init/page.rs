//! The answers as a text: front matter, sections, numbers.

use std::fmt::Write;

use super::{
    Answers, Topic,
    clauses::{changes, disclosure, never, notice_lead, recipients, rights},
    rows::{Row, rows},
};

const OPENING: &str = "Each numbered clause below is a promise. Our software reads the same text that you do, and a \
                       clause number, once used, is never given to another subject.";

/// The policy that the answers make.
#[must_use]
pub fn policy(answers: &Answers) -> String {
    let mut page = Page { text: front_matter(answers) };
    let rows = rows(answers, notice_lead(answers).map(|_| "C4"));
    page.paragraph(&format!("# {}: privacy policy", answers.operator.controller));
    page.paragraph(OPENING);
    page.never(&never(answers, &rows));
    page.kept(answers, &rows);
    page.recipients(answers, rows.len());
    page.paragraph("## Your rights");
    page.table("You may | How | Answered within", 'U', 1, &rights(answers));
    page.paragraph("**U6.** You may complain about us to a supervisory authority (`complaint`).");
    page.paragraph("## Changes to this policy");
    page.list('C', &changes(answers));
    page.text
}

/// The name of a policy made of who is responsible: small letters, digits and dashes.
pub(crate) fn name(controller: &str) -> String {
    let words = controller.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { "privacy".to_owned() }
}

fn front_matter(answers: &Answers) -> String {
    let operator = &answers.operator;
    let name = operator.name.clone().unwrap_or_else(|| name(&operator.controller));
    let guarantee = answers.says(Topic::Promise, "guarantee").map_or("published", |choice| choice.key);
    let lines = [
        ("policy", name.as_str()),
        ("document", "privacy"),
        ("version", "1"),
        ("effective", "on publication"),
        ("controller", &operator.controller),
        ("contact", &operator.contact),
        ("home", &operator.home),
        ("guarantee", guarantee),
    ];
    let lines: String = lines.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
    format!("---\n{lines}---\n")
}

/// A text as it grows.
struct Page {
    text: String,
}

impl Page {
    fn paragraph(&mut self, words: &str) {
        let _ = write!(self.text, "\n{words}\n");
    }

    fn list(&mut self, letter: char, items: &[String]) {
        self.text.push('\n');
        for (number, item) in items.iter().enumerate() {
            let _ = writeln!(self.text, "- **{letter}{}.** {item}", number + 1);
        }
    }

    fn table(&mut self, header: &str, letter: char, first: usize, rows: &[String]) {
        let lines = " ---".to_owned() + &" | ---".repeat(header.matches('|').count() + 1);
        let _ = write!(self.text, "\n| Ref | {header} |\n|{lines} |\n");
        for (number, row) in rows.iter().enumerate() {
            let _ = writeln!(self.text, "| **{letter}{}** | {row} |", number + first);
        }
    }

    fn never(&mut self, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.paragraph("## What we never keep");
        self.paragraph("We never keep, in any form:");
        let last = items.len() - 1;
        let end = |number| if number == last { "." } else { ";" };
        let items: Vec<String> =
            items.iter().enumerate().map(|(number, item)| format!("{item}{}", end(number))).collect();
        self.list('N', &items);
    }

    fn kept(&mut self, answers: &Answers, rows: &[Row]) {
        self.paragraph("## What we keep");
        self.paragraph("**S0.** The table below is complete: what is not in it is not stored (`complete`).");
        let cells: Vec<String> = rows.iter().map(cells).collect();
        self.table("What we keep | Why | Where it comes from | How long | Legal basis", 'S', 1, &cells);
        if let Some(at) = rows.iter().position(|row| row.codes.contains(&"diagnostics.attempt")) {
            self.paragraph(&format!(
                "**U7.** S{} is off until you agree to it, and taking that back erases what was collected (`consent`: \
                 `diagnostics.attempt`).",
                at + 1
            ));
        }
        if answers.is(Topic::Promise, "abroad", "nothing") {
            self.paragraph(
                "**L1.** Servers outside our home country store nothing about you (`store-nothing-abroad`).",
            );
        }
    }

    fn recipients(&mut self, answers: &Answers, kept: usize) {
        let rows = recipients(answers, &format!("S1 to S{kept}"));
        let disclosure = disclosure(answers, !rows.is_empty());
        if rows.is_empty() && disclosure.is_none() {
            return;
        }
        self.paragraph("## Who else sees it");
        if let Some(words) = disclosure {
            self.paragraph(&format!("**R1.** {words}"));
        }
        if !rows.is_empty() {
            self.table("Who | What they see | Why | When", 'R', 2, &rows);
        }
    }
}

fn cells(row: &Row) -> String {
    let codes: Vec<String> = row.codes.iter().map(|code| format!("`{code}`")).collect();
    let codes = codes.join(", ");
    format!("{} ({codes}) | {} | {} | {} | {}", row.what, row.why, row.origin, row.how_long, row.legal_basis())
}
