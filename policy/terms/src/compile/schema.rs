//! The Cedar schema: every word that the rules may use, generated from the vocabulary.
//!
//! Data are leaves of the vocabulary and nothing has to be loaded to decide: everything about a record is in the facts.

use std::fmt::Write;

use super::calendar::Dated;
use crate::{code::Code, permit::Service, retention::Anchor};

/// What the facts call the event of each anchor. Recording is not among them: it is always there.
pub(crate) const ANCHORS: [(Anchor, &str); 7] = [
    (Anchor::SessionEnd, "session_end"),
    (Anchor::Payment, "payment"),
    (Anchor::AccountClosed, "account_closed"),
    (Anchor::AccountDeleted, "account_deleted"),
    (Anchor::LoggedOut, "logged_out"),
    (Anchor::SubscriptionEnd, "subscription_end"),
    (Anchor::FinancialYearEnd, "financial_year_end"),
];

/// Every part of the operator's system.
pub(crate) const SERVICES: [Service; 7] = [
    Service::Relay,
    Service::Accounting,
    Service::Registration,
    Service::Billing,
    Service::AbuseDesk,
    Service::Portal,
    Service::Mail,
];

/// What the facts call the event of an anchor; none for recording.
pub(crate) fn event_name(anchor: Anchor) -> Option<&'static str> {
    ANCHORS.iter().find(|(known, _)| *known == anchor).map(|(_, name)| *name)
}

/// What the schema calls a service.
pub(crate) fn service_name(service: Service) -> &'static str {
    match service {
        Service::Relay => "relay",
        Service::Accounting => "accounting",
        Service::Registration => "registration",
        Service::Billing => "billing",
        Service::AbuseDesk => "abuse-desk",
        Service::Portal => "portal",
        Service::Mail => "mail",
    }
}

/// The schema as text.
pub(crate) fn schema<'a>(
    data: impl Iterator<Item = &'a Code>,
    purposes: impl Iterator<Item = &'a Code>,
    dates: &[Dated],
) -> String {
    let services = one_of(SERVICES.into_iter().map(service_name));
    let data = one_of(data.map(Code::as_str));
    let purposes = one_of(purposes.map(Code::as_str));
    format!(
        "// Generated from the vocabulary: the items of data, the purposes, and the facts that rules may ask for.
namespace Avow {{
  entity Data enum {data};
  entity Purpose enum {purposes};
  entity Service enum {services};
  entity Place enum [\"home\", \"abroad\"];
  entity Form enum [\"plain\", \"sealed\", \"digest\"];

  type Facts = {{
    now: datetime,
    recorded: datetime,
    purpose: Purpose,
    place: Place,
    form: Form,
    consent: Bool,
{facts}  }};

  action keep;
  action store, retain in [keep] appliesTo {{ principal: [Service], resource: [Data], context: Facts }};
  action disclose appliesTo {{
    principal: [Service], resource: [Data], context: {{ purpose: Purpose, recipient: String }}
  }};
}}
",
        facts = facts(dates),
    )
}

/// The events and dates, a line each.
fn facts(dates: &[Dated]) -> String {
    let mut lines = String::new();
    for (_, event) in ANCHORS {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "    {event}?: datetime,");
    }
    for date in dates {
        let optional = if date.event.is_some() { "?" } else { "" };
        let _ = writeln!(lines, "    \"{}\"{optional}: datetime,", date.name);
    }
    lines
}

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    format!("[{}]", words.join(", "))
}
