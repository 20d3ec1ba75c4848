//! What holds for every input of the three fuzz targets. The targets and the replay of their corpus call the same code,
//! so that an input once found is looked at in the same way ever after.

mod tree;

use std::sync::{Arc, LazyLock};

use arbitrary::{Arbitrary, Unstructured};
use avow_terms::{
    clause::{ClauseId, Letter, State},
    code::Code,
    diff::{Class, diff},
    permit::{Events, Facts, Form, NodePlace, Service},
    problem::Problem,
    reading::{Reading, read},
    retention::{self, Refused, Retention},
    rules::Rules,
    source::{Source, Span},
    term::Promise,
    vocabulary::{Kind, Vocabulary},
};
use jiff::{Timestamp, tz::TimeZone};

static VOCABULARY: LazyLock<Arc<Vocabulary>> = LazyLock::new(|| {
    let text = include_str!("../../../policy-docs/vocabulary.md");
    let (vocabulary, problems) = Vocabulary::read(Source::new("vocabulary.md", text));
    assert_eq!(problems, []);
    Arc::new(vocabulary)
});

/// Any text is read; every place is in it; no clause is lost in silence.
pub(crate) fn reader(data: &[u8]) {
    let text = text_of(data);
    let reading = read(Source::new("privacy.md", text), &VOCABULARY);
    well_placed(&reading);
    nothing_lost(&reading);
    let has_errors = reading.has_errors();
    let again = read(Source::new("privacy.md", text), &VOCABULARY);
    assert_eq!(again, reading, "a second reading reads the same");
    let Ok(policy) = reading.policy() else {
        assert!(has_errors, "a text without an error is a policy");
        return;
    };
    assert!(!has_errors, "a text with an error is no policy");
    assert_eq!(diff(&policy, &VOCABULARY, &policy, &VOCABULARY).class(), Class::Same, "a text differs from itself");
    if !text.contains('\r') {
        let other = read(Source::new("privacy.md", text.replace('\n', "\r\n")), &VOCABULARY);
        assert_eq!(promises(&other), policy.terms.iter().map(|term| &term.promise).collect::<Vec<_>>(), "line ends");
    }
}

/// Any phrase is read or refused at words of its own, and what was read is written back as the same.
pub(crate) fn retention(data: &[u8]) {
    let text = text_of(data);
    let refused = |refused: Refused| {
        assert!(text.get(refused.range.clone()).is_some(), "{:?} is not in {text:?}", refused.range);
        assert!(!refused.message.is_empty() && !refused.help.is_empty());
    };
    match retention::phrase(text) {
        Err(why) => refused(why),
        Ok(read) => written_back(&read),
    }
    match retention::period(text) {
        Err(why) => refused(why),
        Ok(period) => assert_eq!(retention::period(&period.phrase()), Ok(period)),
    }
    let _ = retention::lead(text).map_err(refused);
}

/// A tree of clauses as a text; where that is clean it compiles or says why not, and its rules can be read by anybody.
pub(crate) fn compiler(data: &[u8]) {
    let Ok(tree) = tree::Tree::arbitrary(&mut Unstructured::new(data)) else { return };
    let reading = read(Source::new("privacy.md", tree.text(&VOCABULARY)), &VOCABULARY);
    well_placed(&reading);
    nothing_lost(&reading);
    let Ok(policy) = reading.policy() else { return };
    let policy = Arc::new(policy);
    match Rules::compile(policy.clone(), VOCABULARY.clone(), 1) {
        Err(problems) => {
            assert!(!problems.is_empty(), "no rules, and no reason");
            problems.iter().for_each(well_said);
        }
        Ok(rules) => {
            let printed: cedar_policy::PolicySet = rules.cedar().parse().expect("the printed rules are Cedar");
            assert!(printed.policies().count() > 0, "no rule at all");
            let _ = cedar_policy::Schema::from_cedarschema_str(rules.schema()).expect("the printed schema is one");
            only_what_is_promised(&rules);
        }
    }
}

/// How much of a heap of inputs of [`compiler`] gets as far as rules, for whoever replays them.
pub(crate) fn compiles(data: &[u8]) -> bool {
    let Ok(tree) = tree::Tree::arbitrary(&mut Unstructured::new(data)) else { return false };
    let reading = read(Source::new("privacy.md", tree.text(&VOCABULARY)), &VOCABULARY);
    reading.policy().is_ok_and(|policy| Rules::compile(Arc::new(policy), VOCABULARY.clone(), 1).is_ok())
}

/// As much of some bytes as is UTF-8.
fn text_of(data: &[u8]) -> &str {
    match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&data[..error.valid_up_to()]).expect("as far as it is valid"),
    }
}

