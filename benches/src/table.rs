//! Rows as text for a terminal and as Markdown.

use crate::record::{Better, Goal, Row};
use std::fmt::Write;

/// Three digits, without an exponent; small values keep three decimals at least.
pub(crate) fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.01 => 3,
        _ => 5,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let grouped = group(whole);
    if rest.is_empty() { grouped } else { format!("{grouped}.{rest}") }
}

/// Thousands apart.
fn group(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && text != "-" {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The goal and whether it is reached; of two that must hold, each.
pub(crate) fn goal(row: &Row) -> String {
    let judged = |goal, met| format!("{goal}: {}", if met { "met" } else { "MISSED" });
    match row.goal {
        Some(Goal::OursAndRatioAtLeast { ours, ratio }) => {
            let figure = judged(Goal::OursAtLeast(ours), row.ours >= ours);
            format!("{figure}; {}", judged(Goal::RatioAtLeast(ratio), row.ratio >= ratio))
        }
        Some(goal) => judged(goal, row.met == Some(true)),
        None => "-".to_owned(),
    }
}

/// Who was faster, and who stalled how often.
pub(crate) fn result(row: &Row) -> String {
    let mut text = row.verdict().to_string();
    for (who, stalls) in [("we", row.stalled.ours), ("peer", row.stalled.peer)] {
        if stalls > 0 {
            let _ = write!(text, ", {who} stalled {stalls} of {}", row.repetitions);
        }
    }
    text
}

fn cells(row: &Row) -> [String; 8] {
    let (ours, peer, ratio) = (&row.spread.ours, &row.spread.peer, &row.spread.ratio);
    let spread = |low: f64, high: f64| format!("{}–{}", figure(low), figure(high));
    [
        row.scenario.clone(),
        format!("{} ({})", figure(row.ours), spread(ours.low, ours.high)),
        format!("{} ({})", figure(row.peer), spread(peer.low, peer.high)),
        row.unit.clone(),
        format!("{} {}", row.peer_name, row.peer_version),
        format!("{} ({})", figure(row.ratio), spread(ratio.low, ratio.high)),
        result(row),
        goal(row),
    ]
}

const HEADS: [&str; 8] = ["scenario", "ours", "peer", "unit", "peer's name", "ratio", "result", "goal"];
/// Columns of figures.
const RIGHT: [bool; 8] = [false, true, true, false, false, true, false, false];

/// For a terminal; a scenario's name and our figure stand at its first row only.
pub(crate) fn plain(rows: &[Row]) -> String {
    let mut lines: Vec<[String; 8]> = vec![HEADS.map(str::to_owned)];
    let mut last = "";
    for row in rows {
        let mut cells = cells(row);
        if row.scenario == last {
            cells[0].clear();
            cells[1].clear();
        }
        last = &row.scenario;
        lines.push(cells);
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 8] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for ((cell, width), right) in line.iter().zip(widths).zip(RIGHT) {
            let _ = if right { write!(row, "{cell:>width$}  ") } else { write!(row, "{cell:<width$}  ") };
        }
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}

/// For the documentation.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = format!("| {} |\n", HEADS.join(" | "));
    let rule = RIGHT.map(|right| if right { "--:" } else { "---" });
    let _ = writeln!(text, "|{}|", rule.join("|"));
    for row in rows {
        let mut cells = cells(row).map(|cell| cell.replace('|', "\\|").replace('<', "&lt;"));
        for cell in &mut cells[6..] {
            if cell.contains("LOST") || cell.contains("MISSED") {
                *cell = format!("**{cell}**");
            }
        }
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// What the unit's direction is called.
pub(crate) fn direction(better: Better) -> &'static str {
    match better {
        Better::Lower => "less is better",
        Better::Higher => "more is better",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sample_row;

    #[test]
    fn figures_have_three_digits() {
        let shown: Vec<String> = [0.1234, 1.234, 12.34, 123.4, 1_234_567.8].map(figure).to_vec();
        assert_eq!(shown, ["0.123", "1.23", "12.3", "123", "1,234,568"]);
    }

    #[test]
    fn a_lost_row_says_so_in_both_forms() {
        let rows = [sample_row(), sample_row()];
        let text = plain(&rows);
        assert_eq!(text.matches("LOST").count(), 2);
        assert_eq!(text.matches(&rows[0].scenario).count(), 1, "named once\n{text}");
        let text = markdown(&rows);
        assert_eq!(text.matches("**LOST**").count(), 2);
        assert!(text.lines().all(|line| line.matches('|').count() == 9), "{text}");
        assert!(!text.contains("<256"), "no stray tag\n{text}");
    }

    #[test]
    fn a_stall_is_said_beside_the_result() {
        let mut row = sample_row();
        row.stalled.peer = 2;
        assert_eq!(result(&row), "LOST, peer stalled 2 of 7");
    }

    #[test]
    fn a_missed_goal_says_so() {
        let mut row = sample_row();
        assert_eq!(goal(&row), "ours ≤ 100: met");
        row.met = Some(false);
        assert_eq!(goal(&row), "ours ≤ 100: MISSED");
    }

    #[test]
    fn of_two_goals_that_must_hold_each_says_how_it_went() {
        let mut row = sample_row();
        row.goal = Some(Goal::OursAndRatioAtLeast { ours: 10.0, ratio: 0.8 });
        assert_eq!(goal(&row), "ours ≥ 10.0: met; ratio ≥ 0.800: MISSED");
        row.goal = Some(Goal::OursOrRatioAtLeast { ours: 10.0, ratio: 0.8 });
        assert_eq!(goal(&row), "ours ≥ 10.0 or ratio ≥ 0.800: met");
    }
}
