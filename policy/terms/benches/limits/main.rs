//! How long reading a policy and deciding on a record take, beside the limits they must keep.
//!
//! `cargo bench -p avow-terms --bench limits` prints a table and exits with 1 if anything is over its limit. Every figure is
//! the median of many small batches, so that a machine that is busy for a moment does not decide. Never part of CI.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_types,
    reason = "a bench prints what it measured"
)]

mod generated;

use std::{
    hint::black_box,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use avow_terms::{
    code::Code,
    permit::{Events, Facts, Form, NodePlace, Service},
    policy::Policy,
    reading,
    rules::Rules,
    source::Source,
    vocabulary::Vocabulary,
};
use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request, RestrictedExpression, Schema};
use jiff::{SignedDuration, Timestamp};
use pulldown_cmark::{Options, Parser};

const NORTHGATE: &str = include_str!("../../../../policy-docs/northgate/privacy.md");
const VOCABULARY: &str = include_str!("../../../../policy-docs/vocabulary.md");

fn main() -> ExitCode {
    let mut report = Report { over: false };
    println!("| what | measured | limit | beside it |\n| --- | --- | --- | --- |");
    let only = std::env::args().nth(1).filter(|one| !one.starts_with("--"));
    let wanted = |part: &str| only.as_ref().is_none_or(|one| one == part);
    for items in [20, 1_000].into_iter().filter(|_| wanted("deciding")) {
        decision(&mut report, items);
    }
    if wanted("reading") {
        reading_ours(&mut report);
        reading_many(&mut report);
    }
    if report.over { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

struct Report {
    over: bool,
}

impl Report {
    /// One line of the table.
    fn line(&mut self, what: &str, measured: Duration, limit: Duration, beside: &str) {
        let over = if measured > limit { " **over**" } else { "" };
        self.over |= measured > limit;
        println!("| {what} | {}{over} | {} | {beside} |", written(measured), written(limit));
    }

    /// One line of the table: how many times as long the first of each round took as another of the same round.
    fn times(&mut self, what: &str, rounds: (Duration, &[[Duration; 3]], usize), limit: f64, beside: &str) {
        let (measured, rounds, other) = rounds;
        let mut times: Vec<f64> =
            rounds.iter().map(|round| round[0].as_secs_f64() / round[other].as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        let times = times[times.len() / 2];
        let over = if times > limit { " **over**" } else { "" };
        self.over |= times > limit;
        println!("| {what} | {}, {times:.1} times{over} | {limit:.1} times | {beside} |", written(measured));
    }
}

/// A whole decision, from facts to the answer with its clause, beside Cedar alone on the whole set of statements.
fn decision(report: &mut Report, items: usize) {
    let vocabulary = vocabulary(&generated::vocabulary(items));
    let rules = Rules::compile(policy(&generated::policy(items), &vocabulary), vocabulary, 1).unwrap();
    let codes: Vec<Code> = (0..items).map(|item| Code::new(&generated::code(item)).unwrap()).collect();
    let purpose = Code::new("security").unwrap();
    let facts: Vec<Facts> = [0, 1, 10, 15].into_iter().map(facts).collect();
    let mut turn = 0_usize;
    let whole = median(20, || {
        turn += 1;
        let (code, facts) = (&codes[turn % items], &facts[turn % facts.len()]);
        let answer = rules.decide(Service::Accounting, code, &purpose, facts);
        assert!(answer.allowed && answer.clause.is_some(), "{}", answer.reason);
    });
    let set: PolicySet = rules.cedar().parse().unwrap();
    let (schema, _) = Schema::from_cedarschema_str(rules.schema()).unwrap();
    let entities = Entities::from_entities([], Some(&schema)).unwrap();
    let (request, authorizer) = (request(&generated::code(0), &schema), Authorizer::new());
    let raw = median(5, || drop(black_box(authorizer.is_authorized(&request, &set, &entities))));
    let beside = format!("Cedar alone, {} statements: {}", set.policies().count(), written(raw));
    report.line(&format!("a whole decision, {items} items"), whole, Duration::from_micros(60), &beside);
}

fn reading_ours(report: &mut Report) {
    let vocabulary = vocabulary(VOCABULARY);
    let taken = median(1, || drop(black_box(reading::read(Source::new("privacy.md", NORTHGATE), &vocabulary))));
    report.line("reading the example policy", taken, Duration::from_millis(10), &markdown_alone(NORTHGATE));
}

/// 5,000 clauses, and that twice as many take twice as long.
fn reading_many(report: &mut Report) {
    let vocabulary = vocabulary(VOCABULARY);
    let texts = [2_500, 5_000].map(|clauses| (clauses, generated::clauses(clauses)));
    let read = |(clauses, text): &(usize, String)| {
        let start = Instant::now();
        let reading = reading::read(Source::new("many.md", text.as_str()), &vocabulary);
        let taken = start.elapsed();
        assert!(!reading.has_errors() && reading.clauses.len() == *clauses, "{:?}", reading.problems.first());
        taken
    };
    let alone = |(_, text): &(usize, String)| {
        let start = Instant::now();
        markdown(text);
        start.elapsed()
    };
    // What is compared is measured in turn, so that a machine that is busy for a while is so for both.
    let [half, whole] = &texts;
    let mut rounds: Vec<[Duration; 3]> = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) || rounds.len() < 9 {
        rounds.push([read(whole), alone(whole), read(half)]);
    }
    let [whole, alone, half] = [0, 1, 2].map(|which| middle(rounds.iter().map(|round| round[which]).collect()));
    report.times(
        "reading 5,000 clauses",
        (whole, &rounds, 1),
        10.0,
        &format!("pulldown-cmark alone: {}", written(alone)),
    );
    report.times("reading 5,000 clauses", (whole, &rounds, 2), 2.4, &format!("reading 2,500: {}", written(half)));
}

fn markdown_alone(text: &str) -> String {
    format!("pulldown-cmark alone: {}", written(median(1, || markdown(text))))
}

/// What reading stands on, with the same extensions, and nothing done with what it says.
fn markdown(text: &str) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
    let parser = Parser::new_ext(text, options);
    black_box(parser.into_offset_iter().count());
}

/// The median time of one call, over batches of `calls` for about a second.
fn median(calls: u32, mut one: impl FnMut()) -> Duration {
    let (start, mut batches) = (Instant::now(), Vec::new());
    while start.elapsed() < Duration::from_secs(1) || batches.len() < 5 {
        let batch = Instant::now();
        (0..calls).for_each(|_| one());
        batches.push(batch.elapsed() / calls);
    }
    middle(batches)
}

fn middle<T: Ord>(mut all: Vec<T>) -> T {
    all.sort_unstable();
    all.swap_remove(all.len() / 2)
}

fn written(duration: Duration) -> String {
    match duration.as_nanos() {
        0..1_000_000 => format!("{:.1} µs", duration.as_secs_f64() * 1e6),
        _ => format!("{:.2} ms", duration.as_secs_f64() * 1e3),
    }
}

fn vocabulary(text: &str) -> Arc<Vocabulary> {
    let (vocabulary, problems) = Vocabulary::read(Source::new("vocabulary.md", text));
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(vocabulary)
}

fn policy(text: &str, vocabulary: &Vocabulary) -> Arc<Policy> {
    Arc::new(reading::read(Source::new("generated.md", text), vocabulary).policy().unwrap())
}

/// What is kept this many days after a session that ended an hour after it was recorded; 0 is what is written now.
fn facts(days: i64) -> Facts {
    let recorded = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000);
    let ended = (days > 0).then(|| recorded + SignedDuration::from_hours(1));
    Facts {
        now: recorded + SignedDuration::from_hours(24 * days),
        recorded,
        events: Events { session_end: ended, ..Events::default() },
        place: NodePlace::Home,
        form: Form::Sealed,
        consent: true,
    }
}

/// The same question as Cedar's own request.
fn request(code: &str, schema: &Schema) -> Request {
    let one = |kind: &str, id: &str| -> EntityUid { format!("Avow::{kind}::\"{id}\"").parse().unwrap() };
    let word = |kind: &str, id: &str| RestrictedExpression::new_entity_uid(one(kind, id));
    let instant = |at: &str| RestrictedExpression::new_datetime(at);
    let context = [
        ("now", instant("2027-01-15T08:00:00.000Z")),
        ("recorded", instant("2027-01-15T08:00:00.000Z")),
        ("@month.end[UTC]", instant("2027-02-01T00:00:00.000Z")),
        ("purpose", word("Purpose", "security")),
        ("place", word("Place", "home")),
        ("form", word("Form", "sealed")),
        ("consent", RestrictedExpression::new_bool(true)),
    ];
    let context = Context::from_pairs(context.map(|(name, value)| (name.to_owned(), value))).unwrap();
    let (who, deed, what) = (one("Service", "accounting"), one("Action", "store"), one("Data", code));
    Request::new(who, deed, what, context, Some(schema)).unwrap()
}
