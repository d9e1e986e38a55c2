//! The arguments of a line. Whatever is not taken is a mistake, so that a misspelt key fails.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;
use std::time::Duration;

use tokenstore::{Expiry, Grants};

use super::Mistake;
use super::text::{decode, expand};
use super::world::time_at;

/// What follows an operation's name.
pub(crate) struct Args {
    plain: VecDeque<String>,
    named: BTreeMap<String, String>,
}

impl Args {
    pub(crate) fn new(words: &[String]) -> Result<Args, Mistake> {
        let mut args = Args { plain: VecDeque::new(), named: BTreeMap::new() };
        for word in words {
            let word = expand(word)?;
            match word.split_once('=') {
                None => args.plain.push_back(word),
                Some((key, value)) => {
                    if args.named.insert(key.to_owned(), value.to_owned()).is_some() {
                        return Err(format!("`{key}` is given twice"));
                    }
                }
            }
        }
        Ok(args)
    }

    /// The next word without a key.
    pub(crate) fn next(&mut self, what: &str) -> Result<String, Mistake> {
        self.plain.pop_front().ok_or_else(|| format!("{what} is missing"))
    }

    /// The next word without a key, if there is one.
    pub(crate) fn next_if_any(&mut self) -> Option<String> {
        self.plain.pop_front()
    }

    /// Gives a word without a key back, to be the next again.
    pub(crate) fn put_back(&mut self, word: String) {
        self.plain.push_front(word);
    }

    /// The value of a key as it is written.
    pub(crate) fn word(&mut self, key: &str) -> Option<String> {
        self.named.remove(key)
    }

    pub(crate) fn required(&mut self, key: &str) -> Result<String, Mistake> {
        self.word(key).ok_or_else(|| format!("`{key}=` is missing"))
    }

    pub(crate) fn bytes(&mut self, key: &str) -> Result<Option<Vec<u8>>, Mistake> {
        self.word(key).map(|word| decode(&word)).transpose()
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, Mistake> {
        self.word(key).map(|word| utf8(&word)).transpose()
    }

    pub(crate) fn number<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, Mistake> {
        self.word(key).map(|word| number(&word)).transpose()
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<Option<bool>, Mistake> {
        self.word(key)
            .map(|word| match word.as_str() {
                "yes" => Ok(true),
                "no" => Ok(false),
                _ => Err(format!("`{key}` is yes or no, not `{word}`")),
            })
            .transpose()
    }

    /// `name=none` is no name.
    pub(crate) fn name(&mut self) -> Result<Option<Option<String>>, Mistake> {
        self.word("name")
            .map(|word| if word == "none" { Ok(None) } else { utf8(&word).map(Some) })
            .transpose()
    }

    /// `expires=` a moment or `never`, or `lifetime=` from now.
    pub(crate) fn expiry(&mut self) -> Result<Option<Expiry>, Mistake> {
        match (self.word("expires").as_deref(), self.number("lifetime")?) {
            (None, None) => Ok(None),
            (Some("never"), None) => Ok(Some(Expiry::Never)),
            (Some(at), None) => Ok(Some(Expiry::At(time_at(number(at)?)?))),
            (None, Some(ms)) => Ok(Some(Expiry::In(Duration::from_millis(ms)))),
            (Some(_), Some(_)) => Err("either `expires` or `lifetime`".to_owned()),
        }
    }

    /// `projects=all`, `projects=none`, or a list.
    pub(crate) fn grants(&mut self) -> Result<Option<Grants>, Mistake> {
        let Some(word) = self.word("projects") else { return Ok(None) };
        Ok(Some(match word.as_str() {
            "all" => Grants::All,
            "none" => Grants::none(),
            list => Grants::projects(list.split(',').map(decode).collect::<Result<Vec<_>, _>>()?),
        }))
    }

    /// Every word and every key must have been taken.
    pub(crate) fn finish(self) -> Result<(), Mistake> {
        let left: Vec<String> = self.plain.into_iter().chain(self.named.into_keys()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("this operation knows no `{}`", left.join("`, `"))) }
    }
}

pub(crate) fn number<T: FromStr>(word: &str) -> Result<T, Mistake> {
    word.parse().map_err(|_| format!("`{word}` is no number that fits"))
}

fn utf8(word: &str) -> Result<String, Mistake> {
    String::from_utf8(decode(word)?).map_err(|_| format!("`{word}` is no UTF-8"))
}
