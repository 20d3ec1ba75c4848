//! The draft as a text: one clause a line, its guesses with a question mark.

use std::fmt::Write;

use super::Sentence;

/// A draft as it grows.
pub(super) struct Page {
    pub(super) text: String,
    in_list: bool,
}

impl Page {
    /// The front matter. What an old text does not say is asked there.
    pub(super) fn new(name: &str, contact: Option<&str>) -> Self {
        let contact = contact.unwrap_or("where to ask");
        let text = format!(
            "---\npolicy: {name}\ndocument: privacy\nversion: 1\neffective: on publication\ncontroller: who?\n\
             contact: {contact}?\nhome: which country?\nguarantee: published?\n---\n"
        );
        Self { text, in_list: false }
    }

    /// A title for a text that has no heading at all.
    pub(super) fn title_unless(&mut self, has_heading: bool) {
        if !has_heading {
            self.heading(1, "Privacy policy");
        }
    }

    pub(super) fn heading(&mut self, level: u8, words: &str) {
        let marks = "#".repeat(usize::from(level));
        let _ = write!(self.text, "\n{marks} {}\n", shown(words));
        self.in_list = false;
    }

    pub(super) fn sentence(&mut self, sentence: &Sentence, is_item: bool) {
        if !(is_item && self.in_list) {
            self.text.push('\n');
        }
        let mark = if is_item { "- " } else { "" };
        let words = shown(&sentence.words);
        let codes: Vec<String> = sentence.codes.iter().map(|code| format!("`{code}?`")).collect();
        let _ = if codes.is_empty() {
            writeln!(self.text, "{mark}**{}.** {words}", sentence.number)
        } else {
            let said = words.trim_end_matches(['.', ';', ':', ',']);
            let stop = words.get(said.len()..).unwrap_or("");
            writeln!(self.text, "{mark}**{}.** {said} ({}){stop}", sentence.number, codes.join(", "))
        };
        self.in_list = is_item;
    }
}

/// Words as a viewer shows them: HTML, which viewers hide or drop, is shown letter by letter.
fn shown(words: &str) -> String {
    let mut shown = String::with_capacity(words.len());
    let mut letters = words.chars().peekable();
    while let Some(letter) = letters.next() {
        let opens = letter == '<' && letters.peek().is_some_and(|next| next.is_alphabetic() || "/!?".contains(*next));
        if opens { shown.push_str("&lt;") } else { shown.push(letter) }
    }
    shown
}
