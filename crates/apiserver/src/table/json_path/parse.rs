//! Reading a JSONPath.

use serde_json::{Number, Value};

use super::{Filter, JsonPath, JsonPathError, Operand, Operator, Slice, Step};

/// The steps of a path.
pub(super) fn steps(text: &str) -> Result<Vec<Step>, JsonPathError> {
    Parser { text, at: 0 }.steps(false)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn steps(&mut self, in_filter: bool) -> Result<Vec<Step>, JsonPathError> {
        let mut steps = Vec::new();
        loop {
            match self.peek() {
                None => return Ok(steps),
                Some('$' | '@') if steps.is_empty() => self.skip(1),
                Some('[') => steps.push(self.brackets()?),
                Some('.') if self.rest().starts_with("..") => {
                    self.skip(2);
                    steps.push(Step::Descend);
                    if !matches!(self.peek(), Some('[') | None) {
                        steps.push(self.name(in_filter)?);
                    }
                }
                Some('.') => {
                    self.skip(1);
                    // A lone dot is the object itself; `.[0]` an index into it.
                    if !matches!(self.peek(), Some('[') | None) {
                        steps.push(self.name(in_filter)?);
                    }
                }
                Some(c) if in_filter && (c.is_whitespace() || "=!<>)".contains(c)) => return Ok(steps),
                Some(_) if steps.is_empty() && !in_filter => steps.push(self.name(false)?),
                Some(_) => return Err(self.error("a dot or bracket was expected")),
            }
        }
    }

    fn name(&mut self, in_filter: bool) -> Result<Step, JsonPathError> {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.skip(1);
                let Some(escaped) = self.peek() else {
                    return Err(self.error("a character must follow the backslash"));
                };
                name.push(escaped);
                self.skip(escaped.len_utf8());
            } else if matches!(c, '.' | '[') || (in_filter && (c.is_whitespace() || "=!<>)".contains(c))) {
                break;
            } else {
                name.push(c);
                self.skip(c.len_utf8());
            }
        }
        match name.as_str() {
            "" => Err(self.error("a field name was expected")),
            "*" => Ok(Step::All),
            _ => Ok(Step::Fields(vec![name])),
        }
    }

    fn brackets(&mut self) -> Result<Step, JsonPathError> {
        self.skip(1);
        self.blanks();
        if self.rest().starts_with('?') {
            return self.filter();
        }
        let mut names = Vec::new();
        let mut slices = Vec::new();
        let mut all = false;
        loop {
            self.blanks();
            match self.peek() {
                Some(quote @ ('\'' | '"')) => names.push(self.quoted(quote)?),
                Some('*') => {
                    self.skip(1);
                    all = true;
                }
                Some(c) if c == '-' || c == ':' || c.is_ascii_digit() => slices.push(self.slice()?),
                _ => return Err(self.error("an index, a quoted name, `*` or a filter was expected")),
            }
            self.blanks();
            match self.peek() {
                Some(',') => self.skip(1),
                Some(']') => {
                    self.skip(1);
                    break;
                }
                _ => return Err(self.error("`]` was expected")),
            }
        }
        match (all, names.is_empty(), slices.is_empty()) {
            (true, true, true) => Ok(Step::All),
            (false, false, true) => Ok(Step::Fields(names)),
            (false, true, false) => Ok(Step::Slices(slices)),
            _ => Err(self.error("names, indexes and `*` can't be mixed")),
        }
    }

    fn slice(&mut self) -> Result<Slice, JsonPathError> {
        let end =
            self.rest().find(|c: char| !(c.is_ascii_digit() || c == '-' || c == ':')).unwrap_or(self.rest().len());
        let text = self.rest()[..end].to_string();
        let number = |text: &str| -> Result<Option<i64>, JsonPathError> {
            if text.is_empty() {
                return Ok(None);
            }
            text.parse().map(Some).map_err(|_| self.error("an index must be a number"))
        };
        let parts: Vec<&str> = text.split(':').collect();
        let slice = match parts.as_slice() {
            [index] => {
                let from = number(index)?.unwrap_or_default();
                Slice { from, to: None, step: 1, single: true }
            }
            [from, to] | [from, to, ""] => {
                Slice { from: number(from)?.unwrap_or_default(), to: number(to)?, step: 1, single: false }
            }
            [from, to, step] => {
                let step = number(step)?.unwrap_or(1);
                Slice { from: number(from)?.unwrap_or_default(), to: number(to)?, step, single: false }
            }
            _ => return Err(self.error("a slice has at most three parts")),
        };
        self.skip(end);
        Ok(slice)
    }

    fn filter(&mut self) -> Result<Step, JsonPathError> {
        self.skip(1);
        self.expect("(")?;
        let left = self.operand()?;
        self.blanks();
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let operator = operators.iter().find(|(sign, _)| self.rest().starts_with(sign));
        let comparison = match operator {
            None => None,
            Some((sign, operator)) => {
                self.skip(sign.len());
                Some((*operator, self.operand()?))
            }
        };
        self.blanks();
        self.expect(")")?;
        self.blanks();
        self.expect("]")?;
        Ok(Step::Filter(Filter { left, comparison }))
    }

    fn operand(&mut self) -> Result<Operand, JsonPathError> {
        self.blanks();
        match self.peek() {
            Some('@' | '$') => Ok(Operand::Path(JsonPath(self.steps(true)?))),
            Some(quote @ ('\'' | '"')) => Ok(Operand::Literal(self.quoted(quote)?.into())),
            _ => {
                let end = self.rest().find(|c: char| c.is_whitespace() || "=!<>)".contains(c));
                let word = &self.rest()[..end.unwrap_or(self.rest().len())];
                let literal = match word {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => match word
                        .parse::<i64>()
                        .map(Number::from)
                        .ok()
                        .or_else(|| word.parse::<f64>().ok().and_then(Number::from_f64))
                    {
                        Some(number) => Value::Number(number),
                        None => return Err(self.error("a path, text, number or boolean was expected")),
                    },
                };
                let length = word.len();
                self.skip(length);
                Ok(Operand::Literal(literal))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, JsonPathError> {
        self.skip(1);
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.error("the closing quote is missing")),
                Some(c) if c == quote => {
                    self.skip(1);
                    return Ok(text);
                }
                Some('\\') => {
                    self.skip(1);
                    let Some(escaped) = self.peek() else { return Err(self.error("the closing quote is missing")) };
                    text.push(escaped);
                    self.skip(escaped.len_utf8());
                }
                Some(c) => {
                    text.push(c);
                    self.skip(c.len_utf8());
                }
            }
        }
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), JsonPathError> {
        if self.rest().starts_with(sign) {
            self.skip(sign.len());
            return Ok(());
        }
        Err(self.error(match sign {
            "(" => "`(` was expected",
            ")" => "`)` was expected",
            _ => "`]` was expected",
        }))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn blanks(&mut self) {
        let blanks = self.rest().len() - self.rest().trim_start().len();
        self.skip(blanks);
    }

    fn error(&self, why: &'static str) -> JsonPathError {
        JsonPathError { path: self.text.into(), at: self.at, why }
    }
}
