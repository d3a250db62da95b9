//! A page from fixed results: its numbers, and that it needs nothing else.

use super::render;
use crate::report::sheet::Sheet;
use crate::report::testing::outcome;

/// Three runs of each: the median of ours is twice that of the other.
fn page() -> String {
    let rates = [("lsm", [210, 190, 200]), ("rocksdb", [100, 90, 110]), ("nothing", [900; 3])];
    let outcomes = rates
        .iter()
        .flat_map(|(engine, rates)| rates.iter().map(|rate| outcome(engine, *rate, "")))
        .collect();
    render(&Sheet::new(outcomes, None).unwrap())
}

#[test]
fn ratios_medians_and_spreads_are_right() {
    let page = page();
    let ours = "<td><b>200</b> <span class=\"better\">&times; 2.00</span><br>\
                <small>190 .. 210</small></td>";
    assert!(page.contains(ours), "{page}");
    assert!(page.contains("<td><b>100</b><br><small>90.0 .. 110</small></td>"));
    // Processor time: 1.5 seconds for 200 operations, 15000 us for each of 100.
    assert!(page.contains("<b>7500</b> <span class=\"better\">&times; 0.50</span>"));
    // Written for each byte that was asked for, while it ran and when all was quiet.
    assert!(page.contains("<b>3.00</b> <span class=\"even\">&times; 1.00</span>"));
    assert!(page.contains("<b>4.50</b> <span class=\"even\">&times; 1.00</span>"));
    assert!(page.contains("<b>0.910</b>"));
    assert!(page.contains("<b>99.0</b>"));
    // The harness is no competitor.
    assert!(page.contains("<td><b>900</b><br><small>900 .. 900</small></td>"));
}

#[test]
fn worse_is_called_so() {
    let outcomes = vec![outcome("lsm", 50, ""), outcome("rocksdb", 100, "")];
    let page = render(&Sheet::new(outcomes, None).unwrap());
    assert!(page.contains("<b>50.0</b> <span class=\"worse\">&times; 0.50</span>"));
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let page = page();
    for foreign in ["http", "src=", "href=", "url(", "@import", "<script", "<link", "<img"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
}

#[test]
fn elements_are_closed() {
    let page = page();
    for name in ["table", "thead", "tbody", "tr", "td", "th", "svg", "title", "div", "p", "span"] {
        let opened =
            page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count();
        assert_eq!(opened, page.matches(&format!("</{name}>")).count(), "{name}");
    }
}

#[test]
fn there_is_a_bar_and_a_curve_for_each_store() {
    let page = page();
    assert_eq!(page.matches("<rect").count(), 2);
    assert_eq!(page.matches("<polyline").count(), 3);
    // 210 would be 230 wide. The harness has no bar.
    assert!(page.contains("width=\"219\"") && page.contains("width=\"109.5\""), "{page}");
    // The hundredth percentile is infinitely far, and left out.
    assert!(page.contains("<polyline class=\"curve c0\" points=\""));
    assert!(!page.contains("NaN") && !page.contains("inf"));
}

#[test]
fn text_of_others_stays_text() {
    let page = page();
    assert!(page.contains("Some &amp; Other") && page.contains("cache=&lt;8&gt;"));
    assert!(!page.contains("<8>"));
}
