//! The front matter: `key: value` lines between two lines of `---`.

use super::{problems::Problems, traps};
use crate::{
    language::Language,
    legal::Country,
    policy::{Document, Effective, Guarantee, Header},
    retention::zone_name,
    source::Span,
    suggest,
};

/// What the front matter says.
#[derive(Default)]
pub(super) struct FrontMatter {
    /// All of it, if every key that is needed is there and says something.
    pub(super) header: Option<Header>,
    /// The sections that promise nothing, and where they are named.
    pub(super) informative: Vec<(String, Span)>,
    /// The first byte of the body.
    pub(super) end: usize,
}

pub(super) const KEYS: [&str; 12] = [
    "policy",
    "document",
    "version",
    "effective",
    "controller",
    "contact",
    "home",
    "guarantee",
    "summary",
    "zone",
    "language",
    "informative",
];
const NEEDED: usize = 8;

/// Whether a text must have the key.
pub(super) fn is_needed(key: &str) -> bool {
    KEYS.into_iter().take(NEEDED).any(|needed| needed == key)
}

/// A key with its value and where that stands.
#[derive(Clone, Copy)]
struct Entry<'s> {
    key: &'static str,
    value: &'s str,
    place: Span,
}

/// Reads the front matter of the text.
pub(super) fn read(problems: &mut Problems<'_>) -> FrontMatter {
    let text = problems.words(Span { start: 0, end: problems.source.text.len() });
    let skipped = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut lines = Lines { text, at: skipped };
    if !lines.next().is_some_and(|(line, _)| is_rule(line)) {
        let help = "start the text with `---`, a line for each key, and `---`";
        problems.error(Span { start: skipped, end: skipped }, "no-front-matter", "the text has no front matter", help);
        return FrontMatter { end: skipped, ..FrontMatter::default() };
    }
    let mut entries = Vec::new();
    for (line, start) in lines {
        if is_rule(line) {
            problems.language = language(&entries, problems);
            gaps(&entries, problems);
            let informative = sections(&entries);
            return FrontMatter { header: header(&entries, start, problems), informative, end: start + line.len() };
        }
        if line.trim().is_empty() || line.starts_with('#') {
            return unended(skipped, start, problems);
        }
        entries.extend(entry(line, start, &entries, problems));
    }
    unended(skipped, text.len(), problems)
}

/// Front matter that runs into the body: the body begins at `end`.
fn unended(opening: usize, end: usize, problems: &mut Problems<'_>) -> FrontMatter {
    let opening = Span { start: opening, end: opening + 3 };
    problems.error(opening, "no-front-matter", "the front matter does not end", "end it with a line `---`");
    FrontMatter { end, ..FrontMatter::default() }
}

struct Lines<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Lines<'t> {
    type Item = (&'t str, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let line = self.text.get(start..)?.split_inclusive('\n').next()?;
        self.at += line.len();
        Some((line.trim_end_matches(['\n', '\r']), start))
    }
}

fn is_rule(line: &str) -> bool {
    line.trim_end() == "---"
}

fn entry<'s>(line: &'s str, start: usize, before: &[Entry<'s>], problems: &mut Problems<'_>) -> Option<Entry<'s>> {
    let trimmed = line.trim();
    let begin = start + (line.len() - line.trim_start().len());
    let whole = Span { start: begin, end: begin + trimmed.len() };
    if trimmed.is_empty() {
        return None;
    }
    let Some((name, rest)) = trimmed.split_once(':') else {
        problems.error(whole, "bad-front-matter", format!("`{trimmed}` is no `key: value`"), "write `key: value`");
        return None;
    };
    let key_place = Span { start: begin, end: begin + name.trim_end().len() };
    let Some(key) = KEYS.into_iter().find(|key| *key == name.trim_end()) else {
        let help = match suggest::nearest(name, KEYS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys are: {}", KEYS.join(", ")),
        };
        problems.error(key_place, "unknown-key", format!("unknown key `{}`", name.trim_end()), help);
        return None;
    };
    if let Some(first) = before.iter().find(|first| first.key == key) {
        let message = format!("`{key}` is said twice");
        problems.clash(
            key_place,
            "duplicate-key",
            message,
            (first.place, "first said here"),
            "leave one of the lines out",
        );
        return None;
    }
    let (value, quote) = unquoted(rest.trim());
    let at = whole.end - rest.trim().len() + quote;
    let place = if value.is_empty() { key_place } else { Span { start: at, end: at + value.len() } };
    if value.is_empty() {
        problems.error(
            place,
            "empty-key",
            format!("`{key}` says nothing"),
            "fill it in, or leave the line out if it is optional",
        );
        return None;
    }
    Some(Entry { key, value, place })
}

