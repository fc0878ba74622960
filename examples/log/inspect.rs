//! What is in the directory of a node, for people: nothing is opened, changed or refused.

use duochain::node::replica::{Inspection, inspect};
use duochain::raft::Membership;
use duochain::storage::frames::{FrameFile, FrameHead};
use duochain::types::{ClusterId, Index, NodeId, Term};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Where there is a fault; 0 where there is none.
const FAULTY: u8 = 1;
/// Where nothing of a node could be looked at.
const UNSEEN: u8 = 2;

/// Arguments: the directory, and `--frames` to list each of them.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let (code, told) = match look(arguments) {
        Ok(None) => return ExitCode::SUCCESS,
        Ok(Some(told)) => (FAULTY, told),
        Err(told) => (UNSEEN, told),
    };
    let _ = writeln!(io::stderr(), "log: {told}");
    ExitCode::from(code)
}

/// How many faults there are, if any, in words.
fn look(arguments: &[String]) -> Result<Option<String>, String> {
    let (dir, lists_frames) = match arguments {
        [dir] => (Path::new(dir), false),
        [dir, option] if option == "--frames" => (Path::new(dir), true),
        _ => return Err(format!("inspect takes a directory\n{}", super::USAGE)),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    let mut visit = |path: &Path, head: FrameHead| {
        if lists_frames && written.is_ok() {
            written = frame(&mut out, path, head);
        }
    };
    let found = inspect(dir, &mut visit).map_err(|error| error.to_string())?;
    let found = found.ok_or_else(|| nothing_in(dir))?;
    written
        .and_then(|()| print(&mut out, &found))
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())?;
    let advice = match &found.holder {
        Some(holder) => format!("; if {holder} is at work there, look again"),
        None => String::new(),
    };
    Ok(match found.faults.len() {
        0 => None,
        1 => Some(format!("1 fault in {}{advice}", dir.display())),
        faults => Some(format!("{faults} faults in {}{advice}", dir.display())),
    })
}

/// What to say of a directory that is no node's. That of a whole cluster, as of `--data-dir`, has those of its nodes in it.
fn nothing_in(dir: &Path) -> String {
    let paths = fs::read_dir(dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut nodes: Vec<_> = paths.filter(|path| path.join("VOTE").exists()).collect();
    nodes.sort_unstable();
    let nodes: Vec<_> = nodes.iter().map(|path| path.display().to_string()).collect();
    let dir = dir.display();
    match nodes.len() {
        0 => format!("{dir} is not the directory of a node of the log: no VOTE, log or snapshots in it"),
        _ => format!("{dir} is not the directory of a node of the log: look into {}", nodes.join(" or ")),
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn frame(out: &mut impl Write, path: &Path, head: FrameHead) -> io::Result<()> {
    let FrameHead { base, count, term, kind, position } = head;
    let last = base.get() + u64::from(count) - 1;
    writeln!(out, "frame {base} to {last}, term {term}, {kind:?}, {} at {position}", name(path))
}

fn print(out: &mut impl Write, found: &Inspection) -> io::Result<()> {
    if let Some(holder) = &found.holder {
        writeln!(out, "open by {holder}, or left by it")?;
    }
    match &found.votes {
        Some(votes) => {
            let (vote, cluster) = (votes.vote, cluster(&ClusterId(votes.vote.cluster)));
            let candidate = vote.candidate.map_or("nobody".to_owned(), |node| node.get().to_string());
            writeln!(
                out,
                "vote: term {}, for {candidate}, cluster {cluster}, save {}",
                vote.term, votes.number
            )?;
        }
        None => writeln!(out, "vote: none")?,
    }
    if let Some(rocks) = &found.rocks {
        writeln!(out, "log: in RocksDB, at {}, which only RocksDB reads", rocks.display())?;
    }
    match found.entries() {
        Some((first, last)) => writeln!(out, "log: entries {first} to {last}, {}", terms(&found.terms()))?,
        None if found.rocks.is_none() => writeln!(out, "log: no entries")?,
        None => {}
    }
    for file in &found.log.files {
        segment(out, file)?;
    }
    for path in &found.log.spares {
        writeln!(out, "  {}: for later", name(path))?;
    }
    for (file, position) in &found.snapshots {
        let (last, bytes, name) = (file.head.last, file.bytes, name(file.path()));
        let (term, index) = (last.term, last.index);
        write!(out, "snapshot: {name}, {bytes} bytes, up to entry {index} of term {term}, ")?;
        writeln!(out, "state up to {position}, log time {} ns", file.head.time.get())?;
    }
    if let Some((index, members)) = &found.members {
        let known: Vec<_> = members.addresses.iter().map(|(node, at)| member(members, *node, at)).collect();
        writeln!(out, "members since {index}: {}", known.join(", "))?;
    }
    for note in &found.notes {
        writeln!(out, "note: {note}")?;
    }
    for fault in &found.faults {
        writeln!(out, "fault: {fault}")?;
    }
    Ok(())
}

fn segment(out: &mut impl Write, file: &FrameFile) -> io::Result<()> {
    let FrameFile { path, bytes, base, last, frames, .. } = file;
    write!(out, "  {}: {bytes} bytes, ", name(path))?;
    match frames {
        0 => writeln!(out, "no frames, to begin at {base}"),
        _ => writeln!(out, "{frames} frames, entries {base} to {last}, {}", terms(&file.terms)),
    }
}

fn terms(terms: &[(Term, Index)]) -> String {
    let each: Vec<_> = terms.iter().map(|(term, index)| format!("{term} from {index}")).collect();
    format!("terms {}", each.join(", "))
}

fn member(members: &Membership, node: NodeId, address: &str) -> String {
    let kind = match (members.voters.contains(&node), members.outgoing.contains(&node)) {
        (true, _) => "voter",
        (false, true) => "voter that leaves",
        (false, false) => "learner",
    };
    format!("{} at {address}, {kind}", node.get())
}

fn cluster(cluster: &ClusterId) -> String {
    cluster.0.iter().map(|byte| format!("{byte:02x}")).collect()
}
