//! What a sentence says, made plain for guessing: small letters and digits, one space between words.

/// The words of a sentence, with a space before the first and after the last.
pub(super) struct Said(String);

impl Said {
    pub(super) fn of(words: &str) -> Self {
        let words = words.to_lowercase();
        let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        Self(format!(" {} ", words.collect::<Vec<_>>().join(" ")))
    }

    /// Where the first of some beginnings of words stands: `store|keep`. A space at the end asks for a whole word.
    pub(super) fn first(&self, beginnings: &str) -> Option<usize> {
        beginnings.split('|').filter_map(|beginning| self.0.find(&format!(" {beginning}"))).min()
    }

    /// Whether one of some beginnings of words stands there.
    pub(super) fn has(&self, beginnings: &str) -> bool {
        self.first(beginnings).is_some()
    }

    /// Whether a number with a unit of time stands there: "90 days".
    pub(super) fn has_period(&self) -> bool {
        let words: Vec<&str> = self.0.split(' ').collect();
        let is_number = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        let is_unit = |word: &&str| {
            ["minute", "hour", "day", "week", "month", "year"].contains(&word.strip_suffix('s').unwrap_or(word))
        };
        words.windows(2).any(|pair| pair.first().is_some_and(is_number) && pair.last().is_some_and(is_unit))
    }
}