fn promises(reading: &Reading) -> Vec<&Promise> {
    assert!(!reading.has_errors(), "{:?}", reading.problems);
    reading.terms.iter().map(|term| &term.promise).collect()
}

fn well_placed(reading: &Reading) {
    let text = &reading.source.text;
    let clauses = reading.clauses.iter().map(|clause| clause.span);
    let terms = reading.terms.iter().map(|term| term.said_at);
    let header = reading.header.iter().flat_map(|header| header.places.iter().map(|(_, span)| *span));
    for span in clauses.chain(terms).chain(header) {
        in_text(text, span);
    }
    reading.problems.iter().for_each(well_said);
}

fn well_said(problem: &Problem) {
    for place in problem.related.iter().map(|(place, _)| place).chain([&problem.place]) {
        in_text(&place.source.text, place.span);
    }
    assert!(!problem.message.is_empty() && !problem.code.is_empty());
}

fn in_text(text: &str, span: Span) {
    assert!(text.get(span.range()).is_some(), "{span:?} is no part of {} bytes, or not whole characters", text.len());
}

/// An active clause makes a term or a problem, and a line that begins with a number is a clause or a problem.
fn nothing_lost(reading: &Reading) {
    if !reading.problems.is_empty() {
        return;
    }
    for clause in reading.clauses.iter().filter(|clause| clause.state == State::Active && clause.id.letter != Letter::G)
    {
        let has_term = reading.terms.iter().any(|term| term.clause == clause.id);
        assert!(has_term, "{} says nothing, and nobody noticed", clause.id);
    }
    for line in reading.source.text.lines() {
        if let Some(id) = number_at_start(line) {
            let is_clause = reading.clauses.iter().any(|clause| clause.id == id);
            assert!(is_clause, "{id} begins a line, is no clause, and nobody noticed: {line:?}");
        }
    }
}

/// The number in `**S2.** words`, `- **S2.** words` and `| **S2** | words`, found without a Markdown parser.
fn number_at_start(line: &str) -> Option<ClauseId> {
    let line = line.trim_start();
    let mark = ["- ", "* ", "+ ", "| ", ""].into_iter().find(|mark| line.starts_with(mark))?;
    let (number, _) = line.strip_prefix(mark)?.strip_prefix("**")?.split_once("**")?;
    let number = if mark == "| " { number } else { number.strip_suffix('.')? };
    number.parse().ok()
}

fn written_back(read: &Retention) {
    assert_eq!(retention::phrase(&read.phrase()).as_ref(), Ok(read), "`{}`", read.phrase());
    assert!(read.no_longer_than(read), "`{read}` is longer than itself");
    let recorded: Timestamp = "2028-02-29T23:59:59.999Z".parse().expect("a time");
    for events in [Events::default(), all_at(recorded)] {
        for zone in ["UTC", "Europe/Nicosia", "Pacific/Apia"] {
            let zone = TimeZone::get(zone).expect("a zone");
            let _ = read.due(recorded, &events, &zone);
            let _ = read.due(Timestamp::MAX, &events, &zone);
            let _ = read.due(Timestamp::MIN, &events, &zone);
        }
    }
}

fn all_at(then: Timestamp) -> Events {
    Events {
        session_end: Some(then),
        payment: Some(then),
        account_closed: Some(then),
        account_deleted: Some(then),
        logged_out: Some(then),
        subscription_end: Some(then),
        financial_year_end: Some(then),
    }
}

/// What the rules allow to be stored stands in a row of the text, and in no clause that says never.
fn only_what_is_promised(rules: &Rules) {
    let now: Timestamp = "2026-12-01T00:00:00Z".parse().expect("a time");
    let facts = Facts {
        now,
        recorded: now,
        events: Events::default(),
        place: NodePlace::Home,
        form: Form::Plain,
        consent: true,
    };
    let stored = |code: &Code| {
        rules.policy().terms.iter().any(|term| match &term.promise {
            Promise::Stored { data, .. } => VOCABULARY.covers(data, code),
            _ => false,
        })
    };
    let never = |code: &Code| {
        rules.policy().terms.iter().any(|term| match &term.promise {
            Promise::Never { data, except } => {
                let covers = |codes: &std::collections::BTreeSet<Code>| {
                    codes.iter().any(|ancestor| VOCABULARY.covers(ancestor, code))
                };
                covers(data) && !covers(except)
            }
            _ => false,
        })
    };
    for code in VOCABULARY.leaves().filter(|code| !VOCABULARY.is_system(code)) {
        for purpose in VOCABULARY.codes(Kind::Purpose).take(3) {
            if rules.decide(Service::Accounting, code, purpose, &facts).allowed {
                assert!(stored(code), "`{code}` may be stored, and no row says so");
                assert!(!never(code), "`{code}` may be stored, and a clause says never");
            }
        }
    }
}
