//! What was measured, beside the limit it must keep, as a table in Markdown; and the little statistics it needs.

/// Rows in the order in which they were measured.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

struct Row {
    what: String,
    measured: String,
    limit: String,
    beside: String,
    over: bool,
}

impl Table {
    /// Something that must not be more (or, with `at_least`, not be less) than its limit.
    pub(crate) fn bounded(&mut self, what: &str, value: f64, limit: Limit, written: String, beside: String) {
        let (over, limit) = match limit {
            Limit::AtMost(most) => (value > most, format!("≤ {most:.2}")),
            Limit::AtLeast(least) => (value < least, format!("≥ {least:.2}")),
        };
        self.push(Row { what: what.to_owned(), measured: written, limit, beside, over });
    }

    /// Something that has no limit.
    pub(crate) fn told(&mut self, what: &str, measured: String, beside: String) {
        self.push(Row { what: what.to_owned(), measured, limit: String::new(), beside, over: false });
    }

    /// Something that could not be measured, and why.
    pub(crate) fn missing(&mut self, what: &str, why: &str) {
        self.told(what, "not measured".to_owned(), why.to_owned());
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.iter().any(|row| row.over)
    }

    pub(crate) fn print(&self) {
        println!("| what | measured | limit | beside it |\n| --- | --- | --- | --- |");
        for row in &self.0 {
            println!("{}", row.line());
        }
    }

    fn push(&mut self, row: Row) {
        eprintln!("{}", row.line());
        self.0.push(row);
    }
}

impl Row {
    fn line(&self) -> String {
        let mark = if self.over { " **missed**" } else { "" };
        format!("| {} | {}{mark} | {} | {} |", self.what, self.measured, self.limit, self.beside)
    }
}

/// A limit.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// The median of some figures.
pub(crate) fn median(figures: &[f64]) -> f64 {
    quantile(figures, 0.5)
}

/// The figure below which this part of the figures is.
pub(crate) fn quantile(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = (part * (sorted.len() - 1) as f64).round();
    sorted[at as usize]
}

/// The ratio of paired figures: the mean of the rounds, and how far it may be off, 19 times out of 20.
pub(crate) struct Ratio {
    pub(crate) mean: f64,
    low: f64,
    high: f64,
}

impl Ratio {
    /// Of one to the other, round by round. Taken as logarithms, so that it does not matter which is divided by which.
    pub(crate) fn of(ones: &[f64], others: &[f64]) -> Self {
        let logs: Vec<f64> = ones.iter().zip(others).map(|(one, other)| (one / other).ln()).collect();
        let count = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / count;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let margin = student(logs.len()) * (variance / count).sqrt();
        Self { mean: mean.exp(), low: (mean - margin).exp(), high: (mean + margin).exp() }
    }

    pub(crate) fn written(&self) -> String {
        format!("{:.2} (95 %: {:.2} to {:.2})", self.mean, self.low, self.high)
    }
}

/// Student's t for a two-sided interval of 95 %.
fn student(rounds: usize) -> f64 {
    const BY_FREEDOM: [f64; 12] = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18];
    BY_FREEDOM[rounds.saturating_sub(2).min(BY_FREEDOM.len() - 1)]
}

/// Our count, and the others' beside it.
pub(crate) fn counted(table: &mut Table, what: &str, counts: &[(&str, Option<f64>)], why_not: &str) {
    let Some(((_, Some(ours)), others)) = counts.split_first() else { return table.missing(what, why_not) };
    let beside = others.iter().filter_map(|(name, count)| {
        let count = (*count)?;
        Some(format!("{name}: {count:.0} (ratio {:.2})", ours / count))
    });
    table.told(what, format!("{ours:.0}"), beside.collect::<Vec<_>>().join("; "));
}
