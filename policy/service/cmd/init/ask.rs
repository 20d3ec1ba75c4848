//! The questions of `avow init`, one after the other, on a terminal.
//!
//! A question that a flag answers is not asked. An answer that is none is explained and asked for again.

use std::io::{self, BufRead, Write};

use avow_terms::{
    init::{self, Answers, Operator, QUESTIONS, Question},
    source::Source,
};

use super::Args;
use crate::failure::Failure;

/// Asks what the flags do not answer. `check` says what is wrong with a text.
pub(super) fn questions(
    answers: &mut Answers,
    args: &Args,
    check: &dyn Fn(Source) -> Result<(), Failure>,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let mut terminal = Terminal { input, output };
    terminal.say("A first policy. Enter takes the answer in brackets; every word can be changed later.\n")?;
    type Part = fn(&mut Operator) -> &mut String;
    let operator: [(&str, &Option<String>, Part); 3] = [
        ("Who makes the promises?", &args.controller, |operator| &mut operator.controller),
        ("Where do people ask about them?", &args.contact, |operator| &mut operator.contact),
        ("Which is your home country, in two letters?", &args.home, |operator| &mut operator.home),
    ];
    for (asks, _, part) in operator.into_iter().filter(|(_, given, _)| given.is_none()) {
        terminal.operator(asks, part, answers, check)?;
    }
    for question in &QUESTIONS {
        if answers.is_asked(question) && !answers.is_answered(question) {
            terminal.question(question, answers)?;
        }
    }
    Ok(())
}

struct Terminal<'t> {
    input: &'t mut dyn BufRead,
    output: &'t mut dyn Write,
}

impl Terminal<'_> {
    fn operator(
        &mut self,
        asks: &str,
        part: fn(&mut Operator) -> &mut String,
        answers: &mut Answers,
        check: &dyn Fn(Source) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let before = part(&mut answers.operator).clone();
            self.say(&format!("\n{asks}\n[{before}] "))?;
            let said = self.line()?;
            if said.is_empty() {
                return Ok(());
            }
            *part(&mut answers.operator) = said;
            // Whether a name or a country will do, the reader knows: it is asked with a text that has it.
            let Err(failure) = check(Source::new("your answer", init::policy(answers))) else { return Ok(()) };
            *part(&mut answers.operator) = before;
            self.say(&first_problem(&failure))?;
        }
    }

    fn question(&mut self, question: &'static Question, answers: &mut Answers) -> Result<(), Failure> {
        self.say(&format!("\n{}\n", question.asks))?;
        for (number, choice) in question.choices.iter().enumerate() {
            self.say(&format!("  {} {:<12} {}\n", number + 1, choice.key, choice.means))?;
        }
        loop {
            self.say(&format!("[{}] ", answers.answer(question).key))?;
            let said = self.line()?;
            let by_number = said.parse::<usize>().ok().and_then(|number| question.choices.get(number.checked_sub(1)?));
            let answer = match (said.as_str(), by_number) {
                ("", _) => answers.answer(question).key,
                (_, Some(choice)) => choice.key,
                (said, None) => said,
            };
            match answers.choose(question.topic, question.key, answer) {
                Ok(()) => return Ok(()),
                Err(error) => self.say(&format!("{error}; {}\n", error.help()))?,
            }
        }
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush()).map_err(gone)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        match self.input.read_line(&mut line).map_err(gone)? {
            0 => Err(Failure::could_not("the answers ended before the questions; nothing was written")),
            _ => Ok(line.trim().to_owned()),
        }
    }
}

fn gone(error: io::Error) -> Failure {
    Failure::could_not(format!("the terminal cannot be used: {}", error.kind()))
}

/// What is wrong with an answer, in one line.
fn first_problem(failure: &Failure) -> String {
    let Failure::Problems(problems) = failure else { return failure.render(false) };
    let Some(problem) = problems.first() else { return String::new() };
    format!("{}; {}\n", problem.message, problem.help.as_deref().unwrap_or("answer otherwise"))
}

#[cfg(test)]
mod tests {
    use avow_terms::init::Topic;

    use super::*;
    use crate::texts;

    fn asked(args: &Args, typed: &str) -> (Result<Answers, Failure>, String) {
        let vocabulary = texts::vocabulary().unwrap();
        let check = |source| texts::policy(source, &vocabulary).map(drop);
        let mut answers = super::super::given(args).unwrap();
        let mut shown = Vec::new();
        let done = questions(&mut answers, args, &check, &mut typed.as_bytes(), &mut shown);
        (done.map(|()| answers), String::from_utf8(shown).unwrap())
    }

    fn args(keep: &[&str]) -> Args {
        Args {
            file: "privacy.md".into(),
            controller: None,
            contact: None,
            home: None,
            name: None,
            keep: keep.iter().map(|&said| said.to_owned()).collect(),
            why: Vec::new(),
            promise: Vec::new(),
            yes: false,
        }
    }

    fn answer(answers: &Answers, topic: Topic, key: &str) -> &'static str {
        answers.given().find(|(question, _)| question.topic == topic && question.key == key).unwrap().1.key
    }

    #[test]
    fn pressing_enter_takes_the_answers_that_are_offered_first() {
        let (answers, shown) = asked(&args(&[]), &"\n".repeat(30));
        assert_eq!(init::policy(&answers.unwrap()), init::policy(&Answers::default()));
        assert!(!shown.contains("What is the e-mail address for?"), "{shown}");
        assert!(shown.contains("  1 month        until the month ends (UTC); a plan can have a limit\n"), "{shown}");
    }

    #[test]
    fn an_answer_is_a_number_or_a_name_and_a_wrong_one_is_asked_again() {
        let typed = "Tern\n\nGermany\nDE\n3\nmoth\n99\n\n30-days\n".to_owned() + &"\n".repeat(30);
        let (answers, shown) = asked(&args(&["month-total=no"]), &typed);
        let answers = answers.unwrap();
        assert_eq!((answers.operator.controller.as_str(), answers.operator.home.as_str()), ("Tern", "DE"));
        assert!(shown.contains("`Germany` is not a country; write the two capital letters"), "{shown}");
        assert!(!shown.contains("How much data") && answer(&answers, Topic::Keep, "month-total") == "no");
        assert_eq!(answer(&answers, Topic::Keep, "sessions"), "90-days");
        assert!(shown.contains("`moth` is no answer for `session-addresses`; one of: no, 24-hours"), "{shown}");
        assert!(shown.contains("`99` is no answer for `session-addresses`"), "{shown}");
        assert_eq!(answer(&answers, Topic::Keep, "session-addresses"), "no");
        assert_eq!(answer(&answers, Topic::Keep, "email"), "30-days");
        assert!(shown.contains("What is the e-mail address for?"), "{shown}");
    }

    #[test]
    fn a_terminal_that_closes_writes_nothing() {
        let (answers, _) = asked(&args(&[]), "Tern\n");
        assert_eq!(
            answers.unwrap_err().render(false),
            "error: the answers ended before the questions; nothing was written\n"
        );
    }
}