/// The language of the text; English if it names none, or none that is known, which is reported.
fn language(entries: &[Entry<'_>], problems: &mut Problems<'_>) -> Language {
    let Some(entry) = entries.iter().find(|entry| entry.key == "language") else { return Language::default() };
    Language::of(entry.value).unwrap_or_else(|| {
        let known = Language::ALL.map(|language| format!("`{language}`")).join(", ");
        let help = format!("the languages are: {known}; without this line it is `{}`", Language::default());
        problems.error(entry.place, "unknown-language", format!("no words are known for `{}`", entry.value), help);
        Language::default()
    })
}

/// Reports values that are still to be filled in.
fn gaps(entries: &[Entry<'_>], problems: &mut Problems<'_>) {
    for entry in entries {
        if let Some(gap) = traps::gaps(entry.value, problems.words_of_language()).into_iter().next() {
            let words = Span { start: entry.place.start + gap.start, end: entry.place.start + gap.end };
            traps::placeholder(words, problems);
        }
    }
}

/// A value without the quotation marks that YAML allows around it, and how many bytes they take before it.
fn unquoted(value: &str) -> (&str, usize) {
    let inner = ['"', '\''].into_iter().find_map(|mark| value.strip_prefix(mark)?.strip_suffix(mark));
    inner.map_or((value, 0), |inner| (inner, 1))
}

fn sections(entries: &[Entry<'_>]) -> Vec<(String, Span)> {
    let Some(entry) = entries.iter().find(|entry| entry.key == "informative") else { return Vec::new() };
    let mut start = entry.place.start;
    let mut sections = Vec::new();
    for part in entry.value.split(',') {
        let name = part.trim();
        let begin = start + (part.len() - part.trim_start().len());
        if !name.is_empty() {
            let place = Span { start: begin, end: begin + name.len() };
            sections.push((name.split_whitespace().collect::<Vec<_>>().join(" "), place));
        }
        start += part.len() + 1;
    }
    sections
}

/// The header, once every entry was checked. `end` is where the front matter ends: missing keys are reported there.
fn header(entries: &[Entry<'_>], end: usize, problems: &mut Problems<'_>) -> Option<Header> {
    let missing: Vec<&str> =
        KEYS.into_iter().take(NEEDED).filter(|key| !entries.iter().any(|entry| entry.key == *key)).collect();
    let reported = problems.any_error_in(Span { start: 0, end });
    for key in missing.iter().filter(|_| !reported) {
        let message = format!("the front matter does not say `{key}`");
        problems.error(Span { start: end, end: end + 3 }, "missing-key", message, example(key, problems.language));
    }
    let language = problems.language;
    let mut values = Values { entries, problems };
    let policy = values.read("policy", |value| is_name(value).then(|| value.to_owned()));
    let document = values.read("document", document);
    let version = values.read("version", |value| value.parse().ok().filter(|version| *version > 0));
    let effective = values.read("effective", |value| effective(value, language));
    let effective = effective.filter(|effective| values.may_be_on_publication(*effective, version));
    let effective = effective.filter(|effective| values.is_in_our_time(*effective));
    let controller = values.read("controller", |value| Some(value.to_owned()));
    let contact = values.read("contact", |value| Some(value.to_owned()));
    let home = values.read("home", |value| Country::new(value).map(|home| home.as_str().to_owned()));
    let guarantee = values.read("guarantee", guarantee);
    let zone = values.read("zone", zone_name);
    let summary = values.read("summary", |value| Some(value.to_owned()));
    let places = entries.iter().map(|entry| (entry.key, entry.place)).collect();
    Some(Header {
        policy: policy?,
        document: document?,
        version: version?,
        effective: effective?,
        controller: controller?,
        contact: contact?,
        home: home?,
        guarantee: guarantee?,
        summary,
        zone,
        language,
        places,
    })
}

struct Values<'v, 's> {
    entries: &'v [Entry<'v>],
    problems: &'v mut Problems<'s>,
}

impl Values<'_, '_> {
    /// The value of a key, if it is there and has the form it needs; a bad form is reported.
    fn read<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let entry = *self.entries.iter().find(|entry| entry.key == key)?;
        let value = parse(entry.value);
        if value.is_none() {
            let message = format!("`{}` is not {}", entry.value, expected(entry.key));
            self.problems.error(entry.place, bad(entry.key), message, example(entry.key, self.problems.language));
        }
        value
    }

    /// Whether a minute lies where deadlines can be counted from it: from 1970 to 2999.
    fn is_in_our_time(&mut self, effective: Effective) -> bool {
        const SECONDS: std::ops::Range<i64> = 0..32_503_680_000;
        let Effective::At(minute) = effective else { return true };
        let fits = SECONDS.contains(&minute.instant().as_second());
        if !fits && let Some(entry) = self.entries.iter().find(|entry| entry.key == "effective") {
            let help = "write a minute between the years 1970 and 2999";
            let message = format!("nothing can apply from `{}`", entry.value);
            self.problems.error(entry.place, "bad-effective", message, help);
        }
        fits
    }

    /// Whether a text may say `on publication`: only while nobody holds an account, which is before version 2.
    fn may_be_on_publication(&mut self, effective: Effective, version: Option<u32>) -> bool {
        let later = effective == Effective::OnPublication && version.is_some_and(|version| version > 1);
        if later && let Some(entry) = self.entries.iter().find(|entry| entry.key == "effective") {
            let help = "write the minute and the zone, such as `2026-12-01T09:30Z`";
            let message = "only version 1 may apply on publication";
            self.problems.error(entry.place, "bad-effective", message, help);
        }
        !later
    }
}

fn is_name(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_lowercase())
        && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn document(value: &str) -> Option<Document> {
    match value {
        "privacy" => Some(Document::Privacy),
        "terms" => Some(Document::Terms),
        _ => None,
    }
}

fn effective(value: &str, language: Language) -> Option<Effective> {
    if value == language.words().on_publication {
        return Some(Effective::OnPublication);
    }
    value.parse().ok().map(Effective::At)
}

fn guarantee(value: &str) -> Option<Guarantee> {
    match value {
        "published" => Some(Guarantee::Published),
        "account" => Some(Guarantee::Account),
        "data" => Some(Guarantee::Data),
        _ => None,
    }
}

fn expected(key: &str) -> &'static str {
    match key {
        "policy" => "a name of small letters, digits and `-`",
        "document" => "a document the software knows",
        "version" => "a number from 1 on",
        "effective" => "a minute with its zone",
        "home" => "a country",
        "guarantee" => "a guarantee",
        _ => "a zone of the IANA list",
    }
}

fn bad(key: &str) -> &'static str {
    match key {
        "policy" => "bad-policy",
        "document" => "bad-document",
        "version" => "bad-version",
        "effective" => "bad-effective",
        "home" => "bad-home",
        "guarantee" => "bad-guarantee",
        _ => "bad-zone",
    }
}

/// What to write for a key.
pub(super) fn example(key: &str, language: Language) -> String {
    let text = match key {
        "policy" => "write a name that stays the same for every version, such as `policy: northgate`",
        "document" => "write `document: privacy` or `document: terms`",
        "version" => "write `version: 1`, and one more for each version after it",
        "effective" => {
            let on_publication = language.words().on_publication;
            return format!("write `effective: 2026-12-01T09:30Z`; version 1 may say `effective: {on_publication}`");
        }
        "controller" => "write who promises: `controller: Northgate Tunnel`",
        "contact" => "write where to ask: `contact: privacy@northgate.example`",
        "home" => "write the two capital letters of the home country (ISO 3166): `home: CY`",
        "guarantee" => "write `guarantee: published`, `guarantee: account` or `guarantee: data`",
        _ => "write a zone such as `zone: UTC` or `zone: Europe/Nicosia`",
    };
    text.to_owned()
}
