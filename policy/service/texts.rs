//! Policies and the vocabulary: from files, and the ones that are built in.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use avow_terms::{
    code::Code,
    permit::Form,
    policy::Policy,
    problem::{Problem, Severity},
    reading,
    rules::Rules,
    selfcheck,
    source::Source,
    vocabulary::Vocabulary,
};

use crate::failure::Failure;

/// The largest text that is read: no policy or configuration is near it, and a wrong file is told so at once.
const LARGEST: u64 = 4 << 20;

/// The policy that a first start puts on trial.
#[must_use]
pub fn trial_policy() -> Source {
    Source::new("northgate/privacy.md", include_str!("../../policy-docs/northgate/privacy.md"))
}

/// The vocabulary that is built in.
#[must_use]
pub fn vocabulary_source() -> Source {
    Source::new("vocabulary.md", include_str!("../../policy-docs/vocabulary.md"))
}

/// Reads the vocabulary that is built in.
///
/// # Errors
/// Its problems; a test keeps it free of them.
pub fn vocabulary() -> Result<Arc<Vocabulary>, Failure> {
    read_vocabulary(vocabulary_source())
}

/// Reads a vocabulary.
///
/// # Errors
/// Its problems.
pub fn read_vocabulary(source: Source) -> Result<Arc<Vocabulary>, Failure> {
    let (vocabulary, problems) = Vocabulary::read(source);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems.into());
    }
    Ok(Arc::new(vocabulary))
}

/// Reads a file that somebody edits: a policy, a configuration.
///
/// # Errors
/// If it is not there, is no UTF-8 text, or is too large to be one.
pub fn file(path: &Path) -> Result<Source, Failure> {
    let failed = |error| Failure::file("read", path, &error);
    if fs::metadata(path).map_err(failed)?.len() > LARGEST {
        return Err(
            Failure::could_not(format!("`{}` is too large (over 4 MiB)", path.display())).help("is it the right file?")
        );
    }
    let bytes = fs::read(path).map_err(failed)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(path.display().to_string(), text)),
        Err(error) => Err(not_text(path, &error)),
    }
}

/// Writes a text into a file of its own. A file that is there is left as it is.
///
/// # Errors
/// If there is such a file, or none can be made.
pub fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => Failure::file("write", path, &error),
    };
    File::create_new(path).map_err(failed)?.write_all(text.as_bytes()).map_err(failed)
}

/// A file that would be written is there already.
#[must_use]
pub fn exists(path: &Path) -> Failure {
    Failure::could_not(format!("`{}` exists, and is left as it is", path.display())).help("name another file")
}

fn not_text(path: &Path, error: &std::string::FromUtf8Error) -> Failure {
    let good = error.utf8_error().valid_up_to();
    let before = error.as_bytes().get(..good).map(String::from_utf8_lossy).unwrap_or_default();
    let position = Source::new("", before.as_ref()).position(good);
    Failure::refused(format!("{}:{}:{}: this is not UTF-8 text", path.display(), position.line, position.column))
        .help("save the file as UTF-8")
}

/// Reads a policy: the policy and what somebody should look at.
///
/// # Errors
/// Its problems, if any of them is an error.
pub fn policy(source: Source, vocabulary: &Vocabulary) -> Result<(Arc<Policy>, Vec<Problem>), Failure> {
    let reading = reading::read(source, vocabulary);
    let warnings = reading.problems.clone();
    let policy = reading.policy()?;
    Ok((Arc::new(policy), warnings))
}

/// Compiles a policy that is to be used, and checks its rules by themselves.
///
/// # Errors
/// What stands in the way of rules, rows that allow nothing, and rules that can fail.
pub fn rules(policy: Arc<Policy>, vocabulary: Arc<Vocabulary>, version: u32) -> Result<Rules, Failure> {
    let rules = Rules::compile(policy, vocabulary, version)?;
    let problems = selfcheck::check(&rules, &forms());
    if problems.is_empty() { Ok(rules) } else { Err(problems.into()) }
}

/// What stands in the way of the rules of a draft, and what is wrong with them by themselves.
#[must_use]
pub fn rules_problems(policy: Arc<Policy>, vocabulary: Arc<Vocabulary>) -> Vec<Problem> {
    match Rules::compile(policy, vocabulary, 0) {
        Ok(rules) => selfcheck::check(&rules, &forms()),
        Err(problems) => problems,
    }
}

/// The one form in which the store keeps each thing that it keeps.
fn forms() -> BTreeMap<Code, Form> {
    let forms = [
        ("account.access_keys", Form::Sealed),
        ("account.blocked", Form::Sealed),
        ("account.choices", Form::Sealed),
        ("account.code_digest", Form::Sealed),
        ("account.device_count", Form::Sealed),
        ("account.email", Form::Sealed),
        ("account.number", Form::Plain),
        ("account.password_digest", Form::Sealed),
        ("account.plan", Form::Sealed),
        ("account.username", Form::Sealed),
        ("account.username_digest", Form::Digest),
        ("case.steps", Form::Sealed),
        ("diagnostics.attempt", Form::Sealed),
        ("notice.evidence", Form::Sealed),
        ("payment.date", Form::Sealed),
        ("payment.transaction", Form::Sealed),
        ("session.bytes", Form::Sealed),
        ("session.client_ip", Form::Sealed),
        ("session.date", Form::Sealed),
        ("session.server", Form::Sealed),
        ("session.time", Form::Sealed),
        ("usage.month_total", Form::Plain),
    ];
    forms.into_iter().map(|(code, form)| (Code::literal(code), form)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use avow_accounting::INVENTORY;
    use avow_terms::inventory::Column;

    use super::*;

    #[test]
    fn the_form_of_everything_that_the_store_keeps_is_known() {
        let columns = INVENTORY.iter().flat_map(|table| table.columns).flat_map(Column::codes);
        let codes = columns.filter(|code| !code.starts_with("system.")).map(Code::literal);
        assert_eq!(codes.collect::<BTreeSet<_>>(), forms().into_keys().collect());
    }
}
