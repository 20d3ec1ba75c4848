//! Every answer on offer makes a policy without a problem.

use std::{collections::BTreeSet, sync::Arc};

use super::*;
use crate::{
    code::Code, policy::Policy, reading::read, rules::Rules, source::Source, term::Promise, vocabulary::Vocabulary,
};

fn vocabulary() -> Arc<Vocabulary> {
    let text = include_str!("../../../../policy-docs/vocabulary.md");
    Arc::new(Vocabulary::read(Source::new("vocabulary.md", text)).0)
}

/// The policy of some answers, which has no problem, not even a warning.
#[track_caller]
fn clean(answers: &Answers, vocabulary: &Vocabulary) -> Arc<Policy> {
    answers.settle().unwrap();
    let text = policy(answers);
    let reading = read(Source::new("privacy.md", text.as_str()), vocabulary);
    let problems: Vec<String> =
        reading.problems.iter().map(|problem| format!("{} {}", problem.place.location(), problem.message)).collect();
    assert!(problems.is_empty(), "{problems:#?}\n{text}");
    Arc::new(reading.policy().unwrap())
}

/// It compiles, and what the software itself needs may be stored.
#[track_caller]
fn works(answers: &Answers, vocabulary: &Arc<Vocabulary>) {
    let policy = clean(answers, vocabulary);
    let kept: BTreeSet<&str> = policy
        .terms
        .iter()
        .filter_map(|term| if let Promise::Stored { data, .. } = &term.promise { Some(data.as_str()) } else { None })
        .collect();
    for code in
        ["account.number", "account.access_keys", "account.plan", "account.blocked", "case.steps", "notice.evidence"]
    {
        assert!(kept.contains(code), "{code}\n{}", policy.source.text);
    }
    let compiled = Rules::compile(policy.clone(), vocabulary.clone(), 1);
    assert!(compiled.is_ok(), "{:#?}\n{}", compiled.err(), policy.source.text);
}

fn with(chosen: &[(Topic, &str, &str)]) -> Answers {
    let mut answers = Answers::default();
    for (topic, key, answer) in chosen {
        answers.choose(*topic, key, answer).unwrap();
    }
    answers
}

/// Every pair of a question and an answer.
fn offers() -> Vec<(&'static Question, &'static Choice)> {
    QUESTIONS.iter().flat_map(|question| question.choices.iter().map(move |choice| (question, choice))).collect()
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    /// Answers to the questions that are asked, one after the other.
    fn throw(&mut self, fixed: &[(&'static Question, &'static Choice)]) -> Answers {
        let mut answers = Answers::default();
        for (question, choice) in fixed {
            answers.chosen.insert((question.topic, question.key), choice);
        }
        for question in &QUESTIONS {
            if answers.is_asked(question) && !answers.is_answered(question) {
                let choice = &question.choices[self.below(question.choices.len())];
                answers.chosen.insert((question.topic, question.key), choice);
            }
        }
        answers
    }
}

/// Sets of answers in which every two offers that go together stand together at least once.
fn all_pairs() -> Vec<Answers> {
    let mut dice = Dice(0x5eed);
    let mut sets: Vec<Answers> = Vec::new();
    let offers = offers();
    for (at, one) in offers.iter().enumerate() {
        for other in &offers[at + 1..] {
            let has = |set: &Answers, (question, choice): &(&Question, &Choice)| {
                set.says(question.topic, question.key).is_some_and(|said| said.key == choice.key)
            };
            if one.0 == other.0 || sets.iter().any(|set| has(set, one) && has(set, other)) {
                continue;
            }
            let found = (0..200).map(|_| dice.throw(&[*one, *other])).find(|set| set.settle().is_ok());
            match found {
                Some(set) => sets.push(set),
                None => assert!(never_together(one, other), "{one:?} {other:?}"),
            }
        }
    }
    sets
}

/// Whether one of the two is asked only of what the other does not keep.
fn never_together(one: &(&Question, &Choice), other: &(&Question, &Choice)) -> bool {
    let excludes = |(asked, _): &(&Question, &Choice), (kept, choice): &(&Question, &Choice)| {
        kept.topic == Topic::Keep && choice.key == "no" && asked.needs == Some(kept.key)
    };
    excludes(one, other) || excludes(other, one)
}

#[test]
fn every_two_answers_go_together() {
    let vocabulary = vocabulary();
    let sets = all_pairs();
    assert!(sets.len() > 20, "{}", sets.len());
    sets.iter().for_each(|answers| works(answers, &vocabulary));
}

