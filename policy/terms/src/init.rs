//! A first policy from a few answers: what is kept, why, for how long, and what is promised.
//!
//! Every answer on offer makes a text that reads without a problem and compiles. What the software itself needs stands in
//! every text, so that the service can be started with it. Nothing is asked and nothing is written here.

mod clauses;
mod page;
mod questions;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(crate) use self::page::name;
pub use self::{
    page::policy,
    questions::{Choice, QUESTIONS, Question, Topic},
};
use crate::suggest;

/// Who makes the promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// What the policy is called, for ever; without it, a name made of the controller's.
    pub name: Option<String>,
    /// Who is responsible.
    pub controller: String,
    /// Where to ask.
    pub contact: String,
    /// The home country, in the two letters of ISO 3166.
    pub home: String,
}

/// The operator of the examples: a text with these names is for trying out.
impl Default for Operator {
    fn default() -> Self {
        Self {
            name: None,
            controller: "Small VPN".to_owned(),
            contact: "privacy@small.example".to_owned(),
            home: "CY".to_owned(),
        }
    }
}

/// The answers: what was chosen, and for the rest what each question offers first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Who makes the promises.
    pub operator: Operator,
    chosen: BTreeMap<(Topic, &'static str), &'static Choice>,
}

/// Why an answer cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// There is no such question.
    #[error("there is nothing called `{said}` {}", .topic.to_ask())]
    Question {
        /// What was said.
        said: String,
        /// What it was said about.
        topic: Topic,
        /// What to say instead.
        help: String,
    },
    /// The question is another, or it knows no such answer.
    #[error("`{said}` is no answer for `{key}`")]
    Choice {
        /// What was said.
        said: String,
        /// The question.
        key: &'static str,
        /// What to say instead.
        help: String,
    },
    /// The question makes no sense without something that is not kept.
    #[error("`{key}` says nothing while `{needs}` is not kept")]
    Idle {
        /// The question.
        key: &'static str,
        /// What it needs.
        needs: &'static str,
        /// What to do.
        help: String,
    },
}

impl NoAnswer {
    /// What to say instead.
    #[must_use]
    pub fn help(&self) -> &str {
        match self {
            Self::Question { help, .. } | Self::Choice { help, .. } | Self::Idle { help, .. } => help,
        }
    }
}

impl Answers {
    /// The answers of an operator who has not been asked anything yet.
    #[must_use]
    pub fn of(operator: Operator) -> Self {
        Self { operator, chosen: BTreeMap::new() }
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// If there is no such question, or no such answer to it.
    pub fn choose(&mut self, topic: Topic, key: &str, answer: &str) -> Result<(), NoAnswer> {
        let question = questions::find(topic, key).ok_or_else(|| no_question(topic, key))?;
        let choice = question.choice(answer).ok_or_else(|| no_choice(question, answer))?;
        self.chosen.insert((topic, question.key), choice);
        Ok(())
    }

    /// Whether a question makes sense after the answers so far: nobody is asked why something is kept that is not.
    #[must_use]
    pub fn is_asked(&self, question: &Question) -> bool {
        question.needs.is_none_or(|kept| self.keeps(kept))
    }

    /// Whether a question has been answered.
    #[must_use]
    pub fn is_answered(&self, question: &Question) -> bool {
        self.chosen.contains_key(&(question.topic, question.key))
    }

    /// The answer to a question: the chosen one, or what is offered first.
    #[must_use]
    pub fn answer(&self, question: &'static Question) -> &'static Choice {
        self.chosen.get(&(question.topic, question.key)).copied().unwrap_or_else(|| question.first())
    }

    /// Every question that is asked, with its answer.
    pub fn given(&self) -> impl Iterator<Item = (&'static Question, &'static Choice)> {
        QUESTIONS.iter().filter(|question| self.is_asked(question)).map(|question| (question, self.answer(question)))
    }

    /// Looks for answers that say nothing beside the others.
    ///
    /// # Errors
    /// The first of them.
    pub fn settle(&self) -> Result<(), NoAnswer> {
        let idle = QUESTIONS.iter().find(|question| self.is_answered(question) && !self.is_asked(question));
        match idle.and_then(|question| Some((question.key, question.needs?))) {
            None => Ok(()),
            Some((key, needs)) => {
                let help = format!("keep it, `--keep {needs}=...`, or leave `{key}` out");
                Err(NoAnswer::Idle { key, needs, help })
            }
        }
    }

    fn keeps(&self, key: &str) -> bool {
        self.says(Topic::Keep, key).is_some_and(|choice| choice.key != "no")
    }

    /// The answer to a question that is asked.
    fn says(&self, topic: Topic, key: &str) -> Option<&'static Choice> {
        let question = questions::find(topic, key)?;
        self.is_asked(question).then(|| self.answer(question))
    }

    fn is(&self, topic: Topic, key: &str, answer: &str) -> bool {
        self.says(topic, key).is_some_and(|choice| choice.key == answer)
    }
}

fn no_question(topic: Topic, said: &str) -> NoAnswer {
    let keys = || QUESTIONS.iter().filter(move |question| question.topic == topic).map(|question| question.key);
    let help = match suggest::nearest(said, keys()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of: {}", keys().collect::<Vec<_>>().join(", ")),
    };
    NoAnswer::Question { said: said.to_owned(), topic, help }
}

fn no_choice(question: &'static Question, said: &str) -> NoAnswer {
    let keys = || question.choices.iter().map(|choice| choice.key);
    let help = match suggest::nearest(said, keys()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of: {}", keys().collect::<Vec<_>>().join(", ")),
    };
    NoAnswer::Choice { said: said.to_owned(), key: question.key, help }
}
