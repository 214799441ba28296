//! Reads values from JSON text.

use super::lexer::{Lexer, Token};
use super::strings::canonical;
use super::{Dict, List, MAX_DEPTH, MAX_NUMBER_LEN, Node};
use crate::error::{ErrorCode, SyncError};
use compact_str::CompactString;

/// The value that a whole text consists of, whose containers are nested `max_depth` deep at most.
pub(super) fn value(text: &str, max_depth: usize) -> Result<Node, SyncError> {
    let mut parser = Parser::new(text, max_depth);
    let value = parser.value()?;
    parser.end()?;
    Ok(value)
}

/// The values in a text that separates them by commas.
pub(super) fn values(text: &str, max_depth: usize) -> Result<Vec<Node>, SyncError> {
    let mut parser = Parser::new(text, max_depth);
    let mut values = Vec::new();
    if parser.token != Some(Token::End) {
        values.push(parser.value()?);
        while parser.take(Token::Comma) {
            values.push(parser.value()?);
        }
    }
    parser.end()?;
    Ok(values)
}

/// A recursive descent parser that looks one token ahead.
pub(super) struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The token that is to be read next. None: the text is not JSON from there on.
    token: Option<Token>,
    /// Number of further levels of nesting that are allowed.
    depth_left: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, max_depth: usize) -> Self {
        let mut lexer = Lexer::new(text);
        let token = lexer.next_token();
        Self { text, lexer, token, depth_left: max_depth }
    }

    /// Whether a dict is to be read next.
    pub(super) fn is_at_dict(&self) -> bool {
        self.token == Some(Token::DictStart)
    }

    /// Read one value.
    pub(super) fn value(&mut self) -> Result<Node, SyncError> {
        let scalar = match self.token {
            Some(Token::ListStart) => return self.nested(Self::list),
            Some(Token::DictStart) => return self.nested(Self::dict),
            Some(Token::EscapedString) => self.canonical()?.into(),
            Some(Token::Number) if self.lexer.lexeme().len() > MAX_NUMBER_LEN => return Err(self.long_number()),
            Some(Token::PlainString | Token::Number | Token::NonFinite | Token::Word) => self.lexer.lexeme().into(),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Node::Scalar(scalar))
    }

    /// Read a dict member by member. `member` takes the key, the value, and where the token after the value begins.
    pub(super) fn members(&mut self, mut member: impl FnMut(CompactString, Node, usize)) -> Result<(), SyncError> {
        self.expect(Token::DictStart)?;
        if !self.take(Token::DictEnd) {
            loop {
                let key = self.key()?;
                let value = self.value()?;
                member(key, value, self.lexer.span().start);
                if self.take(Token::DictEnd) {
                    break;
                }
                self.expect(Token::Comma)?;
            }
        }
        Ok(())
    }

    /// The text has nothing more.
    pub(super) fn end(&self) -> Result<(), SyncError> {
        if self.token == Some(Token::End) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn nested(&mut self, container: fn(&mut Self) -> Result<Node, SyncError>) -> Result<Node, SyncError> {
        self.depth_left = self
            .depth_left
            .checked_sub(1)
            .ok_or_else(|| SyncError::new(ErrorCode::TooDeep, format!("containers nested deeper than {MAX_DEPTH}")))?;
        let node = container(self)?;
        self.depth_left += 1;
        Ok(node)
    }

    fn list(&mut self) -> Result<Node, SyncError> {
        self.expect(Token::ListStart)?;
        let mut values = Vec::new();
        if !self.take(Token::ListEnd) {
            loop {
                values.push(self.value()?);
                if self.take(Token::ListEnd) {
                    break;
                }
                self.expect(Token::Comma)?;
            }
        }
        Ok(Node::List(Box::new(values.into_iter().collect::<List>())))
    }

    fn dict(&mut self) -> Result<Node, SyncError> {
        let mut dict = Dict::default();
        // Of equal keys the last one's value stands at the first one's position, as in Python.
        self.members(|key, value, _| drop(dict.set(&key, value)))?;
        Ok(Node::Dict(Box::new(dict)))
    }

    /// Read a key and the colon after it.
    fn key(&mut self) -> Result<CompactString, SyncError> {
        let inner = |text: &str| CompactString::from(&text[1..text.len() - 1]);
        let key = match self.token {
            Some(Token::PlainString) => inner(self.lexer.lexeme()),
            Some(Token::EscapedString) => inner(&self.canonical()?),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect(Token::Colon)?;
        Ok(key)
    }

    /// The canonical text of the string that is the present token.
    fn canonical(&self) -> Result<String, SyncError> {
        canonical(self.lexer.lexeme()).map_err(|offset| self.unexpected_at(self.lexer.span().start + offset))
    }

    fn take(&mut self, token: Token) -> bool {
        let is_next = self.token == Some(token);
        if is_next {
            self.advance();
        }
        is_next
    }

    fn expect(&mut self, token: Token) -> Result<(), SyncError> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn advance(&mut self) {
        self.token = self.lexer.next_token();
    }

    #[cold]
    fn long_number(&self) -> SyncError {
        let span = self.lexer.span();
        let message =
            format!("a number of {} characters at byte {}, more than {MAX_NUMBER_LEN}", span.len(), span.start);
        SyncError::new(ErrorCode::TooLarge, message)
    }

    #[cold]
    fn unexpected(&self) -> SyncError {
        self.unexpected_at(self.lexer.span().start)
    }

    fn unexpected_at(&self, at: usize) -> SyncError {
        let message = if at >= self.text.len() {
            format!("JSON that ends in the middle, after {} bytes", self.text.len())
        } else {
            format!("not JSON from byte {at} on")
        };
        SyncError::new(ErrorCode::Malformed, message)
    }
}
