//! Tables of thresholds, and each intersection that the proof of agreement uses.

use super::*;

fn of(total: u128, slack: u128) -> Thresholds {
    Thresholds::new(total, slack).expect("the slack fits")
}

/// f, slow, fast, view change, weak.
fn numbers(thresholds: &Thresholds) -> [u128; 5] {
    let t = thresholds;
    [t.faulty(), t.slow(), t.fast(), t.view_change(), t.weak()]
}

#[test]
fn thresholds_of_equal_powers() {
    // n, c; f, slow, fast, view change, weak
    let table = [
        ((1, 0), [0, 1, 1, 1, 1]),
        ((2, 0), [0, 2, 2, 2, 1]),
        ((3, 0), [0, 2, 3, 3, 1]),
        ((3, 1), [0, 2, 2, 3, 1]),
        ((4, 0), [1, 3, 4, 3, 2]),
        ((5, 0), [1, 4, 5, 4, 2]),
        ((5, 1), [0, 3, 4, 5, 1]),
        ((6, 0), [1, 4, 6, 5, 2]),
        ((6, 1), [1, 4, 5, 5, 2]),
        ((7, 0), [2, 5, 7, 5, 3]),
        ((9, 1), [2, 6, 8, 7, 3]),
        ((10, 0), [3, 7, 10, 7, 4]),
        ((10, 1), [2, 7, 9, 8, 3]),
        ((100, 0), [33, 67, 100, 67, 34]),
    ];
    for ((n, c), expected) in table {
        assert_eq!(numbers(&of(n, c)), expected, "{n} validators, slack {c}");
    }
}

#[test]
fn thresholds_of_a_weighted_set() {
    let total = [7_u128, 5, 4, 3, 3, 2, 1, 1].iter().sum();
    assert_eq!(numbers(&of(total, 0)), [8, 18, 26, 18, 9]);
    assert_eq!(numbers(&of(total, 3)), [6, 17, 23, 20, 7]);
    assert_eq!(of(total, 0).candidate(18), 10);
    assert_eq!(of(total, 3).candidate(20), 11);
}

#[test]
fn a_slow_quorum_is_that_of_sbft_where_the_machines_are_as_many_as_they_say() {
    for (f, c) in (0..40).flat_map(|f| (0..40).map(move |c| (f, c))) {
        let thresholds = of(3 * f + 2 * c + 1, c);
        assert_eq!(numbers(&thresholds), [f, 2 * f + c + 1, 3 * f + c + 1, 2 * f + 2 * c + 1, f + 1]);
    }
}

#[test]
fn presets_of_a_thousand() {
    let table = [
        (Preset::Classic, 0, [333, 667, 1_000, 667, 334]),
        (Preset::Balanced, 50, [299, 650, 950, 701, 300]),
        (Preset::Fast, 100, [266, 634, 900, 734, 267]),
        (Preset::AlpenglowLike, 200, [199, 600, 800, 801, 200]),
    ];
    for (preset, slack, expected) in table {
        let thresholds = preset.thresholds(1_000).expect("there is power");
        assert_eq!((thresholds.slack(), numbers(&thresholds)), (slack, expected), "{preset:?}");
    }
    assert_eq!(Preset::default(), Preset::Classic);
}

#[test]
fn a_preset_fits_every_set() {
    for total in (1..500).chain([u128::MAX - 1, u128::MAX]) {
        for preset in Preset::ALL {
            let thresholds = preset.thresholds(total).expect("its slack is never too large");
            // Below a third, 30 %, 26.7 % and 20 %: 3f + 2c < W.
            assert!(thresholds.faulty() <= (total - 1) / 3 && thresholds.slack() == preset.slack(total));
        }
    }
}

#[test]
fn what_has_no_power_or_too_much_slack_is_refused_by_name() {
    assert_eq!(Thresholds::new(0, 0), Err(ThresholdsError::NoPower));
    let refused = |total, slack| Err(ThresholdsError::SlackTooLarge { total, slack });
    assert_eq!(Thresholds::new(4, 2), refused(4, 2));
    assert_eq!(Thresholds::new(5, 2).map(|t| t.faulty()), Ok(0));
    assert_eq!(Thresholds::new(1, 1), refused(1, 1));
    assert_eq!(Thresholds::new(7, u128::MAX), refused(7, u128::MAX));
    let text = Thresholds::new(4, 2).expect_err("too large").to_string();
    assert_eq!(text, "a slack of 2 is half of the power 4 or more");
}

/// Totals and slacks: all small ones, and some at the end of the range.
fn sets() -> impl Iterator<Item = Thresholds> {
    let small = (1..=160).map(|total| (total, (total - 1) / 2));
    let large = (0..6).map(|less| (u128::MAX - less, (u128::MAX - less - 1) / 2));
    let slacks = |most: u128| (0..=most.min(80)).chain((0..3).filter_map(move |less| most.checked_sub(less)));
    small.chain(large).flat_map(move |(total, most)| slacks(most).map(move |slack| of(total, slack)))
}

