//! Label selectors: `a=b,c!=d,e in (f,g),!h,i>5`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::kinds::names;
use crate::kinds::tree::Tree;

/// How a requirement compares the label's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `in`, `=` and `==`
    In,
    /// `notin` and `!=`; holds for objects without the label too.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
    /// The label's value is an integer above the requirement's.
    GreaterThan,
    /// The label's value is an integer below the requirement's.
    LessThan,
}

/// One term of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// How values are compared.
    pub operator: Operator,
    /// What the label's value is compared with.
    pub values: BTreeSet<String>,
}

/// All requirements must hold; none: everything is selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// The terms, sorted by key.
    pub requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Reads a selector. The error is the text that the real server gives.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: scan(text), at: 0 };
        let mut requirements = parser.selector()?;
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements })
    }

    /// Reads a selector as it stands in objects, with `matchLabels` and `matchExpressions`. An absent one selects
    /// everything. The error is the text that the real server gives.
    pub fn from_object(selector: &Value) -> Result<Self, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let mut requirements = Vec::new();
        for (key, value) in selector.entries("matchLabels") {
            requirements.push(Requirement::checked(key.clone(), Operator::In, [text(value)].into())?);
        }
        for expression in selector.list("matchExpressions") {
            let operator = match expression.text("operator") {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(format!("{other:?} is not a valid label selector operator")),
            };
            let values = expression.list("values").iter().map(text).collect();
            requirements.push(Requirement::checked(expression.text("key").into(), operator, values)?);
        }
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements })
    }

    /// True if it selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// True if an object with these labels is selected.
    pub fn matches<'a>(&self, get: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(get(&requirement.key)))
    }
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        match (self.operator, value) {
            (Operator::In, Some(value)) => self.values.contains(value),
            (Operator::NotIn, Some(value)) => !self.values.contains(value),
            (Operator::NotIn, None) | (Operator::Exists, Some(_)) | (Operator::DoesNotExist, None) => true,
            (Operator::GreaterThan | Operator::LessThan, Some(value)) => self.compare(value),
            _ => false,
        }
    }

    fn compare(&self, value: &str) -> bool {
        let bound = self.values.first().and_then(|bound| bound.parse::<i64>().ok());
        match (value.parse::<i64>().ok(), bound) {
            (Some(value), Some(bound)) if self.operator == Operator::GreaterThan => value > bound,
            (Some(value), Some(bound)) => value < bound,
            _ => false,
        }
    }

    /// Checks the key and the values, as the real server does before it uses them.
    fn checked(key: String, operator: Operator, values: BTreeSet<String>) -> Result<Self, String> {
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) {
            for (index, value) in values.iter().enumerate() {
                if value.parse::<i64>().is_err() {
                    return Err(format!(
                        "values[{index}]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
                    ));
                }
            }
        }
        for (index, value) in values.iter().enumerate() {
            let problems = names::label_value(value);
            if !problems.is_empty() {
                return Err(invalid(&format!("values[{index}][{key}]"), value, &problems));
            }
        }
        Ok(Self { key, operator, values })
    }
}

fn invalid(path: &str, value: &str, problems: &[String]) -> String {
    let path = if path.is_empty() { "<nil>" } else { path };
    format!("{path}: Invalid value: {value:?}: {}", problems.join("; "))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    End,
    Open,
    Close,
    Comma,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    In,
    NotIn,
    Word(String),
    Bad(String),
}

impl Token {
    /// The token as it stood in the text, for messages.
    fn literal(&self) -> &str {
        match self {
            Token::End => "",
            Token::Open => "(",
            Token::Close => ")",
            Token::Comma => ",",
            Token::Not => "!",
            Token::Equals => "=",
            Token::DoubleEquals => "==",
            Token::NotEquals => "!=",
            Token::Greater => ">",
            Token::Less => "<",
            Token::In => "in",
            Token::NotIn => "notin",
            Token::Word(text) | Token::Bad(text) => text,
        }
    }

    /// `in` and `notin` are words where a key or a value is expected.
    fn as_value(&self) -> Token {
        match self {
            Token::In | Token::NotIn => Token::Word(self.literal().into()),
            other => other.clone(),
        }
    }
}

