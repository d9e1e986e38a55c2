//! Figures, as a table for people and as JSON for whoever compares runs.

use std::fmt::{self, Write as _};
use std::path::Path;

use crate::Result;

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Target::AtLeast(least) => value >= least,
            Target::AtMost(most) => value <= most,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::AtLeast(least) => write!(f, ">= {}", short(*least)),
            Target::AtMost(most) => write!(f, "<= {}", short(*most)),
        }
    }
}

struct Figure {
    name: String,
    value: f64,
    target: Option<Target>,
    meaning: String,
}

/// The figures of a run, in the order in which they were added.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// Adds a figure.
    pub fn add(&mut self, name: impl Into<String>, value: f64, meaning: impl Into<String>) {
        self.figures.push(Figure { name: name.into(), value, target: None, meaning: meaning.into() });
    }

    /// Adds a figure that has something to reach.
    pub fn aim(&mut self, name: impl Into<String>, value: f64, target: Target, meaning: impl Into<String>) {
        let (name, meaning) = (name.into(), meaning.into());
        self.figures.push(Figure { name, value, target: Some(target), meaning });
    }

    /// A figure that was added.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    /// The table: a line for each figure.
    pub fn table(&self) -> String {
        let width = self.figures.iter().map(|figure| figure.name.len()).max().unwrap_or(0);
        let mut out =
            format!("{:width$}  {:>10}  {:>8}  {:4}  meaning\n", "figure", "value", "target", "met");
        for Figure { name, value, target, meaning } in &self.figures {
            let (aim, met) = match target {
                Some(target) => (target.to_string(), if target.is_met(*value) { "yes" } else { "NO" }),
                None => (String::new(), ""),
            };
            let value = short(*value);
            // Writing to a String cannot fail.
            let _written = writeln!(out, "{name:width$}  {value:>10}  {aim:>8}  {met:4}  {meaning}");
        }
        out
    }

    /// Writes a flat JSON object of numbers.
    ///
    /// # Errors
    /// What writing the file said.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        let lines: Vec<String> = self
            .figures
            .iter()
            .map(|figure| format!("  \"{}\": {}", figure.name, short(figure.value)))
            .collect();
        Ok(std::fs::write(path, format!("{{\n{}\n}}\n", lines.join(",\n")))?)
    }
}

/// A number with as many places as tell something.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The value that so many of a hundred do not exceed: 100 is the largest.
pub fn percentile(mut values: Vec<f64>, percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// The median: the middle one, or the mean of the middle two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}
