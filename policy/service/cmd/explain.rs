//! `avow explain`: what the code of a problem means, at length, with a wrong and a right example.

use avow_terms::explain::{self, EXPLANATIONS, Example, Explanation};
use serde_json::{Value, json};

use crate::{exit::Exit, failure::Failure, report::Table, screen::Screen};

/// How wide the words of an explanation are set.
const WIDTH: usize = 88;

/// Arguments of `avow explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code, as a problem names it: `error[no-limit]`. Without it, every code is listed.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Runs `avow explain`.
///
/// # Errors
/// If there is no such code.
pub fn run(args: &Args, screen: Screen) -> Result<Exit, Failure> {
    let Some(asked) = &args.code else {
        screen.document(&json!({ "codes": EXPLANATIONS.iter().map(document).collect::<Vec<_>>() }));
        screen.say(list());
        return Ok(Exit::Done);
    };
    let code = asked.trim_start_matches("error").trim_start_matches("warning").trim_matches(['[', ']']);
    let explained = explain::explanation(code).ok_or_else(|| unknown(code))?;
    screen.document(&document(explained));
    screen.say(text(explained));
    Ok(Exit::Done)
}

fn unknown(code: &str) -> Failure {
    let help = match explain::nearest(code) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`avow explain` lists every code".into(),
    };
    Failure::could_not(format!("there is no code `{code}`")).help(help)
}

fn list() -> String {
    let mut table = Table::new(["code", "what it means"]);
    for explained in &EXPLANATIONS {
        table.row([explained.code.into(), explained.title().into()]);
    }
    table.to_string()
}

fn document(explained: &Explanation) -> Value {
    let texts = |examples: Vec<Example>| examples.iter().map(|example| example.text).collect::<Vec<_>>();
    json!({
        "code": explained.code,
        "title": explained.title(),
        "meaning": explained.meaning(),
        "published": texts(explained.published()),
        "wrong": explained.wrong().map(|example| example.text),
        "right": explained.right().map(|example| example.text),
    })
}

/// The explanation for a person: the words set to a width, the examples as they would stand in a file.
fn text(explained: &Explanation) -> String {
    let mut text = format!("{}: {}\n", explained.code, explained.title());
    for paragraph in explained.meaning().split("\n\n") {
        text.push_str(&format!("\n{}", set(paragraph)));
    }
    let published = explained.published();
    let several = published.len() > 1;
    for (number, example) in published.iter().enumerate() {
        let head = if several { format!("Published as version {}", number + 1) } else { "Published".into() };
        text.push_str(&shown(&head, example));
    }
    explained.wrong().iter().for_each(|example| text.push_str(&shown("Wrong", example)));
    explained.right().iter().for_each(|example| text.push_str(&shown("Right", example)));
    text
}

fn shown(head: &str, example: &Example) -> String {
    let lines = example.frame.header().unwrap_or("").lines().chain(example.text.lines());
    let indented: String = lines.map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect();
    format!("\n{head}:\n\n{indented}")
}

/// Words in lines of a width.
fn set(paragraph: &str) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in paragraph.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&std::mem::take(&mut line));
            lines.push('\n');
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines + &line + "\n"
}

#[cfg(test)]
mod tests {
    use avow_terms::{explain::Frame, source::Source};

    use super::*;
    use crate::config::Config;

    #[test]
    fn an_explanation_reads_like_this() {
        let kept_longer = explain::explanation("guarantee-lowered").unwrap();
        assert_eq!(
            text(kept_longer),
            "guarantee-lowered: The guarantee is lower than the one that was given\n\
             \n\
             `published` binds more than `account`, and `account` more than `data`. A later version\n\
             may raise the guarantee; it cannot free itself from the one that was given.\n\
             \n\
             Published:\n\
             \n    **G1.** The sky is blue.\n\
             \n\
             Wrong:\n\
             \n    ---\n    guarantee: data\n    ---\n\n    **G1.** The sky is grey.\n\
             \n\
             Right:\n\
             \n    ---\n    guarantee: published\n    ---\n\n    **G1.** The sky is grey.\n"
        );
    }

    #[test]
    fn rows_are_shown_under_the_header_of_their_table() {
        let shown = text(explain::explanation("from-when").unwrap());
        assert!(shown.contains("    | Ref | What we keep | Why |"), "{shown}");
    }

    #[test]
    fn no_line_of_words_is_wider_than_the_screen() {
        for explained in &EXPLANATIONS {
            for line in text(explained).lines().filter(|line| !line.starts_with("    ")) {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }

    #[test]
    fn the_examples_of_a_configuration_show_what_they_are_there_for() {
        let config = explain::explanation("config").unwrap();
        let code = |example: Example| match Config::read(Source::new("avow.toml", example.text)) {
            Ok(_) => None,
            Err(Failure::Problems(problems)) => Some(problems[0].code),
            Err(other) => panic!("{other:?}"),
        };
        let (wrong, right) = (config.wrong().unwrap(), config.right().unwrap());
        assert_eq!((wrong.frame, right.frame), (Frame::Config, Frame::Config));
        assert_eq!((code(wrong), code(right)), (Some("config"), None));
    }
}
