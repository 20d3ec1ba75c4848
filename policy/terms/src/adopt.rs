//! An old policy in prose as a numbered draft in the language.
//!
//! Every word is carried over, in order: headings stay headings, every sentence, list item and table row gets a number. The
//! letter and the codes are guesses and bear a question mark, which the reader takes for an open decision: nothing that is
//! guessed here promises anything until a person took the mark away.

mod codes;
mod draft;
mod letter;
mod parts;
#[cfg(test)]
mod tests;
mod words;

use crate::{clause::Letter, code::Code, init, source::Source, vocabulary::Vocabulary};

use self::{
    parts::{Block, Part},
    words::Said,
};

/// A draft, and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The draft, to be written beside the old text.
    pub text: String,
    /// Every sentence of the old text, in its order.
    pub sentences: Vec<Sentence>,
    /// Every heading of the old text. A heading promises nothing, whatever it says.
    pub headings: Vec<Heading>,
}

/// A sentence, a list item or a table row of an old text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// The line of the old text it begins in.
    pub line: usize,
    /// What it says.
    pub words: String,
    /// Its number in the draft: `N?3`.
    pub number: String,
    /// The letter that is guessed.
    pub letter: Letter,
    /// The codes that are guessed.
    pub codes: Vec<Code>,
    /// Whether it seems to promise something.
    pub promises: bool,
}

/// A heading of an old text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The line of the old text.
    pub line: usize,
    /// What it says.
    pub words: String,
    /// Whether the old text does not mark it, so that it is one by its looks only.
    pub guessed: bool,
    /// Whether it seems to promise something.
    pub promises: bool,
}

/// Carries an old text over. The name of its file becomes the name of the policy.
#[must_use]
pub fn adopt(old: &Source, vocabulary: &Vocabulary) -> Draft {
    let mut carrier = Carrier { vocabulary, context: None, next: 1, has_s0: false };
    let (mut sentences, mut headings) = (Vec::new(), Vec::new());
    let mut page = draft::Page::new(&name(&old.name), contact(&old.text).as_deref());
    let parts = parts::read(&old.text);
    page.title_unless(parts.iter().any(|part| matches!(part.block, Block::Heading { .. })));
    for part in parts {
        match part.block {
            Block::Heading { level, guessed } => {
                carrier.context = None;
                page.heading(level, &part.words);
                let promises = letter::promises(&Said::of(&part.words));
                headings.push(Heading { line: part.line, words: part.words, guessed, promises });
            }
            Block::Paragraph | Block::Item | Block::Row => {
                let is_item = part.block != Block::Paragraph;
                let sentence = carrier.sentence(part);
                page.sentence(&sentence, is_item);
                sentences.push(sentence);
            }
        }
    }
    Draft { text: page.text, sentences, headings }
}

/// Numbers sentences and guesses at them, one after the other.
struct Carrier<'v> {
    vocabulary: &'v Vocabulary,
    /// The letter of the line that leads into the list or the table we are in.
    context: Option<Letter>,
    next: u32,
    has_s0: bool,
}

impl Carrier<'_> {
    fn sentence(&mut self, part: Part) -> Sentence {
        let said = Said::of(&part.words);
        let is_item = part.block != Block::Paragraph;
        let context = self.context.filter(|_| is_item);
        let letter = context.unwrap_or_else(|| letter::guess(&said));
        if part.words.ends_with(':') {
            self.context = Some(letter).filter(|letter| *letter != Letter::G);
        } else if !is_item {
            self.context = None;
        }
        let is_s0 = letter::is_complete(&said) && !self.has_s0;
        let letter = if is_s0 { Letter::S } else { letter };
        let codes = codes::guess(&said, letter, is_s0).into_iter().filter_map(|code| Code::new(code).ok());
        let codes: Vec<Code> = codes.filter(|code| self.vocabulary.entry(code).is_some()).collect();
        // A row of an old table with data in it is what such tables are there for.
        let letter = match letter {
            Letter::G if part.block == Block::Row && !codes.is_empty() => Letter::S,
            letter => letter,
        };
        let promises = letter != Letter::G || !codes.is_empty() || letter::promises(&said);
        Sentence { line: part.line, number: self.number(letter, is_s0), letter, codes, promises, words: part.words }
    }

    /// One row of numbers for all letters: a decision for another letter never takes a number that is taken.
    fn number(&mut self, letter: Letter, is_s0: bool) -> String {
        if is_s0 {
            self.has_s0 = true;
            return "S?0".to_owned();
        }
        self.next += 1;
        format!("{letter:?}?{}", self.next - 1)
    }
}

/// The name of a policy from the name of its file.
fn name(path: &str) -> String {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    init::name(file.split('.').next().unwrap_or(file))
}

/// The first e-mail address of a text.
fn contact(text: &str) -> Option<String> {
    let in_address = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '@');
    let mut words = text.split(|c: char| !in_address(c)).map(|word| word.trim_matches(['.', '-', '_', '+']));
    let is_address = |word: &&str| {
        let Some((local, domain)) = word.split_once('@') else { return false };
        !local.is_empty() && domain.contains('.') && !domain.contains('@')
    };
    words.find(is_address).map(str::to_owned)
}
