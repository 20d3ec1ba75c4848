//! `GET /privacy`: the policy as the public reads it, with its version and the minute it applies from.

use avow_terms::rules::Rules;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use warp::{
    Reply,
    http::{StatusCode, header},
    reply::Response,
};

use super::{Site, fault};
use crate::{clock, policy_html, standing::Standing};

const TEMPLATE: &str = include_str!("../templates/policy.html");

/// Where `/` leads.
pub(super) fn home() -> Response {
    let there = warp::reply::with_header(warp::reply(), header::LOCATION, "/privacy");
    warp::reply::with_status(there, StatusCode::SEE_OTHER).into_response()
}

/// The policy in force.
pub(super) fn in_force(site: &Site) -> Response {
    let standing = site.standing.load();
    match standing.in_force(clock::now()) {
        Some(rules) => page(&standing, rules),
        None => fault::answer(StatusCode::SERVICE_UNAVAILABLE, "no policy is in force"),
    }
}

/// A published version: `v1`; `v0` is the text on trial.
pub(super) fn version(site: &Site, name: &str) -> Response {
    let standing = site.standing.load();
    let number = name.strip_prefix('v').and_then(|number| number.parse().ok());
    match number.and_then(|number| standing.version(number)) {
        Some(rules) => page(&standing, rules),
        None => {
            fault::answer(StatusCode::NOT_FOUND, "there is no such version; versions are /privacy/v1, /privacy/v2 ...")
        }
    }
}

fn page(standing: &Standing, rules: &Rules) -> Response {
    let policy = rules.policy();
    let revision = standing.revision(rules.version());
    let now = clock::now();
    let in_force = standing.in_force(now).is_some_and(|in_force| in_force.version() == rules.version());
    let rendered = render(context! {
        title => &policy.title,
        version => policy.header.version,
        preview => (),
        on_trial => rules.version() == 0,
        in_force => in_force,
        pending => revision.is_some_and(|revision| revision.effective.instant() > now),
        effective => revision.map(|revision| revision.effective.to_string()),
        controller => &policy.header.controller,
        contact => &policy.header.contact,
        versions => standing.revisions().iter().map(|revision| revision.version).collect::<Vec<_>>(),
        body => policy_html::body(&policy.source.text, |_| None),
    });
    match rendered {
        Ok(html) => page_of(html),
        Err(_) => fault::answer(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written"),
    }
}

/// The page of a policy. A name that the template uses and the page does not give is an error, not an empty place.
///
/// # Errors
/// If a name is missing.
pub(crate) fn render(page: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.render_named_str("policy.html", TEMPLATE, page)
}

/// A page as an answer: it may load nothing and send nothing.
pub(crate) fn page_of(html: String) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    warp::reply::with_header(warp::reply::html(html), header::CONTENT_SECURITY_POLICY, policy).into_response()
}