fn scan(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let special = |byte: u8| b"=!(),><".contains(&byte);
    let space = |byte: u8| b" \t\r\n".contains(&byte);
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        if space(bytes[at]) {
            at += 1;
        } else if special(bytes[at]) {
            let two = bytes.get(at..at + 2);
            let (token, length) = match (bytes[at], two) {
                (_, Some(b"==")) => (Token::DoubleEquals, 2),
                (_, Some(b"!=")) => (Token::NotEquals, 2),
                (b'=', _) => (Token::Equals, 1),
                (b'!', _) => (Token::Not, 1),
                (b'(', _) => (Token::Open, 1),
                (b')', _) => (Token::Close, 1),
                (b',', _) => (Token::Comma, 1),
                (b'>', _) => (Token::Greater, 1),
                (b'<', _) => (Token::Less, 1),
                _ => (Token::Bad(text[at..].into()), 1),
            };
            tokens.push(token);
            at += length;
        } else {
            while at < bytes.len() && !special(bytes[at]) && !space(bytes[at]) {
                at += 1;
            }
            // Delimiters are ASCII, so both ends lie on character boundaries.
            tokens.push(match &text[start..at] {
                "in" => Token::In,
                "notin" => Token::NotIn,
                word => Token::Word(word.into()),
            });
        }
    }
    tokens.push(Token::End);
    tokens
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Token {
        self.tokens.get(self.at).unwrap_or(&Token::End).as_value()
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn next_operator(&mut self) -> Token {
        let token = self.tokens.get(self.at).unwrap_or(&Token::End).clone();
        self.at += 1;
        token
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                Token::Word(_) | Token::Not => {}
                Token::End => return Ok(requirements),
                other => {
                    return Err(format!("found '{}', expected: !, identifier, or 'end of string'", other.literal()));
                }
            }
            let requirement = self.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?;
            requirements.push(requirement);
            match self.next() {
                Token::End => return Ok(requirements),
                Token::Comma => match self.peek() {
                    Token::Word(_) | Token::Not => {}
                    other => {
                        return Err(format!("found '{}', expected: identifier after ','", other.literal()));
                    }
                },
                other => return Err(format!("found '{}', expected: ',' or 'end of string'", other.literal())),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut token = self.next();
        let negated = token == Token::Not;
        if negated {
            token = self.next();
        }
        let Token::Word(key) = token else {
            return Err(format!("found '{}', expected: identifier", token.literal()));
        };
        let problems = names::qualified_name(&key);
        if !problems.is_empty() {
            return Err(invalid("", &key, &problems));
        }
        if negated {
            return Requirement::checked(key, Operator::DoesNotExist, BTreeSet::new());
        }
        if matches!(self.peek(), Token::End | Token::Comma) {
            return Requirement::checked(key, Operator::Exists, BTreeSet::new());
        }
        let (operator, set) = match self.next_operator() {
            Token::In => (Operator::In, true),
            Token::NotIn => (Operator::NotIn, true),
            Token::Equals | Token::DoubleEquals => (Operator::In, false),
            Token::NotEquals => (Operator::NotIn, false),
            Token::Greater => (Operator::GreaterThan, false),
            Token::Less => (Operator::LessThan, false),
            other => {
                return Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", other.literal()));
            }
        };
        let values = if set { self.values()? } else { self.exact_value()? };
        Requirement::checked(key, operator, values)
    }

    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        let open = self.next();
        if open != Token::Open {
            return Err(format!("found '{}' expected: '('", open.literal()));
        }
        match self.peek() {
            Token::Word(_) | Token::Comma => {}
            Token::Close => {
                self.at += 1;
                return Ok(BTreeSet::from([String::new()]));
            }
            other => return Err(format!("found '{}', expected: ',', ')' or identifier", other.literal())),
        }
        let mut values = BTreeSet::new();
        loop {
            match self.next() {
                Token::Word(value) => {
                    values.insert(value);
                    match self.peek() {
                        Token::Comma => {}
                        Token::Close => break,
                        other => return Err(format!("found '{}', expected: ',' or ')'", other.literal())),
                    }
                }
                Token::Comma => {
                    if values.is_empty() {
                        values.insert(String::new());
                    }
                    match self.peek() {
                        Token::Close => {
                            values.insert(String::new());
                            break;
                        }
                        Token::Comma => {
                            values.insert(String::new());
                        }
                        _ => {}
                    }
                }
                other => return Err(format!("found '{}', expected: ',', or identifier", other.literal())),
            }
        }
        self.at += 1;
        Ok(values)
    }

    fn exact_value(&mut self) -> Result<BTreeSet<String>, String> {
        if matches!(self.peek(), Token::End | Token::Comma) {
            return Ok(BTreeSet::from([String::new()]));
        }
        match self.next() {
            Token::Word(value) => Ok(BTreeSet::from([value])),
            other => Err(format!("found '{}', expected: identifier", other.literal())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let selector = LabelSelector::parse(selector).unwrap();
        selector.matches(|key| labels.iter().find(|(k, _)| *k == key).map(|(_, v)| *v))
    }

    #[test]
    fn each_operator_selects_as_documented() {
        let labels = [("a", "1"), ("b", "x"), ("in", "y"), ("e", "")];
        for selector in [
            "",
            "a=1",
            "a==1",
            "a!=2",
            "zz!=2",
            "a in (1,2)",
            "a notin (3)",
            "b",
            "!c",
            "a>0",
            "a<2",
            "a=1,b in (x)",
            "in in (y)",
            "e=",
            "e in ()",
            "zz notin (a)",
            " a = 1 , b ",
            "e in (,q)",
            "a in (in,1)",
            "b notin (in,)",
        ] {
            assert!(selects(selector, &labels), "{selector}");
        }
        for selector in ["a=2", "a!=1", "a in (2)", "a notin (1,2)", "zz", "!a", "a>1", "a<1", "b>1", "zz>1", "e!="] {
            assert!(!selects(selector, &labels), "{selector}");
        }
    }

    #[test]
    fn errors_are_those_of_the_real_server() {
        for (selector, expected) in [
            ("a===", "unable to parse requirement: found '=', expected: identifier"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("a,", "found '', expected: identifier after ','"),
            ("a=b)", "found ')', expected: ',' or 'end of string'"),
            (",", "found ',', expected: !, identifier, or 'end of string'"),
        ] {
            assert_eq!(LabelSelector::parse(selector).unwrap_err(), expected, "{selector}");
        }
        let error = LabelSelector::parse("a=b_-").unwrap_err();
        assert!(error.starts_with("unable to parse requirement: values[0][a]: Invalid value: \"b_-\": a valid label"));
        let error = LabelSelector::parse("-a").unwrap_err();
        assert!(error.starts_with("unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-z0-9=!(),<> ./é-]{0,24}") {
            let _ = LabelSelector::parse(&text);
        }

        #[test]
        fn equality_selects_exactly_the_value(value in "[a-z]{1,5}", other in "[a-z]{1,5}") {
            let selector = LabelSelector::parse(&format!("k={value}")).unwrap();
            prop_assert_eq!(selector.matches(|_| Some(&other)), value == other);
            let negated = LabelSelector::parse(&format!("k!={value}")).unwrap();
            prop_assert_eq!(negated.matches(|_| Some(&other)), value != other);
        }
    }
}
