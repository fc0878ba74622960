//! What the system says of this process's memory.

/// Bytes of memory behind its addresses, counted in its page tables: the sums that the system keeps lag behind by some
/// pages for each thread or core.
pub(crate) fn resident_bytes() -> usize {
    let sums = std::fs::read_to_string("/proc/self/smaps_rollup").expect("there on Linux");
    let line = sums.lines().find_map(|line| line.strip_prefix("Rss:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}
