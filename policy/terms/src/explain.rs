//! Every code that a problem can have, explained at length for whoever writes a policy, with a wrong and a right example.
//!
//! A text stands in a file of its own, `explain/CODE.md`, under the name of its code. The list below is closed: a test
//! compares it with the codes that the sources of this workspace can report, both ways, and reads every example: the wrong
//! one has exactly the problem it is shown for, the right one has none.

use crate::suggest;

/// What a code means, why it is refused, and what to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The code, as problems name it.
    pub code: &'static str,
    /// The whole text, in Markdown.
    pub markdown: &'static str,
}

/// A piece of a text that shows a problem, or the same without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// What the words have to be put into to be a whole text.
    pub frame: Frame,
    /// The words.
    pub text: &'static str,
}

/// What an example is a piece of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Clauses of a policy; above them some lines of its front matter, if they matter.
    Policy,
    /// A whole policy.
    WholePolicy,
    /// Rows of the table of what is kept.
    Kept,
    /// Rows of the table of who sees it.
    Shown,
    /// Rows of the table of rights.
    Rights,
    /// A table of the vocabulary.
    Vocabulary,
    /// A whole vocabulary.
    WholeVocabulary,
    /// A configuration.
    Config,
}

macro_rules! explanations {
    ($($code:literal,)*) => {
        [$(Explanation { code: $code, markdown: include_str!(concat!("explain/", $code, ".md")) }),*]
    };
}

/// Every explanation, in the order of the alphabet.
pub static EXPLANATIONS: [Explanation; 135] = explanations![
    "another-policy",
    "backward-range",
    "bad-clause-number",
    "bad-code",
    "bad-document",
    "bad-effective",
    "bad-front-matter",
    "bad-guarantee",
    "bad-home",
    "bad-period",
    "bad-policy",
    "bad-version",
    "bad-zone",
    "beyond-complete",
    "broken-table",
    "called-not-personal",
    "circular-parents",
    "code-without-effect",
    "config",
    "consent-to-what",
    "digest-and-encrypted",
    "drifted-number",
    "duplicate-code",
    "duplicate-column",
    "duplicate-key",
    "duplicate-number",
    "effective-not-later",
    "effective-past",
    "effective-without-minute",
    "empty-cell",
    "empty-clause",
    "empty-key",
    "empty-table",
    "footnote",
    "from-when",
    "guarantee-lowered",
    "half-gone",
    "home-moved",
    "identifies-despite-never",
    "idle-exception",
    "invisible",
    "kept-despite-never",
    "kept-longer",
    "kept-twice",
    "lead-in-alone",
    "letter-and-words",
    "look-alike",
    "loose-exception",
    "loose-words",
    "missing-column",
    "missing-complaint",
    "missing-consent",
    "missing-contact",
    "missing-key",
    "missing-legal-basis",
    "missing-right",
    "missing-version",
    "never-and-stored",
    "never-shrinks",
    "no-code",
    "no-front-matter",
    "no-lead",
    "no-limit",
    "no-meaning",
    "no-rule",
    "no-rules",
    "no-such-clause",
    "no-such-section",
    "no-table",
    "no-term",
    "no-title",
    "not-complete",
    "not-in-complete-table",
    "not-s0",
    "nothing-changed",
    "notice-too-short",
    "number-gone",
    "number-in-heading",
    "number-inside",
    "number-moved",
    "old-text-again",
    "open-decision",
    "open-list",
    "origin-widened",
    "permit-killed-between",
    "permit-killed-by",
    "permit-never-applies",
    "picture",
    "placeholder",
    "plain-number",
    "promise-gone",
    "promise-in-general",
    "promise-weaker",
    "promise-without-number",
    "purpose-added",
    "raw-html",
    "row-length",
    "rule-can-fail",
    "service-forbidden",
    "service-needs",
    "shown-to-more",
    "shown-to-somebody",
    "struck-out",
    "two-inventories",
    "two-retentions",
    "undatable",
    "undeclared-data",
    "undeclared-purpose",
    "undeclared-recipient",
    "unknown-code",
    "unknown-column",
    "unknown-country",
    "unknown-event",
    "unknown-key",
    "unknown-language",
    "unknown-legal-basis",
    "unknown-origin",
    "unknown-parent",
    "unknown-phrase",
    "unknown-table",
    "unknown-unit",
    "unknown-zone",
    "unnumbered",
    "unseen",
    "used-not-kept",
    "which-period",
    "whose-clock",
    "withdrawn-when",
    "words-among-codes",
    "words-in-ref",
    "wrong-kind",
    "wrong-lead-in",
    "wrong-table",
    "wrong-version",
    "zone-moved",
];

