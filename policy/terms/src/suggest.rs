//! "Did you mean": the known word that is nearest to an unknown one.

/// The candidate nearest to `word`, if it is near enough to be meant: at most a third of the letters differ.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= word.len())
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour to make one word the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut before = None;
    for (i, a) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, letter) in b.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(a != *letter)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = j > 0 && before == Some(*letter) && b.get(j - 1) == Some(&a);
            if swapped {
                best = best.min(at(&above, j - 1) + 1);
            }
            next.push(best);
        }
        above = std::mem::replace(&mut row, next);
        before = Some(a);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_a_distance_of_one() {
        for (a, b, away) in [
            ("", "", 0),
            ("day", "dayz", 1),
            ("clent", "client", 1),
            ("hsa", "has", 1),
            ("abc", "xyz", 3),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(a, b), away, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        assert_eq!(nearest("session.clent_ip", ["session.time", "session.client_ip"]), Some("session.client_ip"));
        assert_eq!(nearest("banana", ["session.time", "account.email"]), None);
        assert_eq!(nearest("whom", ["Who", "When"]), Some("Who"));
    }
}
