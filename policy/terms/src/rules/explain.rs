//! Answers in the policy's words: which clause allows or forbids, or what the policy does not say.

use jiff::Timestamp;

use super::{
    Answer, Rules,
    ask::{Asked, Granted, Refused},
};
use crate::{
    clause::ClauseId,
    code::Code,
    compile::{Kept, statement::Statement},
    minute::Minute,
    permit::Due,
};

/// What a clause says, and where.
pub(super) struct Cited {
    pub(super) words: String,
    pub(super) place: String,
}

impl Rules {
    /// The answer where it may be kept.
    pub(super) fn granted(&self, granted: &Granted) -> Answer {
        let clause = granted.clauses.first().copied();
        let by = granted.clauses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let reason = match granted.due {
            Due::At(due) => format!("{by} allows it: {}; due {}", granted.phrase, written(due)),
            Due::When(_) => format!("{by} allows it: {}", granted.phrase),
        };
        Answer { allowed: true, due: Some(granted.due), reason, ..self.citing(clause) }
    }

    /// The answer where it may not.
    pub(super) fn refused(&self, refused: Refused) -> Answer {
        Answer { reason: refused.reason, ..self.citing(refused.clause) }
    }

    /// A clause, or what must be true of any facts, forbids it.
    pub(super) fn forbidden(&self, statement: &Statement) -> Refused {
        let reason = match statement.clause {
            Some(clause) => format!("{clause} forbids it: {}", self.quote(clause)),
            None => format!("these facts cannot be true: {}", statement.says),
        };
        Refused { clause: statement.clause, reason }
    }

    /// No clause allows it, or none that does any longer.
    pub(super) fn silent(&self, asked: &Asked<'_>, leaf: &Code) -> Refused {
        let Some(kept) = self.row(leaf, asked.purpose) else { return self.missing(leaf, asked.purpose) };
        let (facts, clause) = (asked.facts, kept.clause);
        let why = if kept.consent && !facts.consent {
            format!("{clause} keeps it only if the user agreed")
        } else if !kept.is_stored() {
            format!("{clause} does not let it be stored")
        } else {
            match kept.retention.due(facts.recorded, &facts.events, &self.zone) {
                Due::At(due) => format!("{clause} keeps it no longer, it was due {}", written(due)),
                Due::When(_) => format!("{clause} does not keep it on these facts"),
            }
        };
        Refused { clause: Some(clause), reason: format!("{why}: {}", self.quote(clause)) }
    }

    /// No row keeps it for this purpose: what to add, and which rows keep it for another.
    fn missing(&self, leaf: &Code, purpose: &Code) -> Refused {
        if self.vocabulary.is_system(leaf) {
            let reason = format!("`{leaf}` is about no account: no clause speaks of it, and it needs no permit");
            return Refused { clause: None, reason };
        }
        let header = &self.policy.header;
        let mut reason = format!(
            "no clause of {} version {} keeps `{leaf}` for `{purpose}`; add a row to the table \"What we keep\"",
            header.policy, header.version
        );
        let other = |kept: &Kept| format!("{} keeps it for `{}`", kept.clause, kept.purpose);
        let others: Vec<String> = self.kept.get(leaf).into_iter().flatten().map(other).collect();
        if !others.is_empty() {
            reason = format!("{reason} ({})", others.join(", "));
        }
        Refused { clause: None, reason }
    }

    /// The words and the place of a clause.
    pub(super) fn cited(&self, id: ClauseId) -> Option<&Cited> {
        self.cited.get(&id)
    }

    /// The clause's words in quotes, and where they stand.
    fn quote(&self, id: ClauseId) -> String {
        match self.cited(id) {
            Some(Cited { words, place }) => format!("\"{words}\" ({place})"),
            None => String::from("the clause is not in the text"),
        }
    }

    /// An answer that does not allow, citing a clause.
    fn citing(&self, id: Option<ClauseId>) -> Answer {
        let cited = id.and_then(|id| self.cited(id));
        Answer {
            allowed: false,
            due: None,
            clause: id,
            words: cited.map(|cited| cited.words.clone()),
            place: cited.map(|cited| cited.place.clone()),
            reason: String::new(),
        }
    }
}

/// An instant as people write it: whole minutes without their seconds.
fn written(instant: Timestamp) -> String {
    Minute::exactly(instant).map_or_else(|| instant.to_string(), |minute| minute.to_string())
}
