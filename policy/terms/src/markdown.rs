//! Markdown as blocks with places: headings, paragraphs, list items and tables, each with the exact bytes it came from.
//!
//! Nothing here knows what a clause is, and nothing is dropped: what has no place in a policy (raw HTML, code blocks)
//! comes out as a block of its own for the reader to refuse.

pub(crate) mod passage;
mod table;

use std::ops::Range;

use pulldown_cmark::{Event, OffsetIter, Options, Parser, Tag, TagEnd};

pub(crate) use self::{
    passage::{Passage, Piece},
    table::{Row, Table, cells_in, is_delimiter},
};
use crate::source::Span;

/// One block of a text.
#[derive(Debug, Clone)]
pub(crate) enum Block {
    /// A heading.
    Heading {
        /// 1 for the title.
        level: u8,
        /// What it says.
        passage: Passage,
    },
    /// A paragraph.
    Paragraph(Passage),
    /// The first words of a list item.
    Item {
        /// Which list of the text, counted from 0.
        list: usize,
        /// What it says.
        passage: Passage,
    },
    /// A table.
    Table(Table),
    /// HTML, which a viewer may show, hide or drop.
    Html(Span),
    /// A block of code.
    Code(Span),
}

impl Block {
    /// Everything the block came from.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Heading { passage, .. } | Self::Paragraph(passage) | Self::Item { passage, .. } => passage.span,
            Self::Table(table) => table.span,
            Self::Html(span) | Self::Code(span) => *span,
        }
    }
}

/// The blocks of a text from the byte `from` on, in its order.
pub(crate) fn blocks(text: &str, from: usize) -> Vec<Block> {
    let Some(body) = text.get(from..) else { return Vec::new() };
    let events = Parser::new_ext(body, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES).into_offset_iter();
    let mut reader =
        BlockReader { text, from, events, blocks: Vec::new(), lists: Vec::new(), lists_seen: 0, item: None };
    reader.read();
    reader.blocks
}

struct BlockReader<'t> {
    text: &'t str,
    from: usize,
    events: OffsetIter<'t>,
    blocks: Vec<Block>,
    /// The lists that are open, innermost last.
    lists: Vec<usize>,
    lists_seen: usize,
    /// The words of an item that stand in it directly, without a paragraph.
    item: Option<Passage>,
}

impl<'t> BlockReader<'t> {
    fn read(&mut self) {
        while let Some((event, range)) = self.next() {
            match event {
                Event::Start(tag) => self.start(tag, range),
                Event::End(TagEnd::Item) => self.end_item(),
                Event::End(TagEnd::List(_)) => {
                    self.lists.pop();
                }
                Event::Html(_) => self.blocks.push(Block::Html(range.into())),
                inline => self.inline_of_item(&inline, range),
            }
        }
    }

    fn next(&mut self) -> Option<(Event<'t>, Range<usize>)> {
        let (event, range) = self.events.next()?;
        Some((event, range.start + self.from..range.end + self.from))
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                let passage = self.passage(range);
                self.blocks.push(Block::Heading { level: level as u8, passage });
            }
            Tag::Paragraph => {
                let first_of_item = self.item.take_if(|item| item.is_empty()).is_some();
                let passage = self.passage(range);
                self.push_text(passage, first_of_item);
            }
            Tag::List(_) => {
                self.end_item();
                self.lists.push(self.lists_seen);
                self.lists_seen += 1;
            }
            Tag::Item => self.item = Some(Passage::default()),
            Tag::Table(_) => self.table(range),
            Tag::CodeBlock(_) => {
                self.skip_to_end();
                self.blocks.push(Block::Code(trimmed(self.text, range)));
            }
            Tag::HtmlBlock => {
                self.skip_to_end();
                self.blocks.push(Block::Html(trimmed(self.text, range)));
            }
            Tag::Strong | Tag::Emphasis | Tag::Link { .. } | Tag::Image { .. } => {
                self.inline_of_item(&Event::Start(tag), range);
            }
            _ => {}
        }
    }

    /// Words that stand in an item without a paragraph around them (a tight list).
    fn inline_of_item(&mut self, event: &Event<'_>, range: Range<usize>) {
        if let Some(item) = &mut self.item {
            item.push(event, range, self.text);
        }
    }

    fn end_item(&mut self) {
        if let Some(item) = self.item.take() {
            self.push_text(item, true);
        }
    }

    fn push_text(&mut self, passage: Passage, of_item: bool) {
        match self.lists.last() {
            _ if passage.is_empty() => {}
            Some(&list) if of_item => self.blocks.push(Block::Item { list, passage }),
            _ => self.blocks.push(Block::Paragraph(passage)),
        }
    }

    /// Reads inline events up to the end of the block that was just opened.
    fn passage(&mut self, range: Range<usize>) -> Passage {
        let mut passage = Passage::default();
        let mut depth = 0_usize;
        while let Some((event, range)) = self.next() {
            match &event {
                Event::Start(_) => depth += 1,
                Event::End(_) if depth == 0 => break,
                Event::End(_) => depth -= 1,
                _ => {}
            }
            passage.push(&event, range, self.text);
        }
        if passage.is_empty() {
            passage.span = trimmed(self.text, range);
        }
        passage
    }

    fn skip_to_end(&mut self) {
        let mut depth = 0_usize;
        while let Some((event, _)) = self.next() {
            match event {
                Event::Start(_) => depth += 1,
                Event::End(_) if depth == 0 => break,
                Event::End(_) => depth -= 1,
                _ => {}
            }
        }
    }

    fn table(&mut self, range: Range<usize>) {
        let mut rows = Vec::new();
        while let Some((event, range)) = self.next() {
            match event {
                Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(self.row(range)),
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
        let mut rows = rows.into_iter();
        let Some(header) = rows.next() else { return };
        self.blocks.push(Block::Table(Table { span: trimmed(self.text, range), header, rows: rows.collect() }));
    }

    fn row(&mut self, range: Range<usize>) -> Row {
        let span = trimmed(self.text, range);
        let mut cells = Vec::new();
        while let Some((event, range)) = self.next() {
            match event {
                Event::Start(Tag::TableCell) => cells.push(self.passage(range)),
                Event::End(TagEnd::TableHead | TagEnd::TableRow) => break,
                _ => {}
            }
        }
        Row { span, cells }
    }
}

/// A range without the white space around it.
fn trimmed(text: &str, range: Range<usize>) -> Span {
    let Some(words) = text.get(range.clone()) else { return range.into() };
    let start = range.start + (words.len() - words.trim_start().len());
    Span { start, end: start + words.trim().len() }
}
