//! Tables, as people see them.

use super::markdown;

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
    let text = markdown(&[row(["workload", "a"]), row(["x", "1234"]), vec!["y".to_owned()]]);
    let wanted = "\
| workload | a    |
| -------- | ---- |
| x        | 1234 |
| y        |      |
";
    assert_eq!(text, wanted);
}