#[test]
fn any_answers_make_a_policy_without_a_problem() {
    let vocabulary = vocabulary();
    let mut dice = Dice(0xd1ce);
    let mut texts = BTreeSet::new();
    for turn in 0..600 {
        let answers = dice.throw(&[]);
        texts.insert(policy(&answers));
        if turn % 20 == 0 { works(&answers, &vocabulary) } else { drop(clean(&answers, &vocabulary)) }
    }
    assert!(texts.len() > 590, "only {} texts are different", texts.len());
}

#[test]
fn every_set_of_what_is_kept_makes_a_policy_without_a_problem() {
    let vocabulary = vocabulary();
    let keys: Vec<&Question> = QUESTIONS.iter().filter(|question| question.topic == Topic::Keep).collect();
    for kept in 0..1_u32 << keys.len() {
        for never in ["all", "traffic", "none"] {
            let mut answers = with(&[(Topic::Promise, "never", never)]);
            for (bit, question) in keys.iter().enumerate() {
                let wanted = kept >> bit & 1 == 1;
                let choice = question.choices.iter().find(|choice| (choice.key != "no") == wanted).unwrap();
                answers.choose(Topic::Keep, question.key, choice.key).unwrap();
            }
            clean(&answers, &vocabulary);
        }
    }
}

#[test]
fn what_is_chosen_is_what_the_policy_says() {
    let vocabulary = vocabulary();
    let answers = with(&[(Topic::Keep, "session-addresses", "7-days"), (Topic::Promise, "guarantee", "data")]);
    let policy = clean(&answers, &vocabulary);
    let kept = policy.terms.iter().find_map(|term| match &term.promise {
        Promise::Stored { data, purpose, retention, .. } if data.as_str() == "session.client_ip" => {
            Some((purpose.to_string(), retention.phrase()))
        }
        _ => None,
    });
    assert_eq!(kept, Some(("security".to_owned(), "7 days after the session ends".to_owned())));
    assert_eq!(policy.header.guarantee, crate::policy::Guarantee::Data);
    let never = |code: &str| {
        policy.terms.iter().any(
            |term| matches!(&term.promise, Promise::Never { data, .. } if data.contains(&Code::new(code).unwrap())),
        )
    };
    assert!(never("traffic") && never("identity") && !never("session.client_ip"));
}

#[test]
fn diagnostics_need_consent_and_a_code_needs_its_digest() {
    let vocabulary = vocabulary();
    let answers = with(&[
        (Topic::Keep, "diagnostics", "30-days"),
        (Topic::Keep, "email", "account"),
        (Topic::Why, "email", "both"),
    ]);
    let policy = clean(&answers, &vocabulary);
    let consent = |code: &str| {
        policy.terms.iter().find_map(|term| match &term.promise {
            Promise::Stored { data, consent, .. } if data.as_str() == code => Some(*consent),
            _ => None,
        })
    };
    assert_eq!(consent("diagnostics.attempt"), Some(true));
    assert_eq!((consent("account.choices"), consent("account.code_digest")), (Some(false), Some(false)));
}

#[test]
fn an_answer_nobody_offers_is_refused_with_what_is_offered() {
    let refused = |topic, key, answer| {
        let error = Answers::default().choose(topic, key, answer).unwrap_err();
        format!("{error}; {}", error.help())
    };
    assert_eq!(
        refused(Topic::Keep, "sesions", "no"),
        "there is nothing called `sesions` to keep; did you mean `sessions`?"
    );
    assert_eq!(
        refused(Topic::Keep, "sessions", "30-day"),
        "`30-day` is no answer for `sessions`; did you mean `30-days`?"
    );
    assert_eq!(
        refused(Topic::Promise, "abroad", "ships"),
        "`ships` is no answer for `abroad`; one of: nothing, no-promise"
    );
    let idle = with(&[(Topic::Promise, "notice", "7-days")]).settle().unwrap_err();
    assert_eq!(
        format!("{idle}; {}", idle.help()),
        "`notice` says nothing while `email` is not kept; keep it, `--keep email=...`, or leave `notice` out"
    );
}

#[test]
fn the_name_of_the_policy_is_made_of_the_controller() {
    for (controller, name) in [("Small VPN", "small-vpn"), ("  Étoile & Co. ", "toile-co"), ("24/7", "privacy")] {
        assert_eq!(page::name(controller), name);
    }
}

#[test]
fn every_question_and_answer_is_short_and_says_something() {
    for (question, choice) in offers() {
        assert!(question.asks.ends_with('?') && question.asks.len() <= 90, "{}", question.asks);
        assert!(!choice.means.is_empty() && choice.means.len() <= 100, "{}", choice.means);
        assert_eq!(questions::find(question.topic, question.key), Some(question), "two questions with one name");
    }
}

#[test]
fn the_first_answers_make_this_policy() {
    assert_eq!(policy(&Answers::default()), include_str!("tests/first.md"));
}
