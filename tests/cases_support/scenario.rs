//! Reading scenarios: files into scenarios, scenarios into lines, lines into words.

use std::path::Path;

use super::Mistake;

/// One file's scenarios.
pub(crate) struct CaseFile {
    pub(crate) name: String,
    pub(crate) scenarios: Vec<Scenario>,
}

/// One scenario: lines that are played one after the other on a store of its own.
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// Whether its answers depend on the store staying open from line to line.
    pub(crate) keep_open: bool,
    pub(crate) lines: Vec<Line>,
}

/// One line of a scenario.
pub(crate) struct Line {
    /// Where it stands, `file:line`.
    pub(crate) place: String,
    /// What is played: once, or with `for` and `repeat` several times.
    pub(crate) turns: Vec<Turn>,
}

/// An operation with its arguments, and what it must answer.
pub(crate) struct Turn {
    pub(crate) words: Vec<String>,
    pub(crate) expected: Option<Expected>,
}

/// What stands behind the arrow.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) result: String,
    pub(crate) fields: Vec<(String, String)>,
}

/// Reads every `*.txt` of a folder, in the order of their names.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<CaseFile>, Mistake> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths.iter().map(|path| read_file(path)).collect()
}

fn read_file(path: &Path) -> Result<CaseFile, Mistake> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    parse(&name, &text)
}

/// Reads the text of a file.
pub(crate) fn parse(file: &str, text: &str) -> Result<CaseFile, Mistake> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", index + 1);
        let at = |mistake: Mistake| format!("{place}: {mistake}");
        if !line.is_ascii() || line.contains('\t') {
            return Err(at("only printable ASCII; write other bytes as %XX".to_owned()));
        }
        let words = words(line);
        match (words.as_slice(), scenarios.last_mut()) {
            ([], _) => {}
            (["scenario", name] | ["scenario", name, "keep_open"], _) => {
                if scenarios.iter().any(|scenario| scenario.name == *name) {
                    return Err(at(format!("there is a scenario `{name}` already")));
                }
                let keep_open = words.len() == 3;
                scenarios.push(Scenario { name: (*name).to_owned(), keep_open, lines: Vec::new() });
            }
            (["scenario", ..], _) => {
                return Err(at("a scenario has a name of one word, and no option but keep_open".to_owned()));
            }
            (words, Some(scenario)) => scenario.lines.push(read_line(place.clone(), words).map_err(at)?),
            (_, None) => return Err(at("the first line is `scenario NAME`".to_owned())),
        }
    }
    Ok(CaseFile { name: file.to_owned(), scenarios })
}

/// The words of a line, without its comment.
fn words(line: &str) -> Vec<&str> {
    line.split(' ').filter(|word| !word.is_empty()).take_while(|word| !word.starts_with('#')).collect()
}

/// `for a,b LINE` is LINE for each of the names and `repeat 3 LINE` for each of the numbers, which stands where LINE
/// has a `$`.
fn read_line(place: String, words: &[&str]) -> Result<Line, Mistake> {
    let with = |words: &[&str], turn: &str| words.iter().map(|word| word.replace('$', turn)).collect();
    let turns: Vec<Vec<String>> = match words {
        ["for", names, line @ ..] => names.split(',').map(|name| with(line, name)).collect(),
        ["repeat", count, line @ ..] => {
            let count: usize = count.parse().map_err(|_| format!("`{count}` is no number"))?;
            (1..=count).map(|turn| with(line, &turn.to_string())).collect()
        }
        // A `$` that is left belongs to a repetition inside a text.
        line => vec![line.iter().map(|word| (*word).to_owned()).collect()],
    };
    Ok(Line { place, turns: turns.into_iter().map(read_turn).collect::<Result<_, _>>()? })
}

fn read_turn(mut words: Vec<String>) -> Result<Turn, Mistake> {
    let Some(arrow) = words.iter().position(|word| word == "->") else {
        return Ok(Turn { words, expected: None });
    };
    let expected = Some(read_expected(&words[arrow + 1..])?);
    words.truncate(arrow);
    Ok(Turn { words, expected })
}

fn read_expected(words: &[String]) -> Result<Expected, Mistake> {
    let (result, fields) = words.split_first().ok_or("nothing is expected behind the arrow")?;
    let field = |word: &String| {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is no field=value"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    Ok(Expected { result: result.clone(), fields: fields.iter().map(field).collect::<Result<_, Mistake>>()? })
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.result)?;
        self.fields.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
