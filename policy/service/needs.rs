//! What the service keeps, against what a policy allows. Without some of it the service does not do its job: each thing that is
//! missing is a problem, with a row to paste. The rest a policy may leave out: then the command that would keep it is
//! refused, which is said.
//!
//! The list is that of the store's kinds of record. What the vocabulary knows and nothing stores yet is not asked for.

use avow_accounting::{
    AccountRecord, ActivationCode, Blocked, CaseStep, Choices, DeviceCount, Diagnostics, Email, MonthTotal,
    NoticeEvidence, PasswordDigest, PaymentRecord, PlanRecord, SealedSession, SessionTotal, UserName,
};
use avow_terms::{
    code::Code,
    permit::{Events, Facts, Form, NodePlace, Record, Refusal},
    problem::{Problem, problem},
    retention::{Anchor, Retention},
    row::{self, Wanted},
    rules::Rules,
    term::Origin,
};
use serde::Serialize;

use crate::clock;

/// Everything that the service could not keep under these rules. Without an account nobody can connect, which is an
/// error; without a count of the month there is only no limit.
#[must_use]
pub fn unmet(rules: &Rules) -> Vec<Problem> {
    let until_deleted = Retention::Until { anchor: Anchor::AccountDeleted };
    let month = Retention::MonthEnd { zone: "UTC".to_owned() };
    let account = unmet_by::<AccountRecord>(rules, Form::Sealed, Origin::Derived, &until_deleted);
    let total = unmet_by::<MonthTotal>(rules, Form::Plain, Origin::Automatic, &month).map(Problem::warning);
    account.into_iter().chain(total).collect()
}

/// A kind of record that a policy leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What a person calls it: `user name`.
    pub record: &'static str,
    /// What comes of it: a command that is refused, or something that is not done.
    pub then: &'static str,
    /// The first of its data codes that is not allowed.
    pub code: String,
    /// Why, in the words of the rules.
    pub reason: String,
}

/// Everything that the service can keep and does not have to, and these rules do not allow.
#[must_use]
pub fn left_out(rules: &Rules) -> Vec<LeftOut> {
    [
        left_out_by::<Email>(rules, "`avow record NUMBER email` is refused"),
        left_out_by::<UserName>(rules, "`avow record NUMBER username` is refused"),
        left_out_by::<PasswordDigest>(rules, "`avow record NUMBER password` is refused"),
        left_out_by::<ActivationCode>(rules, "`avow record NUMBER code` is refused"),
        left_out_by::<Choices>(rules, "`avow record NUMBER choose` is refused"),
        left_out_by::<Diagnostics>(rules, "`avow record NUMBER attempt` is refused"),
        left_out_by::<PaymentRecord>(rules, "`avow record NUMBER payment` is refused"),
        left_out_by::<CaseStep>(rules, "`avow record NUMBER case` is refused"),
        left_out_by::<Blocked>(rules, "`avow account block` is refused"),
        left_out_by::<PlanRecord>(rules, "`avow account plan` is refused"),
        left_out_by::<NoticeEvidence>(rules, "`avow notices keep` is refused"),
        left_out_by::<SealedSession>(rules, "`[desk]` in the configuration is refused"),
        left_out_by::<SessionTotal>(rules, "sessions are not kept"),
        left_out_by::<DeviceCount>(rules, "devices are not counted"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn left_out_by<R: Record>(rules: &Rules, then: &'static str) -> Option<LeftOut> {
    let now = clock::now();
    let events = Events { session_end: Some(now), payment: Some(now), ..Events::default() };
    let facts = Facts { now, recorded: now, events, place: NodePlace::Home, form: Form::Sealed, consent: true };
    let refusal = rules.permit::<R>(&facts).err()?;
    Some(LeftOut { record: R::NAME, then, code: refusal.code.to_string(), reason: refusal.reason })
}

fn unmet_by<R: Record>(rules: &Rules, form: Form, origin: Origin, retention: &Retention) -> Option<Problem> {
    let now = clock::now();
    let facts = Facts { now, recorded: now, events: Events::default(), place: NodePlace::Home, form, consent: false };
    let refusal = rules.permit::<R>(&facts).err()?;
    Some(match refusal.clause {
        Some(_) => forbidden(rules, &refusal),
        None => missing::<R>(rules, &refusal, origin, retention),
    })
}

/// A clause forbids it: nothing could be added.
fn forbidden(rules: &Rules, refusal: &Refusal) -> Problem {
    let policy = rules.policy();
    let clause = refusal.clause.and_then(|id| policy.clause(id));
    let place = clause.map(|clause| clause.span).unwrap_or_default();
    let message = format!("the service keeps `{}` for `{}`: {}", refusal.code, refusal.purpose, refusal.reason);
    let help = format!("take `{}` out of this clause", refusal.code);
    problem(&policy.source, place, "service-forbidden", message).help(help)
}

/// No clause allows it: the row that would, for every code of the record that has none.
fn missing<R: Record>(rules: &Rules, refusal: &Refusal, origin: Origin, retention: &Retention) -> Problem {
    let policy = rules.policy();
    let data: Vec<Code> = R::CODES.iter().filter_map(|code| Code::new(code).ok()).collect();
    let kept = |code: &&Code| {
        policy.terms.iter().any(|term| match &term.promise {
            avow_terms::term::Promise::Stored { data, purpose, .. } => {
                *purpose == refusal.purpose && rules.vocabulary().covers(data, code)
            }
            _ => false,
        })
    };
    let data: Vec<Code> = data.iter().filter(|code| !kept(code)).cloned().collect();
    let wanted = Wanted { data: &data, purpose: &refusal.purpose, origin, retention };
    let row = row::wanted(policy, rules.vocabulary(), &wanted);
    let codes: Vec<String> = data.iter().map(|code| format!("`{code}`")).collect();
    let message = format!("the service keeps {} for `{}`, and no row allows it", codes.join(", "), refusal.purpose);
    problem(&policy.source, row.after, "service-needs", message).help(format!("add after this:\n{}", row.markdown))
}
