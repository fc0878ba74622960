//! Horizontal bars as SVG: one group for each scenario, ours on top, the others below.
//!
//! Every scenario has an axis of its own, for units differ; the longest bar fills it. Colours follow the
//! reader's light or dark scheme, and the figures stand beside the bars, so no grid is needed.

use crate::record::{Role, Row};
use crate::scenario::OURS;
use crate::table::{direction, figure};
use std::fmt::Write;

const WIDTH: usize = 880;
const MARGIN: usize = 24;
const BARS_AT: usize = 290;
const BARS_WIDTH: usize = 440;
const TITLE_HEIGHT: usize = 96;
const LINE_HEIGHT: usize = 17;
const HEAD_HEIGHT: usize = 30;
const BAR_HEIGHT: usize = 18;
const BAR_STEP: usize = 24;
const GROUP_GAP: usize = 18;

const STYLE: &str = "\
    svg { font-family: system-ui, 'DejaVu Sans', sans-serif; font-size: 13px; }\n\
    .ground { fill: #ffffff; } text { fill: #1f2328; } .dim { fill: #59636e; font-size: 12px; }\n\
    .title { font-size: 17px; font-weight: 600; } .head { font-weight: 600; }\n\
    .ours { fill: #0969da; } .peer { fill: #afb8c1; } .floor { fill: #d4a72c; } .spread { stroke: #1f2328; }\n\
    @media (prefers-color-scheme: dark) {\n\
    .ground { fill: #0d1117; } text { fill: #f0f6fc; } .dim { fill: #9198a1; }\n\
    .ours { fill: #4493f8; } .peer { fill: #656c76; } .floor { fill: #bb8009; } .spread { stroke: #f0f6fc; }\n\
    }\n";

struct Bar<'a> {
    label: String,
    class: &'a str,
    value: f64,
    low: f64,
    high: f64,
}

/// The chart of a suite; the machine takes a line for each part between semicolons, two at most.
pub(crate) fn draw(suite: &str, machine: &str, rows: &[Row]) -> String {
    let mut body = String::new();
    let mut top = TITLE_HEIGHT;
    for group in rows.chunk_by(|a, b| a.scenario == b.scenario) {
        top = draw_group(&mut body, group, top);
    }
    let height = top + MARGIN - GROUP_GAP.min(top);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\">\n<style>\n{STYLE}</style>\n"
    );
    let _ = writeln!(svg, "<rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>");
    text(&mut svg, "title", MARGIN, 34, &format!("duochain: {suite}"));
    for (number, line) in machine.split("; ").enumerate() {
        text(&mut svg, "dim", MARGIN, 54 + number * LINE_HEIGHT, line);
    }
    svg + &body + "</svg>\n"
}

/// Draws one scenario below `top`; gives where the next one begins.
fn draw_group(svg: &mut String, group: &[Row], top: usize) -> usize {
    let first = &group[0];
    let mut bars = vec![Bar {
        label: OURS.to_owned(),
        class: "ours",
        value: first.ours,
        low: first.spread.ours.low,
        high: first.spread.ours.high,
    }];
    bars.extend(group.iter().map(|row| Bar {
        label: format!("{} {}", row.peer_name, row.peer_version),
        class: if row.role == Role::Floor { "floor" } else { "peer" },
        value: row.peer,
        low: row.spread.peer.low,
        high: row.spread.peer.high,
    }));
    let longest = bars.iter().map(|bar| bar.high.max(bar.value)).fold(f64::MIN_POSITIVE, f64::max);
    text(svg, "head", MARGIN, top + 16, &first.scenario);
    let unit = format!("{}, {}", first.unit, direction(first.better));
    let _ = writeln!(
        svg,
        "<text class=\"dim\" text-anchor=\"end\" x=\"{}\" y=\"{}\">{}</text>",
        WIDTH - MARGIN,
        top + 16,
        escape(&unit)
    );
    let mut y = top + HEAD_HEIGHT;
    for bar in &bars {
        draw_bar(svg, bar, y, BARS_WIDTH as f64 / longest);
        y += BAR_STEP;
    }
    y + GROUP_GAP
}

fn draw_bar(svg: &mut String, bar: &Bar<'_>, y: usize, scale: f64) {
    let (x, baseline, middle) = (BARS_AT as f64, y + 14, y + BAR_HEIGHT / 2);
    let class = bar.class;
    let _ = writeln!(
        svg,
        "<text text-anchor=\"end\" x=\"{}\" y=\"{baseline}\">{}</text>\n\
         <rect class=\"{class}\" x=\"{BARS_AT}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR_HEIGHT}\" rx=\"2\"/>\n\
         <line class=\"spread\" x1=\"{:.1}\" y1=\"{middle}\" x2=\"{:.1}\" y2=\"{middle}\"/>",
        BARS_AT - 10,
        escape(&bar.label),
        (bar.value * scale).max(1.0),
        x + bar.low * scale,
        x + bar.high * scale,
    );
    let end = x + bar.high.max(bar.value) * scale;
    text(svg, "", end as usize + 8, baseline, &figure(bar.value));
}

fn text(svg: &mut String, class: &str, x: usize, y: usize, words: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(words));
}

fn escape(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sample_row;

    /// Names of the elements that are opened and never closed; an error when one closes out of turn.
    fn open_elements(xml: &str) -> Result<Vec<&str>, String> {
        let mut open = Vec::new();
        for tag in xml.split('<').skip(1) {
            let (inside, _) = tag.split_once('>').ok_or_else(|| format!("'<{tag}' never ends"))?;
            let name = inside.trim_start_matches('/').split([' ', '\n']).next().unwrap_or_default();
            if inside.starts_with('/') {
                let last = open.pop();
                if last != Some(name) {
                    return Err(format!("</{name}> after {last:?}"));
                }
            } else if !inside.ends_with('/') {
                open.push(name);
            }
        }
        Ok(open)
    }

    #[test]
    fn the_chart_is_well_formed_whatever_the_names_hold() {
        let svg = draw("a <b> & \"c\"", "machine & co", &[sample_row(), sample_row()]);
        assert_eq!(open_elements(&svg), Ok(Vec::new()), "{svg}");
        assert!(svg.contains("enqueue &lt;256 B&gt; &amp; go"), "{svg}");
        assert_eq!(svg.matches('"').count() % 2, 0);
    }

    #[test]
    fn one_scenario_shows_our_bar_once() {
        let svg = draw("suite", "machine", &[sample_row(), sample_row()]);
        assert_eq!(svg.matches("class=\"ours\"").count(), 1);
        assert_eq!(svg.matches("class=\"peer\"").count(), 2);
    }

    #[test]
    fn the_longest_bar_fills_the_axis_and_none_leaves_the_picture() {
        let mut row = sample_row();
        row.peer = 1e9;
        row.spread.peer.high = 1e9;
        let svg = draw("suite", "machine", &[row]);
        assert!(svg.contains(&format!("width=\"{BARS_WIDTH}.0\"")), "{svg}");
    }

    #[test]
    fn no_rows_still_make_a_picture() {
        assert_eq!(open_elements(&draw("suite", "machine", &[])), Ok(Vec::new()));
    }
}
