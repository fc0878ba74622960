//! `LogNumbers`: what of the replicated log crosses as a number.

use super::hold;
use duochain::ffi::replog_append::{
    DUO_REPLOG_ADD, DUO_REPLOG_CRITICAL, DUO_REPLOG_DEMOTE, DUO_REPLOG_PROMOTE, DUO_REPLOG_REMOVE,
    DUO_REPLOG_WAIT_ALL, DUO_REPLOG_WAIT_LOCAL, DUO_REPLOG_WAIT_QUORUM,
};
use duochain::ffi::replog_view::{
    DUO_REPLOG_CANDIDATE, DUO_REPLOG_DEMOTED, DUO_REPLOG_FOLLOWER, DUO_REPLOG_LEADER, DUO_REPLOG_LEARNER,
    DUO_REPLOG_OUTGOING, DUO_REPLOG_VOTER,
};
use duochain::frame::BODY_BYTES_CEILING;
use std::fmt::Write;

#[test]
fn numbers_of_the_replicated_log_are_those_of_c() {
    let mut body = String::from(
        "/** Numbers of a replicated log that cross into the library. */\nfinal class LogNumbers {\n",
    );
    let constants = [
        ("WAIT_QUORUM", DUO_REPLOG_WAIT_QUORUM),
        ("WAIT_LOCAL", DUO_REPLOG_WAIT_LOCAL),
        ("WAIT_ALL", DUO_REPLOG_WAIT_ALL),
        ("CRITICAL", DUO_REPLOG_CRITICAL),
        ("ADD", DUO_REPLOG_ADD),
        ("PROMOTE", DUO_REPLOG_PROMOTE),
        ("DEMOTE", DUO_REPLOG_DEMOTE),
        ("REMOVE", DUO_REPLOG_REMOVE),
        ("FOLLOWER", DUO_REPLOG_FOLLOWER),
        ("CANDIDATE", DUO_REPLOG_CANDIDATE),
        ("LEADER", DUO_REPLOG_LEADER),
        ("VOTER", DUO_REPLOG_VOTER),
        ("OUTGOING", DUO_REPLOG_OUTGOING),
        ("LEARNER", DUO_REPLOG_LEARNER),
        ("DEMOTED", DUO_REPLOG_DEMOTED),
        ("BYTES_MAX", u32::try_from(BODY_BYTES_CEILING).expect("a length of an array")),
    ];
    for (name, number) in constants {
        let _ = writeln!(body, "    static final int {name} = {number};");
    }
    body.push_str("\n    private LogNumbers() {\n    }\n}\n");
    hold("LogNumbers", &body);
}
