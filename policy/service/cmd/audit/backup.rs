//! `avow audit --backup`: what a backup holds, what of it still opens, and whether every byte of it has a reason.

use std::path::Path;

use avow_accounting::{Backup, BackupError, Part};
use avow_audit::{BackupQuestion, BackupReport, HeldPart, NotChecked, Opens};

use super::{WIDTH, finding_text, wrap};
use crate::{
    cli::Data,
    clock,
    data_dir::DataDir,
    exit::Exit,
    failure::Failure,
    meter::Meter,
    report::{self, Table},
    screen::Screen,
};

/// Runs `avow audit --backup`.
///
/// # Errors
/// If it could not run at all: no file, or one that is no backup.
pub(super) fn run(file: &Path, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let directory = DataDir::of(data)?;
    let opens = opens(file, &directory, &Meter::new(screen));
    let store = directory.store();
    let question = BackupQuestion {
        file,
        store: directory.has_store().then_some(store.as_path()),
        inventory: avow_accounting::INVENTORY,
        now: clock::now(),
        opens: opens.as_deref().ok(),
    };
    let mut report = avow_audit::audit_backup(&question).map_err(Failure::could_not)?;
    if let Err(why) = opens {
        report.not_checked.push(NotChecked { what: "which keys are left".into(), why });
    }
    screen.document(&report);
    screen.say(page(&report, &directory));
    Ok(match report.exit_code() {
        0 => Exit::Done,
        1 => Exit::No,
        _ => Exit::Undetermined,
    })
}

/// What the keys that are there open; or why none could be asked.
fn opens(file: &Path, directory: &DataDir, meter: &std::sync::Arc<Meter>) -> Result<Vec<Opens>, String> {
    let store = directory.store();
    let opening = directory.opening(&store).map_err(|failure| failure.render(false))?;
    let parts = Backup::read(file).and_then(|backup| backup.unlock(&opening)).and_then(|mut unlocked| {
        let telling = meter.telling();
        unlocked.look(&*telling)
    });
    let rows = |count| u64::try_from(count).unwrap_or(u64::MAX);
    let of =
        |part: Part| Opens { name: part.name, recorded: part.opened, rows: rows(part.rows), erased: rows(part.erased) };
    match parts {
        Ok(parts) => Ok(parts.into_iter().filter(|part| part.opens).map(of).collect()),
        // Other keys, or new ones: nothing of it opens with those that there are.
        Err(BackupError::OtherKeys { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn page(report: &BackupReport, directory: &DataDir) -> String {
    let policy = if report.policy.is_empty() { "a policy that cannot be read" } else { &report.policy };
    let mut text = format!(
        "backup of {policy}, made at {}, {} bytes, {}\nlooked at with the keys in `{}`, at {}\n\n",
        report::instant(report.made),
        report::thousands(report.bytes),
        report::count(report.versions, "published version"),
        directory.keys().display(),
        report::instant(report.now),
    );
    let mut table = Table::new(["part", "opens", "rows", "erased", "clause", "gone at"]);
    report.parts.iter().for_each(|part| table.row(row(part)));
    text.push_str(&table.to_string());
    if !report.findings.is_empty() {
        text.push_str("\nWhat is wrong\n");
        report.findings.iter().for_each(|finding| text.push_str(&finding_text(finding)));
    }
    text.push_str("\nNot checked here\n");
    let indent = " ".repeat(8);
    for other in &report.not_checked {
        text.push_str(&format!("  -     {}: {}\n", other.what, wrap(&other.why, &indent)));
    }
    text.push_str(&format!("\n{}\n", wrap(&verdict(report), "")));
    debug_assert!(text.lines().all(|line| line.chars().count() < 2 * WIDTH));
    text
}

fn row(part: &HeldPart) -> [String; 6] {
    let number = |count: Option<u64>| count.map_or_else(|| "-".into(), |count| count.to_string());
    let opens = match part.opens {
        Some(true) => "yes",
        Some(false) => "no, its key is destroyed",
        None => "unknown",
    };
    let clauses = part.clauses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let gone = match (part.opens, part.due) {
        (_, Some(due)) => report::instant(due),
        (Some(true), None) => "with its account".into(),
        _ => "-".into(),
    };
    let clauses = if clauses.is_empty() { "-".into() } else { clauses };
    [part.name.clone(), opens.into(), number(part.rows), number(part.erased), clauses, gone]
}

fn verdict(report: &BackupReport) -> String {
    let opens = report.parts.iter().filter(|part| part.opens == Some(true)).count();
    let bytes = "every byte of the file belongs to a declared part; the values in it are sealed";
    match report.exit_code() {
        0 => format!("{opens} of {} open: {bytes}", report::count(report.parts.len(), "part")),
        1 => "something in this backup is not as it should be".into(),
        _ => format!("no key could be asked what opens: {bytes}"),
    }
}
