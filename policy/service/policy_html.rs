//! The text of a policy as HTML, for the public page and for a preview.
//!
//! HTML in the text, which is an error of the policy, comes out as text.

use std::ops::Range;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// The text as HTML. Clause numbers can be linked to (`/privacy#S2`) and wide tables scroll by themselves. `beside` gives
/// what is to stand beside a paragraph, item or row, by its place in the text; a public page has nothing there.
#[must_use]
pub fn body(markdown: &str, beside: impl Fn(Range<usize>) -> Option<String>) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut page = Page::new(beside);
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        page.event(event, range);
    }
    let mut html = String::new();
    html::push_html(&mut html, page.events.into_iter());
    html.replace("<table>", "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"Table\"><table>")
        .replace("</table>", "</table></div>")
        .replace("<th>", "<th scope=\"col\">")
}

struct Page<'t, F> {
    beside: F,
    events: Vec<Event<'t>>,
    /// What stands beside each paragraph, item and row that is open.
    open: Vec<Option<String>>,
    cells: usize,
    bold: bool,
    front_matter: bool,
}

impl<'t, F: Fn(Range<usize>) -> Option<String>> Page<'t, F> {
    fn new(beside: F) -> Self {
        Self { beside, events: Vec::new(), open: Vec::new(), cells: 0, bold: false, front_matter: false }
    }

    fn event(&mut self, event: Event<'t>, range: Range<usize>) {
        match event {
            Event::Start(Tag::MetadataBlock(_)) => self.front_matter = true,
            Event::End(TagEnd::MetadataBlock(_)) => self.front_matter = false,
            _ if self.front_matter => {}
            Event::Start(Tag::Strong) => self.bold = true,
            Event::End(TagEnd::Strong) => self.raw("</strong>"),
            Event::Text(text) if std::mem::take(&mut self.bold) => self.events.push(strong(&text)),
            Event::Html(text) | Event::InlineHtml(text) => self.events.push(Event::Text(text)),
            Event::Start(Tag::Paragraph | Tag::Item | Tag::TableRow) => self.begin(event, range),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableRow) => self.finish(event),
            Event::End(TagEnd::TableCell) => {
                self.cells += 1;
                self.events.push(event);
            }
            other => self.events.push(other),
        }
    }

    fn begin(&mut self, event: Event<'t>, range: Range<usize>) {
        // A paragraph in an item belongs to the item.
        let inside = self.open.iter().any(Option::is_some);
        let beside = if inside { None } else { (self.beside)(range) };
        let is_paragraph = matches!(event, Event::Start(Tag::Paragraph));
        let is_item = matches!(event, Event::Start(Tag::Item));
        if beside.is_some() && is_paragraph {
            self.raw("<div class=\"clause\">");
        }
        self.events.push(event);
        if beside.is_some() && is_item {
            self.raw("<div class=\"clause\"><div class=\"words\">");
        }
        self.cells = 0;
        self.open.push(beside);
    }

    fn finish(&mut self, event: Event<'t>) {
        let Some(beside) = self.open.pop().flatten() else { return self.events.push(event) };
        match event {
            Event::End(TagEnd::Item) => {
                self.raw(format!("</div>{beside}</div>"));
                self.events.push(event);
            }
            Event::End(TagEnd::TableRow) => {
                self.events.push(event);
                let cells = self.cells;
                self.raw(format!("<tr class=\"beside\"><td colspan=\"{cells}\">{beside}</td></tr>\n"));
            }
            _ => {
                self.events.push(event);
                self.raw(format!("{beside}</div>\n"));
            }
        }
    }

    fn raw(&mut self, html: impl Into<CowStr<'t>>) {
        self.events.push(Event::InlineHtml(html.into()));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "---\nhome: CY\n---\n\n# T\n\n**G1.** One <b>bold</b>.\n\n- **G2.** two\n\n| Ref | A |\n| --- | --- |\n| **S1** | b |\n";

    #[test]
    fn a_public_page_has_nothing_beside_its_clauses() {
        let html = body(TEXT, |_| None);
        assert!(html.contains("<p><strong id=\"G1\">G1.</strong> One &lt;b&gt;bold&lt;/b&gt;.</p>"), "{html}");
        assert!(html.contains("<li><strong id=\"G2\">G2.</strong> two</li>"), "{html}");
        assert!(!html.contains("clause") && !html.contains("home: CY"), "{html}");
    }

    #[test]
    fn a_preview_has_something_beside_each() {
        let html = body(TEXT, |range| Some(format!("<i>{}</i>", range.start)));
        let at = |words: &str| TEXT.find(words).unwrap();
        let (one, two) = (at("**G1"), at("- **G2"));
        assert!(html.contains(&format!("One &lt;b&gt;bold&lt;/b&gt;.</p>\n<i>{one}</i></div>")), "{html}");
        assert!(html.contains(&format!("two</div><i>{two}</i></div></li>")), "{html}");
        assert!(html.contains("<tr class=\"beside\"><td colspan=\"2\"><i>"), "{html}");
    }
}
