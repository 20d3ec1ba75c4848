//! Any tree of clauses as the text of a policy. Codes are of the right kind and numbers follow each other, so that it
//! often compiles; what the clauses say together, and the words around the codes, are left to chance.

use std::fmt::Write;

use arbitrary::Arbitrary;
use avow_terms::{
    code::Code,
    retention::{Anchor, Period, Retention},
    vocabulary::{Kind, Vocabulary},
};

/// A policy.
#[derive(Debug, Arbitrary)]
pub(crate) struct Tree {
    terms: bool,
    guarantee: u8,
    zone: Option<u8>,
    never: Vec<Never>,
    kept: Vec<Kept>,
    seen: Vec<Seen>,
    rights: Vec<(u8, Length)>,
    measures: Vec<Measure>,
    general: Option<String>,
}

#[derive(Debug, Arbitrary)]
struct Never {
    words: String,
    data: u8,
    more: Vec<u8>,
    except: Option<u8>,
}

#[derive(Debug, Arbitrary)]
struct Kept {
    words: String,
    data: u8,
    more: Option<u8>,
    purpose: u8,
    origin: u8,
    how_long: HowLong,
}

#[derive(Debug, Arbitrary)]
struct Seen {
    who: String,
    data: u8,
    all_kept: bool,
    purpose: u8,
}

#[derive(Debug, Arbitrary)]
struct Measure {
    letter: u8,
    words: String,
    measure: u8,
    about: Vec<u8>,
    lead: Length,
}

#[derive(Debug, Arbitrary)]
enum HowLong {
    One(One),
    Earlier(One, One),
    Earliest(One, One, One),
}

#[derive(Debug, Arbitrary)]
enum One {
    After(Length, u8),
    Until(u8),
    MonthEnd(u8),
    NotStored,
    Memory(Option<Length>),
    Law(Length, u8),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Length {
    Minutes(u16),
    Days(u8),
    Months(u8),
}

const ZONES: [&str; 4] = ["UTC", "Europe/Nicosia", "America/St_Johns", "Pacific/Apia"];

impl Tree {
    /// The text of the policy.
    pub(crate) fn text(&self, vocabulary: &Vocabulary) -> String {
        let codes = |kind| vocabulary.codes(kind).cloned().collect::<Vec<_>>();
        let mut page = Page {
            text: self.front_matter(),
            data: codes(Kind::Data).into_iter().filter(|code| !vocabulary.is_system(code)).collect(),
            purposes: codes(Kind::Purpose),
            measures: codes(Kind::Measure),
            rights: codes(Kind::Right),
        };
        page.text.push_str("# A policy\n\n");
        page.never(&self.never);
        page.kept(&self.kept);
        page.seen(&self.seen, self.kept.len());
        page.rights(&self.rights);
        page.measures(&self.measures);
        if let Some(words) = &self.general {
            page.line(format_args!("- **G1.** Words {}", plain(words)));
        }
        page.text
    }

    fn front_matter(&self) -> String {
        let document = if self.terms { "terms" } else { "privacy" };
        let guarantee = pick(&["published", "account", "data"], self.guarantee);
        let zone = self.zone.map(|zone| format!("zone: {}\n", pick(&ZONES, zone))).unwrap_or_default();
        format!(
            "---\npolicy: any\ndocument: {document}\nversion: 1\neffective: on publication\ncontroller: Anybody\n\
             contact: a@any.example\nhome: CY\nguarantee: {guarantee}\n{zone}---\n\n"
        )
    }
}

/// A text in the making, and the codes it may use.
struct Page {
    text: String,
    data: Vec<Code>,
    purposes: Vec<Code>,
    measures: Vec<Code>,
    rights: Vec<Code>,
}

impl Page {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.text.write_fmt(line).expect("a text takes words");
        self.text.push('\n');
    }

    fn table(&mut self, header: &str) {
        let columns = header.matches(" | ").count() + 1;
        self.line(format_args!("\n| {header} |\n|{}", " --- |".repeat(columns)));
    }

    fn never(&mut self, all: &[Never]) {
        for (at, never) in all.iter().enumerate() {
            let mut codes = format!("`{}`", pick(&self.data, never.data));
            for more in &never.more {
                write!(codes, ", `{}`", pick(&self.data, *more)).expect("a text takes words");
            }
            if let Some(except) = never.except {
                write!(codes, ", except `{}`", pick(&self.data, except)).expect("a text takes words");
            }
            self.line(format_args!("- **N{}.** Never {} ({codes})", at + 1, plain(&never.words)));
        }
    }

