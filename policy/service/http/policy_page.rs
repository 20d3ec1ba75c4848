//! `GET /privacy`: the policy as the public reads it, with its version and the minute it applies from.

use avow_terms::rules::Rules;
use minijinja::{Environment, UndefinedBehavior, context};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use warp::{
    Reply,
    http::{StatusCode, header},
    reply::Response,
};

use super::{Site, fault};
use crate::{clock, standing::Standing};

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
    let rendered = Environment::new().tap_strict().render_named_str(
        "policy.html",
        TEMPLATE,
        context! {
            title => &policy.title,
            version => policy.header.version,
            on_trial => rules.version() == 0,
            in_force => in_force,
            pending => revision.is_some_and(|revision| revision.effective.instant() > now),
            effective => revision.map(|revision| revision.effective.to_string()),
            controller => &policy.header.controller,
            contact => &policy.header.contact,
            versions => standing.revisions().iter().map(|revision| revision.version).collect::<Vec<_>>(),
            body => body(&policy.source.text),
        },
    );
    match rendered {
        Ok(html) => warp::reply::with_header(
            warp::reply::html(html),
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        )
        .into_response(),
        Err(_) => fault::answer(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written"),
    }
}

/// The text as HTML. Clause numbers can be linked to (`/privacy#S2`), wide tables scroll by themselves, and HTML in the
/// text, which is an error of the policy, comes out as text.
fn body(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let (mut bold, mut front_matter) = (false, false);
    let events = Parser::new_ext(markdown, options).filter_map(|event| {
        Some(match event {
            Event::Start(Tag::MetadataBlock(_)) => {
                front_matter = true;
                return None;
            }
            Event::End(TagEnd::MetadataBlock(_)) => {
                front_matter = false;
                return None;
            }
            _ if front_matter => return None,
            Event::Start(Tag::Strong) => {
                bold = true;
                return None;
            }
            Event::End(TagEnd::Strong) => Event::InlineHtml("</strong>".into()),
            Event::Text(text) if std::mem::take(&mut bold) => return Some(strong(&text)),
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            other => other,
        })
    });
    let mut html = String::new();
    html::push_html(&mut html, events);
    html.replace("<table>", "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"Table\"><table>")
        .replace("</table>", "</table></div>")
        .replace("<th>", "<th scope=\"col\">")
}

/// Bold text; a clause number gets its own name as the place to link to.
fn strong(text: &str) -> Event<'static> {
    let number = text.trim_end_matches('.');
    let id = match number.parse::<avow_terms::clause::ClauseId>() {
        Ok(clause) => format!(" id=\"{clause}\""),
        Err(_) => String::new(),
    };
    let mut words = String::new();
    html::push_html(&mut words, std::iter::once(Event::Text(CowStr::from(text.to_owned()))));
    Event::InlineHtml(format!("<strong{id}>{words}").into())
}

trait Strict {
    fn tap_strict(self) -> Self;
}

impl Strict for Environment<'_> {
    /// A name that the template uses and the page does not give is an error, not an empty place.
    fn tap_strict(mut self) -> Self {
        self.set_undefined_behavior(UndefinedBehavior::Strict);
        self
    }
}
