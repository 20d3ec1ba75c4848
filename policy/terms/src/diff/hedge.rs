//! Words that make a promise softer while its codes stay the same.
//!
//! The lists, one for each language, come from revisions of real policies. A hit is no error: it asks for a second look.

use crate::language::Language;

/// What became softer, in the order of the lists.
pub(super) fn hedges(language: Language, old: &str, new: &str) -> Vec<String> {
    let said = language.words();
    let (old, new) = (words(old), words(new));
    let added = said.softening.iter().filter(|phrase| count(&new, phrase) > count(&old, phrase));
    let removed = said.binding.iter().filter(|phrase| count(&new, phrase) < count(&old, phrase));
    let added = added.map(|phrase| format!("softening word added: `{phrase}`"));
    added.chain(removed.map(|phrase| format!("binding word removed: `{phrase}`"))).collect()
}

fn words(text: &str) -> Vec<String> {
    let trimmed = text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
    trimmed.filter(|word| !word.is_empty()).collect()
}

fn count(words: &[String], phrase: &str) -> usize {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    words.windows(phrase.len()).filter(|window| window.iter().eq(&phrase)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_softens_or_no_longer_binds_is_noticed() {
        for (old, new, found) in [
            ("We never keep it.", "We generally keep none of it.", "softening word added: `generally`"),
            ("We delete it.", "We may delete it, from time to time.", "softening word added: `may`"),
            ("We delete it immediately.", "We delete it.", "binding word removed: `immediately`"),
            ("Only the desk opens it.", "The desk opens it.", "binding word removed: `only`"),
        ] {
            assert!(
                hedges(Language::ENGLISH, old, new).iter().any(|hedge| hedge == found),
                "{old} -> {new}: {:?}",
                hedges(Language::ENGLISH, old, new)
            );
        }
    }

    #[test]
    fn other_words_and_another_order_are_no_hedge() {
        assert_eq!(
            hedges(Language::ENGLISH, "We only keep it here.", "It is kept only at this place."),
            Vec::<String>::new()
        );
        assert_eq!(hedges(Language::ENGLISH, "(`no-disclosure`)", "(`no-contact`)"), Vec::<String>::new());
    }
}
