//! What each kind of promise becomes.

use std::collections::BTreeSet;

use cedar_policy::pst::{Effect, PstConstructionError};

use super::{
    Kept, Work,
    calendar::over,
    expression::{Kind, among, equal, fact, is, text},
    statement::{Deed, Draft},
};
use crate::{
    code::Code,
    retention::Retention,
    term::{Promise, Term},
};

impl Work<'_> {
    pub(super) fn never(
        &mut self,
        term: &Term,
        data: &BTreeSet<Code>,
        except: &BTreeSet<Code>,
    ) -> Result<(), PstConstructionError> {
        let spared = self.leaves(term, except);
        for code in self.leaves(term, data).difference(&spared) {
            self.compiled.never.entry(code.clone()).or_insert(term.clause);
            self.add(Draft { data: Some(code.clone()), ..self.forbid(term, &format!("/{code}")) })?;
        }
        Ok(())
    }

    pub(super) fn stored(
        &mut self,
        term: &Term,
        data: &Code,
        purpose: &Code,
        retention: &Retention,
        consent: bool,
    ) -> Result<(), PstConstructionError> {
        self.datable(term, retention);
        for code in self.leaves(term, &BTreeSet::from([data.clone()])) {
            let consent = consent || self.needs_consent(&code);
            self.once(term, &code, purpose);
            self.compiled.kept.entry(code.clone()).or_default().push(Kept {
                clause: term.clause,
                said_at: term.said_at,
                purpose: purpose.clone(),
                retention: retention.clone(),
                consent,
            });
            let Some(over) = over(retention) else { continue };
            let mut when = vec![is("purpose", Kind::Purpose, purpose.as_str())?];
            when.extend(consent.then(|| fact("consent")));
            self.add(Draft {
                effect: Effect::Permit,
                retention: Some(retention.to_string()),
                data: Some(code.clone()),
                when,
                unless: over,
                ..self.forbid(term, &format!("/{code}/{purpose}"))
            })?;
        }
        Ok(())
    }

    pub(super) fn share(
        &mut self,
        term: &Term,
        recipient: &str,
        data: &BTreeSet<Code>,
        purpose: &Code,
    ) -> Result<(), PstConstructionError> {
        for code in self.leaves(term, data) {
            let who = equal(fact("recipient"), text(recipient));
            self.add(Draft {
                effect: Effect::Permit,
                action: Deed::Disclose,
                data: Some(code.clone()),
                when: vec![is("purpose", Kind::Purpose, purpose.as_str())?, who],
                ..self.forbid(term, &format!("/{code}/{purpose}"))
            })?;
        }
        Ok(())
    }

    pub(super) fn measure(
        &mut self,
        term: &Term,
        measure: &Code,
        data: &BTreeSet<Code>,
    ) -> Result<(), PstConstructionError> {
        let unless = match measure.as_str() {
            "store-nothing-abroad" => is("place", Kind::Place, "home")?,
            "encrypt-at-rest" => is("form", Kind::Form, "sealed")?,
            "hash-only" => is("form", Kind::Form, "digest")?,
            "no-disclosure" => return self.no_disclosure(term),
            // Duties, and measures that are kept elsewhere than in the rules.
            _ => return Ok(()),
        };
        if data.is_empty() {
            return self.add(Draft { unless: vec![unless], ..self.forbid(term, &format!("/{measure}")) });
        }
        for code in self.leaves(term, data) {
            let id = format!("/{measure}/{code}");
            self.add(Draft { unless: vec![unless.clone()], data: Some(code), ..self.forbid(term, &id) })?;
        }
        Ok(())
    }

    /// Nobody but the recipients the policy names.
    fn no_disclosure(&mut self, term: &Term) -> Result<(), PstConstructionError> {
        let named: BTreeSet<String> = self.policy.terms.iter().filter_map(recipient).collect();
        let unless = if named.is_empty() { Vec::new() } else { vec![among(fact("recipient"), named)] };
        self.add(Draft { action: Deed::Disclose, unless, ..self.forbid(term, "/no-disclosure") })
    }

    fn needs_consent(&self, code: &Code) -> bool {
        self.policy.terms.iter().any(|term| match &term.promise {
            Promise::Measure { measure, data, .. } if measure.as_str() == "consent" => {
                data.iter().any(|asked| self.vocabulary.covers(asked, code))
            }
            _ => false,
        })
    }
}

fn recipient(term: &Term) -> Option<String> {
    match &term.promise {
        Promise::Share { recipient, .. } => Some(recipient.clone()),
        _ => None,
    }
}
