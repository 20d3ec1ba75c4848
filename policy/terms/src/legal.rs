//! What the law asks a policy to say besides its promises: the legal basis of a row, and the countries data goes to.

mod countries;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::language::Words;

/// A ground on which personal data may be processed: GDPR Art. 6(1)(a) to (f).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegalBasis {
    /// (a)
    Consent,
    /// (b)
    Contract,
    /// (c)
    LegalObligation,
    /// (d)
    VitalInterests,
    /// (e)
    PublicTask,
    /// (f)
    LegitimateInterests,
}

/// A country: an ISO 3166-1 alpha-2 code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Country(String);

impl LegalBasis {
    /// Every basis, in the order of the law.
    pub const ALL: [Self; 6] = [
        Self::Consent,
        Self::Contract,
        Self::LegalObligation,
        Self::VitalInterests,
        Self::PublicTask,
        Self::LegitimateInterests,
    ];

    /// Its letter.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Consent => 'a',
            Self::Contract => 'b',
            Self::LegalObligation => 'c',
            Self::VitalInterests => 'd',
            Self::PublicTask => 'e',
            Self::LegitimateInterests => 'f',
        }
    }

    /// What it is called in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Contract => "a contract",
            Self::LegalObligation => "a legal obligation",
            Self::VitalInterests => "vital interests",
            Self::PublicTask => "a public task",
            Self::LegitimateInterests => "legitimate interests",
        }
    }

    /// Reads a cell that names one or more: `Art. 6(1)(b)`, `6(1)(b) and (f) GDPR`. `None` if it says anything else.
    pub(crate) fn list(text: &str, words: &Words) -> Option<Vec<Self>> {
        let lower = text.to_lowercase();
        let parts = lower.split(|c: char| !c.is_alphanumeric());
        let mut parts = parts.filter(|part| !part.is_empty() && *part != words.and && !words.law_words.contains(part));
        let mut list = Vec::new();
        while let Some(part) = parts.next() {
            let letter = match part {
                "6" => parts.next().filter(|paragraph| *paragraph == "1").and_then(|_| parts.next())?,
                letter if !list.is_empty() => letter,
                _ => return None,
            };
            list.push(Self::ALL.into_iter().find(|basis| letter.chars().eq([basis.letter()]))?);
        }
        Some(list).filter(|list| !list.is_empty())
    }

    /// How a policy of a language cites it.
    pub(crate) fn cite(self, words: &Words) -> String {
        let (before, after) = words.article_six;
        format!("{before}{}{after}", self.letter())
    }
}

impl fmt::Display for LegalBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Art. 6(1)({})", self.letter())
    }
}

impl Serialize for LegalBasis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Country {
    /// The country of two capital letters.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        countries::is_country(code).then(|| Self(code.to_owned()))
    }

    /// Its two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the GDPR applies in a country because it lies in the European Economic Area.
#[must_use]
pub fn is_in_eea(country: &str) -> bool {
    countries::EEA.split(' ').any(|member| member == country)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn a_legal_basis_is_an_article_and_a_letter_and_nothing_else() {
        for (text, letters) in [
            ("Art. 6(1)(b)", Some("b")),
            ("6(1)(f) GDPR", Some("f")),
            ("GDPR Article 6 (1) (a)", Some("a")),
            ("Art. 6(1)(b) and (f)", Some("bf")),
            ("Art. 6(1)(b), Art. 6(1)(c) of the GDPR", Some("bc")),
            ("", None),
            ("GDPR", None),
            ("contract", None),
            ("Art. 6(1)(g)", None),
            ("Art. 6(2)(b)", None),
            ("Art. 17", None),
            ("Art. 6(1)", None),
            ("(b)", None),
            ("Art. 6(1)(b) or so", None),
        ] {
            let list = LegalBasis::list(text, Language::ENGLISH.words());
            let said: Option<String> = list.map(|list| list.into_iter().map(LegalBasis::letter).collect());
            assert_eq!(said.as_deref(), letters, "{text}");
        }
    }

    #[test]
    fn a_citation_reads_back_in_every_language() {
        for language in Language::ALL {
            for basis in LegalBasis::ALL {
                let cited = basis.cite(language.words());
                assert_eq!(LegalBasis::list(&cited, language.words()), Some(vec![basis]), "{cited}");
            }
        }
    }

    #[test]
    fn the_economic_area_is_the_union_and_three_more() {
        assert_eq!(countries::EEA.split(' ').count(), 27 + 3);
        assert!(countries::EEA.split(' ').all(|country| Country::new(country).is_some()));
        assert!(is_in_eea("CY") && is_in_eea("NO") && !is_in_eea("CH") && !is_in_eea("GB"));
    }
}
