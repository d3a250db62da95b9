//! Figures as people read them.

/// A number of bytes.
pub(super) fn size(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} bytes"),
    }
}

/// One number as a part of another, in percent.
pub(super) fn percent(part: u64, of: u64) -> String {
    format!("{:.0} %", part as f64 * 100.0 / of.max(1) as f64)
}

/// True if `part` is at least so many thousandths of `of`, which there is.
pub(super) fn is_part(part: u64, of: u64, thousandths: u64) -> bool {
    of > 0 && u128::from(part) * 1000 >= u128::from(of) * u128::from(thousandths)
}