/// The explanation of a code.
#[must_use]
pub fn explanation(code: &str) -> Option<&'static Explanation> {
    EXPLANATIONS.iter().find(|explanation| explanation.code == code)
}

/// The code that was probably meant.
#[must_use]
pub fn nearest(word: &str) -> Option<&'static str> {
    suggest::nearest(word, EXPLANATIONS.iter().map(|explanation| explanation.code))
}

impl Explanation {
    /// The problem in a sentence.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.markdown.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or("")
    }

    /// What it means, why it is refused and what to do, without the examples.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        let rest = self.markdown.split_once('\n').map_or("", |(_, rest)| rest);
        rest.split("\n## ").next().unwrap_or("").trim()
    }

    /// Texts that were published before the example, the oldest first; they matter only for what contradicts them.
    #[must_use]
    pub fn published(&self) -> Vec<Example> {
        self.section("Published")
    }

    /// An example with the problem. A fault of the software or of a store has none.
    #[must_use]
    pub fn wrong(&self) -> Option<Example> {
        self.section("Wrong").into_iter().next()
    }

    /// The example without the problem.
    #[must_use]
    pub fn right(&self) -> Option<Example> {
        self.section("Right").into_iter().next()
    }

    /// The fenced blocks under a heading. An example may have headings of its own.
    fn section(&self, name: &str) -> Vec<Example> {
        let (mut examples, mut under, mut fence) = (Vec::new(), "", None);
        let mut end = 0;
        for line in self.markdown.split_inclusive('\n') {
            let start = end;
            end += line.len();
            match (line.strip_prefix("```"), fence.take()) {
                (Some(_), Some((frame, from))) => {
                    let text = self.markdown.get(from..start).unwrap_or("");
                    examples.extend(Option::<Frame>::map(frame, |frame| Example { frame, text }));
                }
                (Some(info), None) => fence = Some((Frame::named(info.trim_end()).filter(|_| under == name), end)),
                (None, None) => under = line.strip_prefix("## ").map_or(under, str::trim_end),
                (None, open) => fence = open,
            }
        }
        examples
    }
}

impl Frame {
    /// The frame that the words after the three backticks name.
    fn named(info: &str) -> Option<Self> {
        Some(match info {
            "markdown" => Self::Policy,
            "markdown whole" => Self::WholePolicy,
            "markdown kept" => Self::Kept,
            "markdown shown" => Self::Shown,
            "markdown rights" => Self::Rights,
            "markdown vocabulary" => Self::Vocabulary,
            "markdown vocabulary whole" => Self::WholeVocabulary,
            "toml" => Self::Config,
            _ => return None,
        })
    }

    /// The header of the table that an example is rows of.
    #[must_use]
    pub fn header(self) -> Option<&'static str> {
        match self {
            Self::Kept => {
                Some("| Ref | What we keep | Why | Where it comes from | How long |\n| --- | --- | --- | --- | --- |\n")
            }
            Self::Shown => Some("| Ref | Who | What they see | Why | When |\n| --- | --- | --- | --- | --- |\n"),
            Self::Rights => Some("| Ref | You may | How | Answered within |\n| --- | --- | --- | --- |\n"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
