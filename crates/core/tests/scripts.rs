//! A linter for the scripts. Some servers demand more than Redis does: Upstash and clusters that every key is declared, and
//! each server's version of Lua that a script uses nothing else.

use std::collections::BTreeSet;
use synced_memory_core::protocol::{CommitForm, history_script};

/// Commands that scripts may use, and how many of their first arguments are keys.
const COMMANDS: [(&str, usize); 18] = [
    ("GET", 1),
    ("SET", 1),
    ("DEL", 1),
    ("PEXPIRE", 1),
    ("PTTL", 1),
    ("EXISTS", 1),
    ("STRLEN", 1),
    ("GETRANGE", 1),
    ("SETRANGE", 1),
    ("INCRBY", 1),
    ("PERSIST", 1),
    ("XADD", 1),
    ("XDEL", 1),
    ("XRANGE", 1),
    ("XREVRANGE", 1),
    // Its keys come with their values, from one function.
    ("MSET", 0),
    // A channel is no key.
    ("PUBLISH", 0),
    ("SPUBLISH", 0),
];
/// Globals that are the same from Lua 5.1 to 5.4 on every server. `string.format` and `math` are not: they treat whole numbers
/// differently.
const GLOBALS: [&str; 8] = ["redis", "KEYS", "ARGV", "string", "table", "tonumber", "type", "ipairs"];
const FIELDS: [&str; 14] = [
    "redis.call",
    "redis.pcall",
    "redis.sha1hex",
    "string.byte",
    "string.char",
    "string.find",
    "string.len",
    "string.match",
    "string.rep",
    "string.reverse",
    "string.sub",
    "table.concat",
    "table.insert",
    "table.remove",
];
const KEYWORDS: [&str; 21] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil", "not", "or",
    "repeat", "return", "then", "true", "until", "while",
];
/// The name that a variable or parameter with a key must have.
const KEY: &str = "key";
const SYMBOLS: &str = "=~<>+-*/%#(){}[],;.";

#[test]
fn every_script_declares_its_keys_and_runs_on_every_lua() {
    let of_form = |form: CommitForm| [form.commit_script(), form.group_script()];
    for script in CommitForm::ALL.into_iter().flat_map(of_form).chain([history_script()]) {
        assert_eq!(problems(script.text), BTreeSet::new(), "{}", script.text);
    }
}

#[test]
fn undeclared_keys_and_unportable_code_are_found() {
    for (script, problem) in [
        ("redis.call('GET', ARGV[1])", "GET takes ARGV for a key"),
        ("local name = KEYS[1] redis.call('GET', name)", "GET takes name for a key"),
        ("local key = ARGV[1] redis.call('GET', key)", "key is not one of KEYS"),
        ("local function get(key) return redis.call('GET', key) end get(ARGV[1])", "get takes ARGV for a key"),
        ("local function get(key) return redis.call('GET', key) end return get", "get takes return for a key"),
        ("redis.pcall('SET', KEYS[1] .. 'x', 1)", "SET takes more than one of KEYS for a key"),
        ("redis.pcall('SET', KEYS[KEYS[1]], 1)", "KEYS is not followed by [index]"),
        ("local all = KEYS", "KEYS is not followed by [index]"),
        ("redis.call('MGET', KEYS[1], KEYS[2])", "MGET is not among the commands"),
        ("local name = 'GET' redis.call(name, KEYS[1])", "redis.call is not followed by ('COMMAND'"),
        ("local call = redis.call", "redis.call is not followed by ('COMMAND'"),
        ("redis.replicate_commands()", "redis.replicate_commands is not portable"),
        ("local all = redis", "redis stands alone"),
        ("local text = cjson.encode({})", "cjson is global"),
        ("return unpack(ARGV)", "unpack is global"),
        ("return table.unpack(ARGV)", "table.unpack is not portable"),
        ("count = 1", "count is global"),
        ("if ARGV[1] then local inner = 1 end return inner", "inner is global"),
        ("if ARGV[1] then local one = 1 else return one end", "one is global"),
        ("for n = 1, 2 do end return n", "n is global"),
        ("local f = function(x) return x end return x", "x is global"),
        ("return ARGV[1] // 2", "// is not portable"),
        ("return ARGV[1]:sub(1)", "the character : is not portable"),
    ] {
        assert_eq!(problems(script), BTreeSet::from([problem.to_owned()]), "{script}");
    }
    let fine = "local function get(key) return redis.call('GET', key) end local n = 1 return get(KEYS[2 * n])";
    assert_eq!(problems(fine), BTreeSet::new());
    let fine = "-- cjson\nlocal t = { a = KEYS[1], 'unpack' } for _, x in ipairs(ARGV) do t[x] = t.a end return t";
    assert_eq!(problems(fine), BTreeSet::new());
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Word(String),
    Number(String),
    Text(String),
    Symbol(char),
}

