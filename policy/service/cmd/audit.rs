//! `avow audit`: the store against the policy, promise by promise, in the policy's own words.

mod backup;

use std::{io::IsTerminal, path::PathBuf};

use avow_audit::{Credential, Finding, Keys, KeysAt, Line, NotChecked, Question, Report, Standing, Verdict};
use avow_terms::key_place::WRAPPED;

use crate::{
    cli::Data, clock, data_dir, data_dir::DataDir, exit::Exit, failure::Failure, report, screen::Screen, walls,
    walls::Look,
};

/// The width of a line of words before it is broken.
const WIDTH: usize = 100;

/// Arguments of `avow audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look at this backup instead of the store: what it holds, what of it still opens, and every byte of it.
    #[arg(long, value_name = "FILE")]
    pub backup: Option<PathBuf>,
}

/// Runs `avow audit`.
///
/// # Errors
/// If it could not run at all: no store, or one that cannot be read.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    if let Some(file) = &args.backup {
        return backup::run(file, data, screen);
    }
    let directory = DataDir::of(data)?;
    directory.require_store()?;
    screen.progress("reading the store ...");
    let (store, history) = (directory.store(), directory.history());
    let credential = data_dir::credential()?.and_then(|secret| Credential::new(secret.expose()));
    let question = Question {
        store: &store,
        history_dir: Some(&history),
        keys: Some(KeysAt { directory: directory.keys(), credential: credential.as_ref() }),
        inventory: avow_accounting::INVENTORY,
        now: clock::now(),
    };
    let mut report = avow_audit::audit(&question).map_err(Failure::could_not)?;
    let walls = walls(data, &mut report);
    screen.document(&report);
    screen.say(page(&report, &walls, screen.colour && std::io::stdout().is_terminal()));
    Ok(match report.exit_code() {
        0 => Exit::Done,
        1 => Exit::No,
        _ => Exit::Undetermined,
    })
}

fn page(report: &Report, walls: &str, colour: bool) -> String {
    let mut text = head(report, walls);
    text.push_str(&report.keys.as_ref().map(keys).unwrap_or_default());
    text.push('\n');
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

/// Looks at the relay of the service that runs here: what holds, in words. What does not hold is a finding.
fn walls(data: &Data, report: &mut Report) -> String {
    let mut unchecked = |why: &str| {
        report.not_checked.push(NotChecked { what: "the walls around the relay".into(), why: why.into() });
        String::new()
    };
    let relay = match walls::relay(data) {
        Ok(Some(relay)) => relay,
        Ok(None) => return unchecked("no service runs here; `avow walls` tries whether they hold on this machine"),
        Err(_) => return unchecked("the running service did not answer"),
    };
    if let Some(look) = relay.looks.iter().find(|look| look.holds.is_none()) {
        unchecked(&format!("{}: {}", look.what, look.found));
    }
    for wall in &relay.missing {
        unchecked(&format!("{} is missing on this kernel; `avow walls` says more", wall.name()));
    }
    let (broken, holding): (Vec<&Look>, Vec<&Look>) = relay.looks.iter().partition(|look| look.holds == Some(false));
    let broken = broken.into_iter().filter(|look| !relay.missing.contains(&look.wall));
    report.findings.extend(broken.map(|look| Finding {
        check: "walls",
        clause: None,
        also: Vec::new(),
        what: format!("the relay does not stand behind its walls: {}: {}", look.what, look.found),
        place: format!("process {}", relay.pid),
        remedy: "run `avow walls`; on a kernel that has them, start the service again".into(),
    }));
    format!("the relay: {}\n", holding.iter().map(|look| look.what).collect::<Vec<_>>().join(", "))
}

fn head(report: &Report, walls: &str) -> String {
    let standing = match report.standing {
        Standing::Trial => "on trial: enforced and audited in full, it binds nobody until `avow publish`".into(),
        Standing::InForce { version, effective } => format!("version {version}, in force since {effective}"),
    };
    let looked = &report.looked_at;
    format!(
        "{}, {standing}\nlooked at {}, {}, {}, {} bytes, at {}\n{walls}",
        report.policy,
        report::count(looked.tables, "table"),
        report::count(looked.columns, "column"),
        report::count(usize::try_from(looked.rows).unwrap_or(usize::MAX), "row"),
        report::thousands(looked.bytes),
        report::instant(report.now),
    )
}

/// Where the keys lie, and truthfully what that covers and what it does not.
fn keys(keys: &Keys) -> String {
    let indent = " ".repeat(6);
    let wrapped = if keys.wrapped { format!(", wrapped with a credential: {WRAPPED}") } else { String::new() };
    let counted = |count: u64, what| report::count(usize::try_from(count).unwrap_or(usize::MAX), what);
    let first = format!(
        "the keys: {}, {}; {} opened, each with its own; {}{wrapped}: {}",
        counted(keys.accounts, "account"),
        counted(keys.buckets, "bucket"),
        counted(keys.opened, "sealed value"),
        keys.place,
        keys.covers,
    );
    format!("{}\n{indent}not covered: {}\n", wrap(&first, &indent), wrap(&keys.not_covered.join("; "), &indent))
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
