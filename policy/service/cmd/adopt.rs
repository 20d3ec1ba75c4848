//! `avow adopt`: an existing policy in prose as a numbered draft beside it, with everything that is still to be decided.
//!
//! The old text is read and never changed; the draft is a new file.

use std::path::{Path, PathBuf};

use avow_terms::{
    adopt::{self, Draft, Heading, Sentence},
    reading::{self, OPEN_DECISION},
    source::Source,
};
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    failure::Failure,
    report::{self, Table},
    screen::Screen,
    texts,
};

/// Arguments of `avow adopt`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The policy as it is today: Markdown or plain text.
    #[arg(value_name = "OLD")]
    pub old: PathBuf,

    /// The draft to write; it must not exist [default: beside the old text, `OLD.avow.md`].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Runs `avow adopt`.
///
/// # Errors
/// If the old text cannot be read, says nothing or is in the language already, or the draft exists.
pub fn run(args: &Args, screen: Screen) -> Result<Exit, Failure> {
    let vocabulary = texts::vocabulary()?;
    let old = texts::file(&args.old)?;
    if reading::read(old.clone(), &vocabulary).header.is_some() {
        return Err(Failure::refused(format!("`{}` is in the language already", old.name))
            .help(format!("avow check {}", old.name)));
    }
    let draft = adopt::adopt(&old, &vocabulary);
    if draft.sentences.is_empty() {
        return Err(Failure::refused(format!("`{}` has no sentence to carry over", old.name)));
    }
    let out = args.out.clone().unwrap_or_else(|| args.old.with_extension("avow.md"));
    texts::write_new(&out, &draft.text)?;
    let read = reading::read(Source::new(out.display().to_string(), draft.text.as_str()), &vocabulary);
    let open = read.problems.iter().filter(|problem| problem.code == OPEN_DECISION).count();
    screen.document(&json!({
        "draft": out,
        "open_decisions": open,
        "sentences": draft.sentences.iter().map(sentence_json).collect::<Vec<_>>(),
        "headings": draft.headings.iter().map(heading_json).collect::<Vec<_>>(),
    }));
    screen.say(told(&draft, &args.old, &out, open));
    Ok(Exit::Done)
}

fn told(draft: &Draft, old: &Path, out: &Path, open: usize) -> String {
    let promises: Vec<&Sentence> = draft.sentences.iter().filter(|sentence| sentence.promises).collect();
    let mut text = format!(
        "{}: {} of {}, each with a number; {} to take before it is a policy\n",
        out.display(),
        report::count(draft.sentences.len(), "sentence"),
        old.display(),
        report::count(open, "decision"),
    );
    if !promises.is_empty() {
        let mut table = Table::new(["line", "number", "codes", "words"]);
        promises.iter().for_each(|sentence| table.row(row(sentence)));
        let without_code = match promises.iter().filter(|sentence| sentence.codes.is_empty()).count() {
            0 => String::new(),
            some => format!(", {some} of them without a code to guess"),
        };
        let count = report::count(promises.len(), "sentence");
        text += &format!("\n{count} that promise something and bind nobody yet{without_code}:\n\n{table}");
    }
    for (list, heading) in [
        (headings(draft, |heading| heading.promises), "Headings promise nothing; these sound as if they did"),
        (headings(draft, |heading| heading.guessed && !heading.promises), "Lines taken for headings"),
    ] {
        if !list.is_empty() {
            text += &format!("\n{heading}:\n{list}");
        }
    }
    text + &format!(
        "\nNext: for each, take the question marks off what is right and change what is not;\n  avow check {}    says what is still open, and where\n",
        out.display()
    )
}

fn row(sentence: &Sentence) -> [String; 4] {
    let codes: Vec<String> = sentence.codes.iter().map(|code| format!("{code}?")).collect();
    let codes = if codes.is_empty() { "?".to_owned() } else { codes.join(" ") };
    [sentence.line.to_string(), sentence.number.clone(), codes, short(&sentence.words)]
}

fn headings(draft: &Draft, wanted: impl Fn(&Heading) -> bool) -> String {
    let wanted = draft.headings.iter().filter(|heading| wanted(heading));
    wanted.map(|heading| format!("  line {}: {}\n", heading.line, short(&heading.words))).collect()
}

/// The beginning of some words, for a table.
fn short(words: &str) -> String {
    const MOST: usize = 60;
    if words.chars().count() <= MOST {
        return words.to_owned();
    }
    let begin: String = words.chars().take(MOST).collect();
    format!("{} ...", begin.rsplit_once(' ').map_or(begin.as_str(), |(whole, _)| whole))
}

fn sentence_json(sentence: &Sentence) -> Value {
    json!({
        "line": sentence.line,
        "number": sentence.number,
        "letter": sentence.letter,
        "codes": sentence.codes,
        "promises": sentence.promises,
        "words": sentence.words,
    })
}

fn heading_json(heading: &Heading) -> Value {
    json!({
        "line": heading.line,
        "words": heading.words,
        "guessed": heading.guessed,
        "promises": heading.promises,
    })
}
