//! The tokens of JSON text: those of RFC 8259, and the words that Python's `json` writes beyond it.

use std::ops::Range;

/// The kinds of tokens of JSON text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Token {
    /// `[`
    ListStart,
    /// `]`
    ListEnd,
    /// `{`
    DictStart,
    /// `}`
    DictEnd,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// A string without backslashes.
    PlainString,
    /// A string with backslashes. The lexer does not check what follows them.
    EscapedString,
    /// A number of RFC 8259, of any length.
    Number,
    /// `NaN`, `Infinity` or `-Infinity`.
    NonFinite,
    /// `null`, `true` or `false`.
    Word,
    /// The end of the text.
    End,
}

/// Reads a text token by token.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    /// Offset of the last token.
    start: usize,
    /// End of the last token.
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, start: 0, at: 0 }
    }

    /// The bytes of the last token; where there was no token, an empty range at the byte that cannot be read.
    pub(crate) fn span(&self) -> Range<usize> {
        self.start..self.at
    }

    /// The text of the last token; that of a string with its quotes.
    pub(crate) fn lexeme(&self) -> &'a str {
        &self.text[self.start..self.at]
    }

    /// The next token, which is [`Token::End`] from the end of the text on. None where the text is not JSON.
    pub(crate) fn next_token(&mut self) -> Option<Token> {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        (self.start, self.at) = (at, at);
        let token = match bytes.get(at) {
            Some(b',') => Token::Comma,
            Some(b':') => Token::Colon,
            Some(b'[') => Token::ListStart,
            Some(b']') => Token::ListEnd,
            Some(b'{') => Token::DictStart,
            Some(b'}') => Token::DictEnd,
            Some(b'"') => return self.string(),
            Some(_) => return self.word(),
            None => return Some(Token::End),
        };
        self.at += 1;
        Some(token)
    }

    fn string(&mut self) -> Option<Token> {
        let bytes = self.text.as_bytes();
        let mut at = self.start + 1;
        let mut token = Token::PlainString;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    token = Token::EscapedString;
                    at += 2;
                }
                Some(0x20..) => at += 1,
                Some(_) | None => {
                    let at = at.min(bytes.len());
                    (self.start, self.at) = (at, at);
                    return None;
                }
            }
        }
        self.at = at + 1;
        Some(token)
    }

    fn word(&mut self) -> Option<Token> {
        let rest = &self.text[self.start..];
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let len = rest.bytes().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let word = &rest[..len];
        let token = match word {
            "null" | "true" | "false" => Token::Word,
            "NaN" | "Infinity" | "-Infinity" => Token::NonFinite,
            _ if is_number(word.as_bytes()) => Token::Number,
            _ => return None,
        };
        self.at += len;
        Some(token)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_token_has_its_span() {
        let text = " {\"k\\n\" : [1.5e3,\ttrue,-Infinity,\"é\"]}\n";
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::new();
        while let Some(token) = lexer.next_token().filter(|token| *token != Token::End) {
            assert_eq!(lexer.lexeme(), &text[lexer.span()]);
            tokens.push((token, lexer.lexeme()));
        }
        let expected = [
            (Token::DictStart, "{"),
            (Token::EscapedString, "\"k\\n\""),
            (Token::Colon, ":"),
            (Token::ListStart, "["),
            (Token::Number, "1.5e3"),
            (Token::Comma, ","),
            (Token::Word, "true"),
            (Token::Comma, ","),
            (Token::NonFinite, "-Infinity"),
            (Token::Comma, ","),
            (Token::PlainString, "\"é\""),
            (Token::ListEnd, "]"),
            (Token::DictEnd, "}"),
        ];
        assert_eq!(tokens, expected);
        assert_eq!((lexer.next_token(), lexer.span()), (Some(Token::End), text.len()..text.len()));
    }

    #[test]
    fn text_that_is_no_token_ends_at_the_byte_that_cannot_be_read() {
        for (text, at) in [("01", 0), (" nul", 1), ("+1", 0), ("'", 0), ("\"a\u{1}\"", 2), ("\"a", 2), ("\"\\", 2)] {
            let mut lexer = Lexer::new(text);
            assert_eq!((lexer.next_token(), lexer.span()), (None, at..at), "{text}");
        }
    }
}
