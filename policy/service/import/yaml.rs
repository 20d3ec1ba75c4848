//! YAML as a tree with places. Documents after the first, references and tags are refused: no server writes them.

use avow_terms::source::Position;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};

use super::{
    Refused,
    tree::{DEEPEST, Name, Node, Value},
};

/// Reads a text that is one document.
pub(super) fn read(text: &str) -> Result<Node, Refused> {
    let mut reader = Reader { events: Parser::new_from_str(text), last: Position { line: 1, column: 1 } };
    let nothing = |at| Node { at, value: Value::Plain(String::new()) };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(_), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, at) => return Ok(nothing(at)),
            (event, at) => {
                let node = reader.value(event, at, 0)?;
                return match reader.next()? {
                    (Event::DocumentEnd | Event::StreamEnd, _) => reader.ends().map(|()| node),
                    (_, at) => Err(Refused::new(at, "something stands behind the end of the configuration")),
                };
            }
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    last: Position,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Position), Refused> {
        match self.events.next() {
            Some(Ok((event, span))) => {
                self.last = position(&span.start);
                Ok((event, self.last))
            }
            // What the parser says may repeat what it read.
            Some(Err(error)) => Err(Refused::new(position(error.marker()), "this is no YAML that can be read")),
            None => Ok((Event::StreamEnd, self.last)),
        }
    }

    fn ends(&mut self) -> Result<(), Refused> {
        match self.next()? {
            (Event::DocumentStart(_), at) => Err(Refused::new(at, "a second document: only one is read")),
            _ => Ok(()),
        }
    }

    fn value(&mut self, event: Event<'a>, at: Position, depth: usize) -> Result<Node, Refused> {
        if depth > DEEPEST {
            return Err(Refused::new(at, "values stand in each other too deep"));
        }
        let value = match event {
            Event::Scalar(text, style, 0, None) => match style {
                ScalarStyle::Plain => Value::Plain(text.into_owned()),
                _ => Value::Text(text.into_owned()),
            },
            Event::SequenceStart(0, None) => Value::List(self.list(depth)?),
            Event::MappingStart(0, None) => Value::Map(self.map(depth)?),
            _ => return Err(Refused::new(at, "references and tags of YAML are not read: write the value itself")),
        };
        Ok(Node { at, value })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Refused> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd | Event::StreamEnd, _) => return Ok(list),
                (event, at) => list.push(self.value(event, at, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Name, Node)>, Refused> {
        let mut map: Vec<(Name, Node)> = Vec::new();
        loop {
            let (event, at) = self.next()?;
            let name = match event {
                Event::MappingEnd | Event::StreamEnd => return Ok(map),
                Event::Scalar(name, _, 0, None) => name.into_owned(),
                _ => return Err(Refused::new(at, "a name is expected here")),
            };
            if map.iter().any(|(other, _)| other.name == name) {
                return Err(Refused::new(at, "this name stands twice, and which of them counts is not said"));
            }
            let (event, value_at) = self.next()?;
            map.push((Name { at, name }, self.value(event, value_at, depth + 1)?));
        }
    }
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read(text).err().map_or("read".into(), |refused| format!("{}: {}", refused.at.line, refused.what))
    }

    #[test]
    fn a_document_is_read_with_its_places() {
        let node =
            read("# what Outline writes\nkeys:\n  - id: '0'\n    port: 80\n    secret: abc # mine\n").ok().unwrap();
        let key = &node.get("keys").unwrap().list().ok().unwrap()[0];
        assert_eq!(key.get("port").unwrap().number().ok(), Some(80));
        assert_eq!(key.get("secret").unwrap().text().ok(), Some("abc"));
        assert_eq!(key.get("secret").unwrap().at, Position { line: 5, column: 13 });
        assert!(key.get("id").unwrap().number().is_err(), "in quotes it is text");
        assert_eq!(refused(""), "read");
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_its_words() {
        assert_eq!(refused("a: 1\na: 2\n"), "2: this name stands twice, and which of them counts is not said");
        assert!(refused("a: &x 1\nb: *x\n").starts_with("1: references and tags"));
        assert!(refused("a: !!str 1\n").starts_with("1: references and tags"));
        assert_eq!(refused("a: [hunter2\n"), "2: this is no YAML that can be read");
        assert_eq!(refused("a: 1\n---\nb: 2\n"), "2: a second document: only one is read");
        assert!(refused(&"- ".repeat(1_000)).ends_with("too deep"));
        assert!(!refused("? [a]\n: b\n").contains("read\n"));
    }
}
