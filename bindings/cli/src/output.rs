//! Standard output and standard error: one JSON object a line, or text for people.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Where answers go, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    terminal: bool,
}

/// What is printed as a row of a table, or as a JSON object of its own.
pub(crate) trait Row: Serialize {
    const COLUMNS: &'static [&'static str];

    fn cells(&self) -> Vec<String>;
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { json, terminal: io::stdout().is_terminal() }
    }

    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Prints a line of text, or the same as JSON.
    pub(crate) fn line(&self, text: &str, json: &impl Serialize) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        if self.json {
            write_json(&mut out, json)?
        } else {
            writeln!(out, "{text}")?
        }
        Ok(out.flush()?)
    }

    /// Prints one thing: perhaps a line to begin with, its fields one a line; or all as JSON.
    pub(crate) fn fields(
        &self,
        first: Option<&str>,
        fields: &[(&str, String)],
        json: &impl Serialize,
    ) -> Result<(), Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        if self.json {
            write_json(&mut out, json)?;
        } else {
            let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            if let Some(line) = first {
                writeln!(out, "{line}")?;
            }
            for (name, value) in fields {
                writeln!(out, "{name:width$}  {value}")?;
            }
        }
        Ok(out.flush()?)
    }

    /// Begins a table.
    pub(crate) fn table<R: Row>(&self) -> Result<Table, Failure> {
        let heading: Vec<_> = R::COLUMNS.iter().map(|&column| column.to_owned()).collect();
        let mut table =
            Table { output: *self, out: BufWriter::new(io::stdout().lock()), waiting: Vec::new() };
        if !self.json {
            table.put(heading)?;
        }
        Ok(table)
    }
}

/// A table under way. At a terminal it waits for its last row, to align its columns; elsewhere each row goes out as
/// it comes, its columns separated by tabs.
pub(crate) struct Table {
    output: Output,
    out: BufWriter<StdoutLock<'static>>,
    waiting: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn row(&mut self, row: &impl Row) -> Result<(), Failure> {
        if self.output.json { Ok(write_json(&mut self.out, row)?) } else { self.put(row.cells()) }
    }

    fn put(&mut self, cells: Vec<String>) -> Result<(), Failure> {
        if self.output.terminal {
            self.waiting.push(cells);
        } else {
            writeln!(self.out, "{}", cells.join("\t"))?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let widths = widths(&self.waiting);
        for cells in &self.waiting {
            writeln!(self.out, "{}", aligned(cells, &widths))?;
        }
        Ok(self.out.flush()?)
    }
}

/// How many characters each column takes.
fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    (0..columns).map(|column| width(column).unwrap_or(0)).collect()
}

fn aligned(cells: &[String], widths: &[usize]) -> String {
    let padded: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
    padded.join("  ").trim_end().to_owned()
}

fn write_json(out: &mut impl Write, json: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, json)?;
    writeln!(out)
}

/// Prints a line to standard error. That nobody reads it is no reason to fail.
pub(crate) fn note(line: &str) {
    let _unread = writeln!(io::stderr(), "{line}");
}

pub(crate) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["ID", "NAME", "OWNER"], ["1", "Käse", "a"], ["22", "-", "bb"]];
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        let widths = widths(&rows);
        let lines: Vec<_> = rows.iter().map(|row| aligned(row, &widths)).collect();
        assert_eq!(lines, ["ID  NAME  OWNER", "1   Käse  a", "22  -     bb"]);
    }
}