/// What two groups of these powers share at least.
fn shared(t: &Thresholds, one: u128, other: u128) -> u128 {
    one.saturating_sub(t.total() - other)
}

#[test]
fn the_faulty_power_is_the_greatest_that_fits() {
    for t in sets() {
        let room = t.total() - 2 * t.slack();
        assert!(room > 3 * t.faulty(), "W >= 3f + 2c + 1: {t:?}");
        assert!(room - 3 * t.faulty() <= 3, "and not of f + 1: {t:?}");
    }
}

#[test]
fn quorums_of_one_view_share_an_honest_validator() {
    for t in sets() {
        assert!(shared(&t, t.slow(), t.slow()) > t.faulty(), "I1, slow and slow: {t:?}");
        assert!(shared(&t, t.slow(), t.fast()) > t.faulty(), "I1, slow and fast: {t:?}");
        assert!(shared(&t, t.fast(), t.fast()) > t.faulty(), "two fast ones: {t:?}");
    }
}

#[test]
fn a_view_change_has_an_honest_validator_of_every_slow_quorum() {
    for t in sets() {
        let shared = shared(&t, t.slow(), t.view_change());
        assert!(shared > t.faulty() + t.slack(), "I2: {t:?}");
    }
}

#[test]
fn a_view_change_has_a_candidate_of_every_fast_quorum() {
    for t in sets() {
        for reported in [t.view_change(), t.view_change() + t.faulty() / 2, t.total()] {
            let honest = shared(&t, t.fast(), reported) - t.faulty();
            assert!(honest >= t.candidate(reported), "I3: {t:?}");
        }
    }
}

#[test]
fn there_is_one_candidate_and_an_honest_validator_names_it() {
    for t in sets() {
        for reported in [t.view_change(), t.view_change() + t.faulty() / 2, t.total()] {
            let candidate = t.candidate(reported);
            assert!(candidate > reported - candidate, "I4, more than half: {t:?}");
            assert!(candidate > t.faulty() + t.slack(), "I4, an honest one: {t:?}");
        }
    }
}

#[test]
fn the_honest_need_no_liar_to_go_on() {
    for t in sets() {
        let honest = t.total() - t.faulty();
        assert!(honest >= t.view_change(), "I5: {t:?}");
        assert!(honest - t.slack() >= t.slow(), "I5, without the slack: {t:?}");
        assert!(t.weak() <= t.slow() && t.slow() <= t.fast(), "{t:?}");
    }
}

/// Powers of the groups of a set, by the bits of a number.
fn groups(powers: &[u128]) -> Vec<u128> {
    let of = |group: usize| (0..powers.len()).filter(|i| group >> i & 1 == 1).map(|i| powers[i]).sum();
    (0..1 << powers.len()).map(of).collect()
}

#[test]
fn real_groups_of_weighted_sets_intersect_as_the_sums_say() {
    let sets: [(&[u128], u128); 6] = [
        (&[1; 4], 0),
        (&[1; 6], 1),
        (&[1; 7], 0),
        (&[7, 5, 4, 3, 3, 2, 1, 1], 0),
        (&[7, 5, 4, 3, 3, 2, 1, 1], 3),
        (&[100, 1, 1, 1, 0], 0),
    ];
    for (powers, slack) in sets {
        let power = groups(powers);
        let t = of(powers.iter().sum(), slack);
        // Greater groups share more: those that are no quorum without any one member suffice, and the liars that
        // are as many as may be.
        let least = |quorum: u128| -> Vec<usize> {
            let is_least = |group: &usize| {
                let mut members = (0..powers.len()).filter(|i| group >> i & 1 == 1 && powers[*i] > 0);
                power[*group] >= quorum && members.all(|i| power[*group] - powers[i] < quorum)
            };
            (0..power.len()).filter(is_least).collect()
        };
        let (slow, fast) = (least(t.slow()), least(t.fast()));
        let liars: Vec<usize> = (0..power.len()).filter(|group| power[*group] <= t.faulty()).collect();
        for one in &slow {
            assert!(slow.iter().chain(&fast).all(|other| power[one & other] > t.faulty()), "I1: {powers:?}");
        }
        for reporting in (0..power.len()).filter(|group| power[*group] >= t.view_change()) {
            assert!(slow.iter().all(|one| power[one & reporting] > t.faulty() + t.slack()), "I2: {powers:?}");
            let candidate = t.candidate(power[reporting]);
            for liars in &liars {
                let named = fast.iter().map(|one| power[one & reporting & !liars]).min();
                assert!(named.expect("all together are a fast quorum") >= candidate, "I3: {powers:?}");
            }
        }
    }
}
