//! `avow check`: what is wrong with policies, where, and what to write instead.

mod watch;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use avow_terms::{
    problem::{Problem, Severity},
    reading::{self, Reading},
    rules::Rules,
    source::Source,
    vocabulary::Vocabulary,
};
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    failure::Failure,
    needs::{self, LeftOut},
    report,
    screen::{Form, Screen},
    texts,
};

/// Arguments of `avow check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0 no errors    1 errors, or warnings with --deny-warnings    2 a file could not be read

`avow explain CODE` says more about a problem, with a wrong and a right example.")]
pub struct Args {
    /// The policies.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// End with 1 if there is a warning.
    #[arg(long)]
    pub deny_warnings: bool,

    /// Whether this service could run under it: what the software itself must keep, with rows to paste.
    #[arg(long)]
    pub for_service: bool,

    /// Check again whenever a file is saved, until Ctrl-C.
    #[arg(long)]
    pub watch: bool,
}

/// A text that was read and compiled.
pub struct Checked {
    /// What was read from it; its problems are among the ones below.
    pub reading: Reading,
    /// Everything that is wrong with it, in the order of the text; then what no rules could be made of.
    pub problems: Vec<Problem>,
    /// What the service can keep and the text does not allow; asked for the service only.
    pub left_out: Vec<LeftOut>,
}

/// Reads a text and makes its rules, and gathers everything that is wrong.
#[must_use]
pub fn check(source: Source, vocabulary: &Arc<Vocabulary>) -> Checked {
    let reading = reading::read(source, vocabulary);
    let mut problems = reading.problems.clone();
    if let Ok(policy) = reading.clone().policy() {
        problems.extend(texts::rules_problems(Arc::new(policy), vocabulary.clone()));
    }
    Checked { reading, problems, left_out: Vec::new() }
}

/// The same, and what the service itself must keep and the text does not allow.
fn check_for_service(source: Source, vocabulary: &Arc<Vocabulary>) -> Checked {
    let mut checked = check(source, vocabulary);
    let policy = checked.reading.clone().policy().ok().map(Arc::new);
    if let Some(Ok(rules)) = policy.map(|policy| Rules::compile(policy, vocabulary.clone(), 0)) {
        checked.problems.extend(needs::unmet(&rules));
        checked.left_out = needs::left_out(&rules);
    }
    checked
}

/// Runs `avow check`.
///
/// # Errors
/// If the vocabulary cannot be read, or `--watch` is asked for in a form that is no screen.
pub fn run(args: &Args, form: Form, screen: Screen) -> Result<Exit, Failure> {
    let vocabulary = texts::vocabulary()?;
    if args.watch {
        return match form {
            Form::Human => Ok(watch::run(args, &vocabulary, screen)),
            _ => Err(Failure::could_not("`--watch` speaks to people only").help("leave `--format` out")),
        };
    }
    let verdict = Verdict::of(args, &vocabulary);
    match form {
        Form::Human => verdict.say(screen),
        Form::Json => screen.document(&verdict.json()),
        Form::Sarif => Screen::document_as_is(&report::sarif(&verdict.problems(), &verdict.unreadable())),
        Form::Github => Screen::text(&verdict.github()),
        // No form of a check: refused before any command runs.
        Form::Ropa | Form::RopaCsv => {}
    }
    Ok(verdict.exit(args.deny_warnings))
}

/// What came of each file.
struct Verdict {
    files: Vec<(PathBuf, Result<Checked, Failure>)>,
}

impl Verdict {
    fn of(args: &Args, vocabulary: &Arc<Vocabulary>) -> Self {
        let check = if args.for_service { check_for_service } else { check };
        let one = |path: &PathBuf| (path.clone(), texts::file(path).map(|source| check(source, vocabulary)));
        Self { files: args.files.iter().map(one).collect() }
    }

    fn exit(&self, deny_warnings: bool) -> Exit {
        let one = |(_, file): &(PathBuf, Result<Checked, Failure>)| match file {
            Err(failure) => failure.exit(),
            Ok(checked) if checked.problems.iter().any(|problem| deny_warnings || is_error(problem)) => Exit::No,
            Ok(_) => Exit::Done,
        };
        self.files.iter().map(one).max_by_key(|exit| exit.code()).unwrap_or(Exit::Done)
    }

    fn problems(&self) -> Vec<Problem> {
        self.read().flat_map(|(_, checked)| checked.problems.iter().cloned()).collect()
    }

    fn read(&self) -> impl Iterator<Item = (&Path, &Checked)> {
        self.files.iter().filter_map(|(path, file)| Some((path.as_path(), file.as_ref().ok()?)))
    }

    fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.files.iter().filter_map(|(_, file)| file.as_ref().err())
    }

    /// Why files could not be read, a line each.
    fn unreadable(&self) -> Vec<String> {
        self.failures().map(|failure| failure.render(false).trim_end().to_owned()).collect()
    }

    /// What is wrong goes to standard error, what is fine to standard output.
    fn say(&self, screen: Screen) {
        let problems = self.problems();
        let colour = screen.colour_of_errors();
        self.failures().for_each(|failure| screen.complain(&failure.render(colour)));
        if problems.iter().any(is_error) {
            screen.complain(&report::problems(&problems, colour));
        } else if !problems.is_empty() {
            screen.say(report::problems(&problems, screen.colour));
        }
        screen.say(self.clean());
    }

    /// A line for each file without an error.
    fn clean(&self) -> String {
        let clean = self.read().filter(|(_, checked)| !checked.problems.iter().any(is_error));
        let line = |(path, checked): (&Path, &Checked)| {
            let reading = &checked.reading;
            let name = reading.header.as_ref().map_or_else(
                || path.display().to_string(),
                |header| format!("{} version {}", header.policy, header.version),
            );
            let (clauses, terms) = (reading.clauses.len(), reading.terms.len());
            let (clauses, terms) = (report::count(clauses, "clause"), report::count(terms, "term"));
            let left_out = checked.left_out.iter();
            let left_out = left_out.map(|left| format!("  it leaves out the {}: {}\n", left.record, left.then));
            format!("{name}: {clauses} with {terms}, no errors\n{}", left_out.collect::<String>())
        };
        clean.map(line).collect()
    }

    fn json(&self) -> Value {
        let file = |(path, file): &(PathBuf, Result<Checked, Failure>)| match file {
            Err(failure) => json!({ "file": path.display().to_string(), "failure": failure.json() }),
            Ok(checked) => json!({
                "file": path.display().to_string(),
                "policy": checked.reading.header.as_ref().map(|header| &header.policy),
                "version": checked.reading.header.as_ref().map(|header| header.version),
                "clauses": checked.reading.clauses.len(),
                "terms": checked.reading.terms.len(),
                "errors": checked.problems.iter().filter(|problem| is_error(problem)).count(),
                "left_out": checked.left_out,
                "warnings": checked.problems.iter().filter(|problem| !is_error(problem)).count(),
            }),
        };
        json!({
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
            "problems": report::problems_json(&self.problems()),
        })
    }

    fn github(&self) -> String {
        let unreadable = self.unreadable();
        let lines =
            unreadable.iter().map(|what| format!("::error::{}\n", what.replace('%', "%25").replace('\n', "%0A")));
        lines.collect::<String>() + &report::github(&self.problems())
    }
}

fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}