impl Token {
    fn is(&self, text: &str) -> bool {
        match self {
            Self::Word(word) => word == text,
            Self::Symbol(symbol) => text.chars().eq([*symbol]),
            Self::Number(_) | Self::Text(_) => false,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) | Self::Text(text) => text.clone(),
            Self::Symbol(symbol) => symbol.to_string(),
        }
    }
}

fn problems(script: &str) -> BTreeSet<String> {
    let mut problems = BTreeSet::new();
    let tokens = tokens(script, &mut problems);
    let mut scopes = Scopes { blocks: vec![BTreeSet::new()], next_block: BTreeSet::new() };
    let functions = functions_of_keys(&tokens);
    for at in 0..tokens.len() {
        let rest = &tokens[at..];
        if rest[0].is("/") && rest.get(1).is_some_and(|next| next.is("/")) {
            problems.insert("// is not portable".into());
        }
        let Token::Word(word) = &rest[0] else { continue };
        if KEYWORDS.contains(&word.as_str()) {
            scopes.read_keyword(rest);
        } else if word == KEY && rest.get(1).is_some_and(|next| next.is("=")) && key_len(&rest[2..]).is_none() {
            problems.insert("key is not one of KEYS".into());
        } else if functions.contains(word) && at.checked_sub(1).is_none_or(|before| !tokens[before].is("function")) {
            let argument = if rest.get(1).is_some_and(|next| next.is("(")) { &rest[2..] } else { &tokens[at - 1..] };
            if !argument[0].is(KEY) && key_len(argument).is_none() {
                problems.insert(format!("{word} takes {} for a key", argument[0].text()));
            }
        } else if !is_field_name(&tokens, at) && !scopes.is_local(word) && !is_key_count(&tokens, at) {
            problems.extend(problem_of_global(word, &rest[1..]));
        }
    }
    problems
}

/// Functions whose first parameter is a key.
fn functions_of_keys(tokens: &[Token]) -> BTreeSet<String> {
    let functions = tokens.windows(4).filter(|four| four[0].is("function") && four[2].is("(") && four[3].is(KEY));
    functions.map(|four| four[1].text()).collect()
}

/// Whether the token stands after a dot, or before the `=` of a table's field.
fn is_field_name(tokens: &[Token], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|index| &tokens[index]);
    let follows_dot =
        before(1).is_some_and(|token| token.is(".") || token.is(":")) && !before(2).is_some_and(|token| token.is("."));
    let starts_field = before(1).is_some_and(|token| token.is("{"));
    follows_dot || (starts_field && tokens.get(at + 1).is_some_and(|token| token.is("=")))
}

/// Whether the token is that of `#KEYS`.
fn is_key_count(tokens: &[Token], at: usize) -> bool {
    tokens[at].is("KEYS") && at.checked_sub(1).is_some_and(|before| tokens[before].is("#"))
}

fn problem_of_global(word: &str, rest: &[Token]) -> Option<String> {
    if !GLOBALS.contains(&word) {
        return Some(format!("{word} is global"));
    }
    match (word, rest) {
        ("KEYS", _) => index_len(rest).is_none().then(|| "KEYS is not followed by [index]".into()),
        ("redis" | "string" | "table", [dot, Token::Word(field), rest @ ..]) if dot.is(".") => {
            let name = format!("{word}.{field}");
            if !FIELDS.contains(&name.as_str()) {
                return Some(format!("{name} is not portable"));
            }
            if ["redis.call", "redis.pcall"].contains(&name.as_str()) { problem_of_call(&name, rest) } else { None }
        }
        ("redis" | "string" | "table", _) => Some(format!("{word} stands alone")),
        _ => None,
    }
}