    fn kept(&mut self, all: &[Kept]) {
        if all.is_empty() {
            return;
        }
        self.line(format_args!("\n**S0.** The table is complete (`complete`)."));
        self.table("Ref | What we keep | Why | Where it comes from | How long");
        for (at, kept) in all.iter().enumerate() {
            let more = kept.more.map(|more| format!(", `{}`", pick(&self.data, more))).unwrap_or_default();
            let (data, purpose) = (pick(&self.data, kept.data), pick(&self.purposes, kept.purpose));
            let origin = pick(&["You give it", "Collected automatically", "Payment processor", "Derived"], kept.origin);
            let (words, how_long) = (plain(&kept.words), kept.how_long.retention().phrase());
            let (data, number) = (data.clone(), at + 1);
            let purpose = purpose.clone();
            self.line(format_args!(
                "| **S{number}** | Words {words} (`{data}`{more}) | Why (`{purpose}`) | {origin} | {how_long} |"
            ));
        }
    }

    fn seen(&mut self, all: &[Seen], kept: usize) {
        if all.is_empty() {
            return;
        }
        self.table("Ref | Who | What they see | Why | When");
        for (at, seen) in all.iter().enumerate() {
            let of = if seen.all_kept && kept > 0 { format!(" of S1 to S{kept}") } else { String::new() };
            let (data, purpose) = (pick(&self.data, seen.data).clone(), pick(&self.purposes, seen.purpose).clone());
            let who = plain(&seen.who);
            self.line(format_args!("| **R{}** | One {who} | All{of} (`{data}`) | Why (`{purpose}`) | Daily |", at + 1));
        }
    }

    fn rights(&mut self, all: &[(u8, Length)]) {
        if all.is_empty() {
            return;
        }
        self.table("Ref | You may | How | Answered within");
        for (at, (right, within)) in all.iter().enumerate() {
            let (right, within) = (pick(&self.rights, *right).clone(), within.period().phrase());
            self.line(format_args!("| **U{}** | Ask (`{right}`) | By mail | {within} |", at + 1));
        }
    }

    fn measures(&mut self, all: &[Measure]) {
        self.text.push('\n');
        for (at, said) in all.iter().enumerate() {
            let measure = pick(&self.measures, said.measure).clone();
            let about: Vec<String> = said.about.iter().map(|code| format!("`{}`", pick(&self.data, *code))).collect();
            let about = if about.is_empty() { String::new() } else { format!(": {}", about.join(", ")) };
            let letter = pick(&["R", "L", "U", "T", "C"], said.letter);
            let (words, lead) = (plain(&said.words), said.lead.period().phrase());
            // Far from the rows of the tables, whose letters it may share.
            let number = at + 100;
            self.line(format_args!("- **{letter}{number}.** Not {words}, at least {lead} ahead (`{measure}`{about})"));
        }
    }
}

impl HowLong {
    fn retention(&self) -> Retention {
        let earlier = |one: Retention, other| Retention::Earlier(Box::new(one), Box::new(other));
        match self {
            Self::One(one) => one.retention(),
            Self::Earlier(one, other) => earlier(one.retention(), other.retention()),
            Self::Earliest(one, two, three) => earlier(one.retention(), earlier(two.retention(), three.retention())),
        }
    }
}

impl One {
    fn retention(&self) -> Retention {
        let anchor = |at: u8| *pick(&Anchor::ALL, at);
        match self {
            Self::After(length, at) => Retention::After { period: length.period(), anchor: anchor(*at) },
            Self::Until(at) => Retention::Until { anchor: anchor(*at) },
            Self::MonthEnd(zone) => Retention::MonthEnd { zone: (*pick(&ZONES, *zone)).to_owned() },
            Self::NotStored => Retention::NotStored,
            Self::Memory(at_most) => Retention::Memory { at_most: at_most.map(Length::period) },
            Self::Law(length, at) => {
                Retention::Law { law: "the Act".into(), at_most: length.period(), anchor: anchor(*at) }
            }
        }
    }
}

impl Length {
    fn period(self) -> Period {
        match self {
            Self::Minutes(minutes) => Period::Minutes(u32::from(minutes).max(1)),
            Self::Days(days) => Period::Minutes(u32::from(days).max(1) * 24 * 60),
            Self::Months(months) => Period::Months(u16::from(months).max(1)),
        }
    }
}

fn pick<T>(all: &[T], at: u8) -> &T {
    &all[usize::from(at) % all.len()]
}

/// Words without the marks that would make them something else; quotation marks, backslashes and control characters stay.
fn plain(words: &str) -> String {
    words.chars().filter(|c| !"`|<>[]()*_~\n\r".contains(*c)).collect()
}
