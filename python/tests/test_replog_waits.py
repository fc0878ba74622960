"""Replicated logs: levels and lanes, what is too much, what needs a majority, and who answers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PATIENCE, until
from test_replog import NODES, Cluster

import duochain
from duochain import ReplicatedLog


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    for node in range(1, NODES + 1):
        cluster.open(node)
    yield cluster
    for log in cluster.logs.values():
        log.close()


def left_alone(cluster: Cluster) -> tuple[ReplicatedLog, int]:
    """A leader whose followers are closed, and the last index that is committed."""
    leader = cluster.leader()
    for node in [node for node in cluster.logs if node != leader]:
        cluster.logs.pop(node).close()
    log = cluster.logs[leader]
    return log, log.status()["commit"]


def join(cluster: Cluster) -> None:
    for node in range(1, NODES + 1):
        if node not in cluster.logs:
            cluster.open(node)


def test_every_level_in_each_lane_has_its_receipt(cluster: Cluster) -> None:
    places = []
    for level in ("local", "quorum", "all"):
        for critical in (False, True):

            def append(log: ReplicatedLog, level: str = level, critical: bool = critical) -> tuple[int, int]:
                receipt = log.append(level.encode(), wait_for=level, critical=critical, timeout=PATIENCE)
                assert receipt.repeated == receipt.stale == 0
                return receipt.term, receipt.index

            places.append(cluster.ask(append))
    assert places == sorted(set(places)), "each behind the one before"
    log = cluster.logs[cluster.leader()]
    _, index = places[-1]
    assert [entry.data for entry in log.read(index, 1, PATIENCE)] == [b"all"]


def test_a_critical_entry_goes_before_normal_ones_that_have_no_place_yet(cluster: Cluster) -> None:
    large = bytes(60 << 10)

    def overtakes(log: ReplicatedLog) -> bool:
        normal = [log.submit(large, wait_for="local") for _ in range(60)]
        critical = log.submit(b"x", wait_for="local", critical=True).wait(PATIENCE).index
        return any(pending.wait(PATIENCE).index > critical for pending in normal)

    until(lambda: cluster.ask(overtakes))


def test_an_append_without_a_majority_is_not_done(cluster: Cluster) -> None:
    log, last = left_alone(cluster)
    # Where the machine stood still, it leads no longer.
    with pytest.raises((duochain.DuoTimeoutError, duochain.NotLeaderError)):
        log.append(b"alone", timeout=0.02)
    assert log.read(last + 1, timeout=0.02) == []
    assert log.status()["commit"] == last


def test_a_log_that_is_full_says_to_ask_again(cluster: Cluster) -> None:
    large = bytes(60 << 10)
    for _ in range(20):
        log, _ = left_alone(cluster)
        taken: list[object] = []
        try:
            while len(taken) < 1000:
                taken.append(log.submit(large))
        except duochain.FullError as error:
            assert error.retryable and len(taken) > 100
            return
        except duochain.NotLeaderError:
            # The machine stood still for so long that it stepped down.
            join(cluster)
            continue
        raise AssertionError("it takes everything")
    raise AssertionError("no leader stayed until its log was full")


def test_appends_fail_at_followers_which_name_the_leader(cluster: Cluster) -> None:
    follower, leader = cluster.follower()
    log = cluster.logs[follower]
    with pytest.raises(duochain.NotLeaderError) as refused:
        asyncio.run(log.append_async(b"x", timeout=PATIENCE))
    assert refused.value.leader == leader
    with pytest.raises(duochain.NotLeaderError) as refused:
        log.submit(b"x").wait(PATIENCE)
    assert refused.value.leader == leader


def test_leadership_is_handed_over_and_followers_answer_reads(cluster: Cluster) -> None:
    first = cluster.leader()
    successor = first % NODES + 1
    with pytest.raises(duochain.NotLeaderError):
        cluster.logs[successor].transfer(successor, PATIENCE)
    cluster.hand_over(successor)
    last = cluster.ask(lambda log: log.append(b"after", timeout=PATIENCE)).index

    def answers(log: ReplicatedLog) -> bool:
        try:
            return log.read_index(1.0) >= last
        except (duochain.NotLeaderError, duochain.DuoTimeoutError, duochain.FullError):
            return False

    for log in cluster.logs.values():
        until(lambda log=log: answers(log))  # type: ignore[misc]


def test_one_voter_takes_the_place_of_another_in_one_step(cluster: Cluster) -> None:
    goes, comes = cluster.leader() % NODES + 1, NODES + 1
    cluster.open(comes)
    cluster.ask(lambda log: log.change(add={comes: cluster.addresses[comes]}, timeout=PATIENCE))
    cluster.ask(lambda log: log.change(promote=[comes], remove=[goes], timeout=PATIENCE))
    cluster.logs.pop(goes).close()

    def voters(log: ReplicatedLog) -> object:
        log.append(b"who leads?", timeout=PATIENCE)
        return log.status()["voters"]

    assert cluster.ask(voters) == sorted({1, 2, 3, comes} - {goes})


def test_a_directory_belongs_to_one_cluster(cluster: Cluster) -> None:
    cluster.leader()
    cluster.logs.pop(1).close()
    members = {node: cluster.addresses[node] for node in range(1, NODES + 1)}
    with pytest.raises(duochain.ConfigError):
        ReplicatedLog(cluster.directory / "n1", cluster.addresses[1], 1, members, b"another cluster.")
    cluster.open(1)


def test_asyncio_appends_and_follows(cluster: Cluster) -> None:
    log = cluster.logs[cluster.leader()]
    before = log.append(b"before").index

    async def run() -> list[bytes]:
        found: list[bytes] = []

        async def follow() -> None:
            async for entry in log.follow_async(before):
                found.append(entry.data)
                if entry.data == b"9":
                    return

        async with asyncio.TaskGroup() as group:
            group.create_task(follow())
            for number in range(10):
                await log.append_async(str(number).encode(), timeout=PATIENCE)
        return found

    assert asyncio.run(run()) == [str(number).encode() for number in range(10)]
