//! JSON text -> value: RFC 8259 and what Python's `json` writes beyond it (`NaN`, `Infinity`).

use super::strings::{hexadecimal, push_unit};
use super::{Dict, List, MAX_DEPTH, Node};
use crate::error::{ErrorCode, SyncError};
use compact_str::CompactString;
use std::borrow::Cow;

pub(super) fn value(text: &str, max_depth: usize) -> Result<Node, SyncError> {
    let mut parser = Parser::new(text, max_depth);
    let value = parser.value()?;
    parser.end()?;
    Ok(value)
}

pub(super) fn values(text: &str, max_depth: usize) -> Result<Vec<Node>, SyncError> {
    let mut parser = Parser::new(text, max_depth);
    let mut values = Vec::new();
    parser.space();
    if parser.peek().is_some() {
        values.push(parser.value()?);
        while parser.take(b',') {
            values.push(parser.value()?);
        }
    }
    parser.end()?;
    Ok(values)
}

pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// How many more containers may be opened inside of each other.
    depth_left: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, max_depth: usize) -> Self {
        Self { text, at: 0, depth_left: max_depth }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// One value, and the white space around it.
    pub(super) fn value(&mut self) -> Result<Node, SyncError> {
        self.space();
        let node = match self.peek() {
            Some(b'[') => self.nested(Self::list)?,
            Some(b'{') => self.nested(Self::dict)?,
            Some(b'"') => Node::Scalar(CompactString::from(&*self.string()?)),
            Some(_) => Node::Scalar(self.word()?),
            None => return Err(self.unexpected()),
        };
        self.space();
        Ok(node)
    }

    fn nested(&mut self, container: fn(&mut Self) -> Result<Node, SyncError>) -> Result<Node, SyncError> {
        self.depth_left = self
            .depth_left
            .checked_sub(1)
            .ok_or_else(|| SyncError::new(ErrorCode::TooDeep, format!("containers nested deeper than {MAX_DEPTH}")))?;
        self.at += 1;
        self.space();
        let node = container(self)?;
        self.depth_left += 1;
        Ok(node)
    }

    fn list(&mut self) -> Result<Node, SyncError> {
        let mut values = Vec::new();
        if !self.take(b']') {
            loop {
                values.push(self.value()?);
                if self.take(b']') {
                    break;
                }
                self.expect(b',')?;
            }
        }
        Ok(Node::List(Box::new(values.into_iter().collect::<List>())))
    }

    fn dict(&mut self) -> Result<Node, SyncError> {
        let mut dict = Dict::default();
        if !self.take(b'}') {
            loop {
                let key = self.key()?;
                let value = self.value()?;
                // Of equal keys the last one's value stands at the first one's place, as in Python.
                dict.set(&key, value);
                if self.take(b'}') {
                    break;
                }
                self.expect(b',')?;
            }
        }
        Ok(Node::Dict(Box::new(dict)))
    }

    /// A key and the colon after it.
    pub(super) fn key(&mut self) -> Result<CompactString, SyncError> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.unexpected());
        }
        let key = self.string()?;
        self.space();
        self.expect(b':')?;
        Ok(key[1..key.len() - 1].into())
    }

    /// A string's canonical text.
    fn string(&mut self) -> Result<Cow<'a, str>, SyncError> {
        let text = self.text;
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text[start..self.at].into());
                }
                Some(b'\\') => return self.escaped_string(start).map(Cow::Owned),
                Some(0..0x20) | None => return Err(self.unexpected()),
                Some(_) => self.at += 1,
            }
        }
    }

    /// The same from the first escape on.
    fn escaped_string(&mut self, start: usize) -> Result<String, SyncError> {
        let mut out = self.text[start..self.at].to_owned();
        loop {
            let plain = self.at;
            while matches!(self.peek(), Some(byte) if byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            out.push_str(&self.text[plain..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    out.push('"');
                    return Ok(out);
                }
                Some(b'\\') => self.escape(&mut out)?,
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), SyncError> {
        self.at += 1;
        let Some(byte) = self.peek() else {
            return Err(self.unexpected());
        };
        match byte {
            b'u' => {
                let unit = self.unit()?;
                let low = match unit {
                    0xD800..0xDC00 if self.text[self.at..].starts_with("\\u") => {
                        let before = self.at;
                        self.at += 1;
                        let low = self.unit()?;
                        if !(0xDC00..0xE000).contains(&low) {
                            // Not this one's other half: read it for itself.
                            self.at = before;
                        }
                        Some(low)
                    }
                    _ => None,
                };
                push_unit(unit, low, out);
                return Ok(());
            }
            b'/' => out.push('/'),
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            _ => return Err(self.unexpected()),
        }
        self.at += 1;
        Ok(())
    }

    /// The four hexadecimal digits after a `u`.
    fn unit(&mut self) -> Result<u32, SyncError> {
        let unit = self.text.get(self.at + 1..self.at + 5).and_then(hexadecimal).ok_or_else(|| self.unexpected())?;
        self.at += 5;
        Ok(unit)
    }

    /// A number or one of the words.
    fn word(&mut self) -> Result<CompactString, SyncError> {
        let rest = &self.text[self.at..];
        let len = rest
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')))
            .unwrap_or(rest.len());
        let word = &rest[..len];
        let known = matches!(word, "null" | "true" | "false" | "NaN" | "Infinity" | "-Infinity");
        if !known && !is_number(word.as_bytes()) {
            return Err(self.unexpected());
        }
        self.at += len;
        Ok(word.into())
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), SyncError> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn end(&mut self) -> Result<(), SyncError> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn unexpected(&self) -> SyncError {
        let message = if self.at >= self.text.len() {
            format!("JSON that ends in the middle, after {} bytes", self.text.len())
        } else {
            format!("not JSON from byte {} on", self.at)
        };
        SyncError::new(ErrorCode::Malformed, message)
    }
}

fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text[0] == b'0') {
        return false;
    }
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let len = digits(fraction);
        if len == 0 {
            return false;
        }
        rest = &fraction[len..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"-").or(exponent.strip_prefix(b"+")).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}
