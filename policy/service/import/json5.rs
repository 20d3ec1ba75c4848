//! JSON with what people write into configurations: comments, commas at the end, names without quotes (JSON5).
//!
//! By hand because a place is needed for every value; the crate that reads JSON5 gives none.

use std::{iter::Peekable, str::Chars};

use avow_terms::source::Position;

use super::{
    Refused,
    tree::{DEEPEST, Name, Node, Value},
};

/// Reads a text that is one value.
pub(super) fn read(text: &str) -> Result<Node, Refused> {
    let mut reader = Reader { rest: text.chars().peekable(), at: Position { line: 1, column: 1 } };
    reader.take_if('\u{feff}');
    let node = reader.value(0)?;
    reader.space()?;
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.refused("something stands behind the end of the configuration")),
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    at: Position,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest.next()?;
        self.at = match letter {
            '\n' => Position { line: self.at.line + 1, column: 1 },
            _ => Position { column: self.at.column + 1, ..self.at },
        };
        Some(letter)
    }

    fn take_if(&mut self, letter: char) -> bool {
        self.peek() == Some(letter) && self.next().is_some()
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(letter) = self.peek().filter(|letter| belongs(*letter)) {
            taken.push(letter);
            self.next();
        }
        taken
    }

    fn refused(&self, what: &str) -> Refused {
        Refused::new(self.at, what)
    }

    /// White space and comments.
    fn space(&mut self) -> Result<(), Refused> {
        loop {
            self.take_while(|letter| letter.is_whitespace() || letter == '\u{feff}');
            if self.peek() != Some('/') {
                return Ok(());
            }
            let slash = self.at;
            self.next();
            match self.next() {
                Some('/') => drop(self.take_while(|letter| letter != '\n')),
                Some('*') => self.block_comment(slash)?,
                _ => return Err(Refused::new(slash, "a `/` that begins no comment")),
            }
        }
    }

    fn block_comment(&mut self, slash: Position) -> Result<(), Refused> {
        while let Some(letter) = self.next() {
            if letter == '*' && self.take_if('/') {
                return Ok(());
            }
        }
        Err(Refused::new(slash, "a comment that does not end"))
    }

    fn value(&mut self, depth: usize) -> Result<Node, Refused> {
        self.space()?;
        if depth > DEEPEST {
            return Err(self.refused("values stand in each other too deep"));
        }
        let at = self.at;
        let value = match self.peek() {
            Some('{') => Value::Map(self.map(depth)?),
            Some('[') => Value::List(self.list(depth)?),
            Some('"' | '\'') => Value::Text(self.text()?),
            Some(letter) if is_plain(letter) => Value::Plain(self.take_while(is_plain)),
            Some(_) => return Err(self.refused("a value is expected here")),
            None => return Err(self.refused("the configuration ends in the middle")),
        };
        Ok(Node { at, value })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Refused> {
        self.next();
        let mut list = Vec::new();
        while self.goes_on(']', list.is_empty())? {
            list.push(self.value(depth + 1)?);
        }
        Ok(list)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Name, Node)>, Refused> {
        self.next();
        let mut map: Vec<(Name, Node)> = Vec::new();
        while self.goes_on('}', map.is_empty())? {
            let at = self.at;
            let name = match self.peek() {
                Some('"' | '\'') => self.text()?,
                _ => self.take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '$')),
            };
            if map.iter().any(|(other, _)| other.name == name) {
                return Err(Refused::new(at, "this name stands twice, and which of them counts is not said"));
            }
            self.space()?;
            if !self.take_if(':') {
                return Err(self.refused("a `:` is expected here"));
            }
            map.push((Name { at, name }, self.value(depth + 1)?));
        }
        Ok(map)
    }

    /// Whether another value follows; takes the comma before it, or the end.
    fn goes_on(&mut self, end: char, first: bool) -> Result<bool, Refused> {
        self.space()?;
        if !first && !self.take_if(',') && self.peek() != Some(end) {
            return Err(self.refused("a comma is expected here"));
        }
        self.space()?;
        Ok(!self.take_if(end))
    }

    fn text(&mut self) -> Result<String, Refused> {
        let (begins, quote) = (self.at, self.next());
        let mut text = String::new();
        loop {
            match self.next() {
                letter @ Some(_) if letter == quote => return Ok(text),
                Some('\\') => text.extend(self.escape()?),
                None | Some('\n') => return Err(Refused::new(begins, "a text that does not end")),
                Some(letter) => text.push(letter),
            }
        }
    }

    fn escape(&mut self) -> Result<Option<char>, Refused> {
        Ok(Some(match self.next() {
            Some('\n') => return Ok(None),
            Some('\r') => {
                self.take_if('\n');
                return Ok(None);
            }
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some('0') => '\0',
            Some('x') => self.code(2).and_then(char::from_u32).ok_or_else(|| self.refused("half an escape"))?,
            Some('u') => self.code_point()?,
            Some(letter) => letter,
            None => return Err(self.refused("half an escape")),
        }))
    }

    fn code_point(&mut self) -> Result<char, Refused> {
        let broken = |reader: &Self| reader.refused("half an escape");
        let first = self.code(4).ok_or_else(|| broken(self))?;
        let point = if (0xd800..0xdc00).contains(&first) {
            let pair = self.take_if('\\') && self.take_if('u');
            let second = self.code(4).filter(|second| pair && (0xdc00..0xe000).contains(second));
            second.map(|second| 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        } else {
            Some(first)
        };
        point.and_then(char::from_u32).ok_or_else(|| broken(self))
    }

    fn code(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0, |code, _| Some(code << 4 | self.next()?.to_digit(16)?))
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '+' | '-' | '.' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Text(text) => format!("{text:?}"),
            Value::Plain(word) => word.clone(),
            Value::List(list) => format!("[{}]", list.iter().map(shown).collect::<Vec<_>>().join(",")),
            Value::Map(_) => {
                let named = node.names().map(|(name, node)| format!("{}={}", name.name, shown(node)));
                format!("{{{}}}", named.collect::<Vec<_>>().join(","))
            }
        }
    }

    fn check(text: &str, read_as: &str) {
        match read(text) {
            Ok(node) => assert_eq!(shown(&node), read_as, "{text}"),
            Err(refused) => {
                assert_eq!(format!("{}:{} {}", refused.at.line, refused.at.column, refused.what), read_as, "{text}")
            }
        }
    }

    #[test]
    fn what_people_write_is_read() {
        check(r#"{"a": 1, "b": [true, null, "x"]}"#, r#"{a=1,b=[true,null,"x"]}"#);
        check("\u{feff}// first\n{ a: 'it\\'s', /* the\nport */ port: 0x20, }", r#"{a="it's",port=0x20}"#);
        check("['\\u00e4\\x41\\ud83d\\ude00\\n\\\nz',]", r#"["äA😀\nz"]"#);
        check("[]", "[]");
        check("-1.5e+3", "-1.5e+3");
    }

    #[test]
    fn what_cannot_be_read_is_refused_where_it_stands() {
        check("{\n  a 1}", "2:5 a `:` is expected here");
        check("{a: 1 b: 2}", "1:7 a comma is expected here");
        check("{a: 1,\n a: 2}", "2:2 this name stands twice, and which of them counts is not said");
        check("[1] 2", "1:5 something stands behind the end of the configuration");
        check("{a: 'x", "1:5 a text that does not end");
        check("/* x", "1:1 a comment that does not end");
        check("[,]", "1:2 a value is expected here");
        check("['\\ud83d']", "1:10 half an escape");
        check("", "1:1 the configuration ends in the middle");
        check(&"[".repeat(100_000), "1:34 values stand in each other too deep");
    }
}