fn problem_of_call(name: &str, rest: &[Token]) -> Option<String> {
    let [open, Token::Text(command), rest @ ..] = rest else {
        return Some(format!("{name} is not followed by ('COMMAND'"));
    };
    let Some((_, keys)) = COMMANDS.into_iter().find(|(known, _)| open.is("(") && known == command) else {
        return Some(format!("{command} is not among the commands"));
    };
    if keys == 0 {
        return None;
    }
    match rest {
        [comma, key, after, ..] if comma.is(",") && key.is(KEY) && (after.is(",") || after.is(")")) => None,
        [comma, rest @ ..] if comma.is(",") && rest[0].is("KEYS") => {
            let ends = |len| rest.get(len).is_some_and(|token: &Token| token.is(",") || token.is(")"));
            (!ends(key_len(rest)?)).then(|| format!("{command} takes more than one of KEYS for a key"))
        }
        [_, other, ..] => Some(format!("{command} takes {} for a key", other.text())),
        _ => Some(format!("{command} takes no key")),
    }
}

/// The number of tokens of `KEYS[index]`; None where the tokens begin with something else.
fn key_len(tokens: &[Token]) -> Option<usize> {
    tokens.first().filter(|first| first.is("KEYS"))?;
    Some(1 + index_len(&tokens[1..])?)
}

/// The number of tokens of `[index]`, where the index holds no brackets; None where the tokens begin with something else.
fn index_len(tokens: &[Token]) -> Option<usize> {
    let close = tokens.iter().position(|token| token.is("]"))?;
    let opens = tokens[..close].iter().filter(|token| token.is("[")).count();
    (opens == 1 && tokens[0].is("[")).then_some(close + 1)
}

/// The names that are local at one place of a script.
struct Scopes {
    blocks: Vec<BTreeSet<String>>,
    /// The names in the head of a loop, which are local to the block that follows.
    next_block: BTreeSet<String>,
}

impl Scopes {
    fn is_local(&self, word: &str) -> bool {
        self.next_block.contains(word) || self.blocks.iter().any(|block| block.contains(word))
    }

    /// Read a keyword and the names that it declares.
    fn read_keyword(&mut self, tokens: &[Token]) {
        match tokens[0].text().as_str() {
            "local" => {
                // `local function name(names)`, or `local names`
                let names = names(&tokens[if tokens[1].is("function") { 2 } else { 1 }..]);
                self.blocks.last_mut().unwrap().extend(names);
            }
            "for" => self.next_block = names(&tokens[1..]).collect(),
            "function" => {
                let open = tokens.iter().position(|token| token.is("(")).unwrap();
                self.blocks.push(names(&tokens[open + 1..]).collect());
            }
            "do" | "then" | "repeat" => self.blocks.push(std::mem::take(&mut self.next_block)),
            "else" => *self.blocks.last_mut().unwrap() = BTreeSet::new(),
            "elseif" | "end" | "until" => drop(self.blocks.pop()),
            _ => {}
        }
    }
}

/// The names of a list such as `a, b, c`.
fn names(tokens: &[Token]) -> impl Iterator<Item = String> + '_ {
    tokens.chunks(2).scan(true, |is_open, pair| {
        let Token::Word(name) = &pair[0] else { return None };
        let is_name = std::mem::replace(is_open, pair.get(1).is_some_and(|token| token.is(",")));
        is_name.then(|| name.clone())
    })
}

fn tokens(script: &str, problems: &mut BTreeSet<String>) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = script;
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let len = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '\'' || first == '"' {
            let text = &rest[1..];
            let end = text.find(first).expect("a string ends");
            assert!(!text[..end].ends_with('\\'), "escaped quotes are not read here");
            tokens.push(Token::Text(text[..end].into()));
            end + 2
        } else if is_part(first) {
            let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let word = rest[..len].to_owned();
            tokens.push(if first.is_ascii_digit() { Token::Number(word) } else { Token::Word(word) });
            len
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Symbol(first));
                if !SYMBOLS.contains(first) {
                    problems.insert(format!("the character {first} is not portable"));
                }
            }
            first.len_utf8()
        };
        rest = &rest[len..];
    }
    tokens
}
