//! `avow init`: a first policy from a few answers, given by flags or asked for on a terminal.
//!
//! It writes one new file and never touches one that is there. What it writes was read and compiled first.

mod ask;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use avow_terms::{
    init::{self, Answers, NoAnswer, Operator, QUESTIONS, Topic},
    problem::Problem,
    rules::Rules,
    source::Source,
};
use serde_json::{Value, json};

use crate::{exit::Exit, failure::Failure, report, screen::Screen, texts};

/// Arguments of `avow init`.
#[derive(Debug, clap::Args)]
#[command(after_help = offers())]
pub struct Args {
    /// The file to write; it must not exist.
    #[arg(value_name = "FILE", default_value = "privacy.md")]
    pub file: PathBuf,

    /// Who makes the promises.
    #[arg(long, value_name = "NAME")]
    pub controller: Option<String>,

    /// Where people ask about them.
    #[arg(long, value_name = "WHERE")]
    pub contact: Option<String>,

    /// The home country, in two letters (ISO 3166).
    #[arg(long, value_name = "COUNTRY")]
    pub home: Option<String>,

    /// The name of the policy, the same for every version [default: made of the controller's].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// What is kept, and how long: `--keep month-total=month`.
    #[arg(long, value_name = "WHAT=HOW-LONG")]
    pub keep: Vec<String>,

    /// What it is kept for: `--why month-total=limit`.
    #[arg(long, value_name = "WHAT=REASON")]
    pub why: Vec<String>,

    /// What is promised besides: `--promise notice=30-days`.
    #[arg(long, value_name = "WHAT=ANSWER")]
    pub promise: Vec<String>,

    /// Ask nothing: take the first answer where no flag gives another.
    #[arg(long)]
    pub yes: bool,
}

/// Runs `avow init`.
///
/// # Errors
/// If the file exists, an answer is none, or nobody is there to answer.
pub fn run(args: &Args, screen: Screen) -> Result<Exit, Failure> {
    if args.file.exists() {
        return Err(texts::exists(&args.file));
    }
    let vocabulary = texts::vocabulary()?;
    let mut answers = given(args)?;
    let by_flags = args.yes || args.has_answers();
    if !args.yes && io::stdin().is_terminal() && io::stderr().is_terminal() {
        let read = |source| texts::policy(source, &vocabulary).map(drop);
        ask::questions(&mut answers, args, &read, &mut io::stdin().lock(), &mut io::stderr().lock())?;
    } else if !by_flags {
        return Err(Failure::could_not("nobody is here to answer")
            .help("run it on a terminal, or answer by flags: `avow init --yes`; `avow init --help` has all of them"));
    }
    answers.settle().map_err(not_taken)?;
    let text = init::policy(&answers);
    let (policy, warnings) = texts::policy(Source::new(args.file.display().to_string(), text.as_str()), &vocabulary)?;
    Rules::compile(policy.clone(), vocabulary.clone(), 0)?;
    texts::write_new(&args.file, &text)?;
    screen.document(&json!({
        "file": args.file,
        "policy": policy.header.policy,
        "version": policy.header.version,
        "clauses": policy.clauses.len(),
        "terms": policy.terms.len(),
        "answers": answers_json(&answers),
        "examples": examples(&answers),
        "problems": report::problems_json(&warnings),
    }));
    screen.say(written(args, &answers, &report::count(policy.clauses.len(), "clause"), &warnings, screen.colour));
    Ok(Exit::Done)
}

impl Args {
    fn has_answers(&self) -> bool {
        let operator = [&self.controller, &self.contact, &self.home, &self.name];
        let lists = [&self.keep, &self.why, &self.promise];
        operator.iter().any(|answer| answer.is_some()) || lists.iter().any(|list| !list.is_empty())
    }
}

/// The answers that the flags give.
fn given(args: &Args) -> Result<Answers, Failure> {
    let example = Operator::default();
    let operator = Operator {
        name: args.name.clone(),
        controller: args.controller.clone().unwrap_or(example.controller),
        contact: args.contact.clone().unwrap_or(example.contact),
        home: args.home.clone().unwrap_or(example.home),
    };
    let mut answers = Answers::of(operator);
    for (topic, list) in [(Topic::Keep, &args.keep), (Topic::Why, &args.why), (Topic::Promise, &args.promise)] {
        for said in list {
            let Some((key, answer)) = said.split_once('=') else {
                let what = format!("`{} {said}` has no answer", topic.flag());
                return Err(Failure::could_not(what).help(format!("write `{} {said}=...`", topic.flag())));
            };
            answers.choose(topic, key.trim(), answer.trim()).map_err(not_taken)?;
        }
    }
    Ok(answers)
}

fn not_taken(error: NoAnswer) -> Failure {
    Failure::could_not(&error).help(error.help())
}

/// What nobody said and the text names all the same, as an example.
fn examples(answers: &Answers) -> Vec<&'static str> {
    let (said, example) = (&answers.operator, Operator::default());
    let pairs = [
        ("controller", said.controller == example.controller),
        ("contact", said.contact == example.contact),
        ("home", said.home == example.home),
    ];
    pairs.into_iter().filter(|(_, is_example)| *is_example).map(|(key, _)| key).collect()
}

fn written(args: &Args, answers: &Answers, clauses: &str, warnings: &[Problem], colour: bool) -> String {
    let file = args.file.display();
    let mut text = format!("{file}: {clauses}, no errors\n");
    if !warnings.is_empty() {
        text = format!("{}{text}", report::problems(warnings, colour));
    }
    let examples = examples(answers);
    if !examples.is_empty() {
        text += &format!("An example stands for: {}. Put in your own before you publish.\n", examples.join(", "));
    }
    text + &format!(
        "\nNext:\n  avow check {file}          after every edit: every word of it is yours\n  \
         avow up --policy {file}    a first start with it, on trial\n"
    )
}

fn answers_json(answers: &Answers) -> Value {
    let mut all = json!({});
    for topic in Topic::ALL {
        let of_topic = answers.given().filter(|(question, _)| question.topic == topic);
        let of_topic: serde_json::Map<String, Value> =
            of_topic.map(|(question, choice)| (question.key.to_owned(), choice.key.into())).collect();
        if let Some(all) = all.as_object_mut() {
            all.insert(topic.flag().trim_start_matches('-').to_owned(), of_topic.into());
        }
    }
    all
}

/// Every question and its answers, for `--help`.
fn offers() -> String {
    let mut text = "Answers; the first of each is taken where nobody says otherwise:\n".to_owned();
    for question in &QUESTIONS {
        text += &format!("\n  {} {}=...  {}\n", question.topic.flag(), question.key, question.asks);
        for choice in question.choices {
            text += &format!("      {:<12} {}\n", choice.key, choice.means);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_has_every_answer() {
        let help = offers();
        for question in &QUESTIONS {
            assert!(help.contains(&format!("{} {}=", question.topic.flag(), question.key)), "{help}");
            assert!(question.choices.iter().all(|choice| help.contains(choice.means)), "{help}");
        }
    }
}
