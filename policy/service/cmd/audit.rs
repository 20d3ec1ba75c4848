//! `avow audit`: the store against the policy, promise by promise, in the policy's own words.

use std::io::IsTerminal;

use avow_audit::{Finding, Line, Question, Report, Standing, Verdict};

use crate::{cli::Data, clock, data_dir::DataDir, exit::Exit, failure::Failure, report, screen::Screen};

/// The width of a line of words before it is broken.
const WIDTH: usize = 100;

/// Runs `avow audit`.
///
/// # Errors
/// If it could not run at all: no store, or one that cannot be read.
pub fn run(data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let directory = DataDir::at(&data.dir);
    directory.require_store()?;
    screen.progress("reading the store ...");
    let (store, history) = (directory.store(), directory.history());
    let question = Question {
        store: &store,
        history_dir: Some(&history),
        inventory: avow_accounting::INVENTORY,
        now: clock::now(),
    };
    let report = avow_audit::audit(&question).map_err(Failure::could_not)?;
    screen.document(&report);
    screen.say(page(&report, screen.colour && std::io::stdout().is_terminal()));
    Ok(match report.exit_code() {
        0 => Exit::Done,
        1 => Exit::No,
        _ => Exit::Undetermined,
    })
}

fn page(report: &Report, colour: bool) -> String {
    let mut text = head(report);
    for line in report.promises.iter().filter(|line| line.verdict != Verdict::NotHere) {
        text.push_str(&promise(line, colour));
    }
    if !report.findings.is_empty() {
        text.push_str("\nWhat is wrong\n");
        report.findings.iter().for_each(|finding| text.push_str(&finding_text(finding)));
    }
    text.push_str(&not_checked(report));
    text.push_str(&foot(report));
    text
}

fn head(report: &Report) -> String {
    let standing = match report.standing {
        Standing::Trial => "on trial: enforced and audited in full, it binds nobody until `avow publish`".into(),
        Standing::InForce { version, effective } => format!("version {version}, in force since {effective}"),
    };
    let looked = &report.looked_at;
    format!(
        "{}, {standing}\nlooked at {}, {}, {}, {} bytes, at {}\n\n",
        report.policy,
        report::count(looked.tables, "table"),
        report::count(looked.columns, "column"),
        report::count(usize::try_from(looked.rows).unwrap_or(usize::MAX), "row"),
        report::thousands(looked.bytes),
        report::instant(report.now),
    )
}

fn promise(line: &Line, colour: bool) -> String {
    let (word, paint) = match line.verdict {
        Verdict::Kept => ("KEPT", "32"),
        Verdict::Broken => ("BROKEN", "31;1"),
        Verdict::Unchecked => ("UNKNOWN", "33"),
        Verdict::NotHere => ("", "0"),
    };
    let word = if colour { format!("\u{1b}[{paint}m{word:<7}\u{1b}[0m") } else { format!("{word:<7}") };
    let indent = " ".repeat(14);
    format!(
        "{word} {:<5} {}\n{indent}{}  ({})\n",
        line.clause.to_string(),
        wrap(&format!("\u{201c}{}\u{201d}", line.words), &indent),
        wrap(&line.evidence, &indent),
        line.location
    )
}

fn finding_text(finding: &Finding) -> String {
    let clause = finding.clause.map(|clause| format!("breaks {clause}: ")).unwrap_or_default();
    let indent = " ".repeat(10);
    format!(
        "  {:<7} {}\n{indent}at {}\n{indent}to do: {}\n",
        finding.check,
        wrap(&format!("{clause}{}", finding.what), &indent),
        finding.place,
        wrap(&finding.remedy, &indent)
    )
}

fn not_checked(report: &Report) -> String {
    let here: Vec<&Line> = report.promises.iter().filter(|line| line.verdict == Verdict::NotHere).collect();
    if here.is_empty() && report.not_checked.is_empty() {
        return String::new();
    }
    let indent = " ".repeat(8);
    let mut text = "\nNot checked here\n".to_owned();
    for line in here {
        text.push_str(&format!("  {:<5} {}\n", line.clause.to_string(), wrap(&line.evidence, &indent)));
    }
    for other in &report.not_checked {
        text.push_str(&format!("  -     {}: {}\n", other.what, wrap(&other.why, &indent)));
    }
    text
}

fn foot(report: &Report) -> String {
    let of = |verdict| report.promises.iter().filter(|line| line.verdict == verdict).count();
    let verdict = match report.exit_code() {
        0 => "every promise that a store can show is kept",
        1 => "a promise is broken, or the store is not what it says",
        _ => "a promise could not be checked",
    };
    format!(
        "\n{} kept, {} broken, {} unknown, {} for the operator to show: {verdict}\n",
        of(Verdict::Kept),
        of(Verdict::Broken),
        of(Verdict::Unchecked),
        of(Verdict::NotHere)
    )
}

/// Breaks words into lines, the later ones indented.
fn wrap(words: &str, indent: &str) -> String {
    let mut text = String::new();
    let mut column = indent.len();
    for word in words.split_whitespace() {
        let length = word.chars().count() + 1;
        if column + length > WIDTH && column > indent.len() {
            text.push('\n');
            text.push_str(indent);
            column = indent.len();
        } else if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
        column += length;
    }
    text
}
