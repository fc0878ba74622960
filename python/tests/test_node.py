"""A transaction's way to finality, as a host sees it."""

import asyncio
import gc
import hashlib
import threading
from concurrent.futures import wait

import pytest
from conftest import PATIENCE, final, finals, until

import duochain
from duochain import Chain, HealthState, Node, Proof, Status, TxState


@pytest.mark.parametrize("chain", list(Chain))
def test_a_transaction_becomes_final_and_can_be_proven(node: Node, chain: Chain) -> None:
    done = final(node, chain, b"pay 5 to bob")
    assert done.ok and done.status is Status.OK and done.error() is None
    assert done.chain is chain and done.tx == duochain.transaction_id(chain, b"pay 5 to bob")
    assert 0 < done.latency < PATIENCE and done.finalized_ns > done.submitted_ns
    place = node.tx_status(chain, done.tx)
    assert (place.state, place.height, place.index) == (TxState.FINAL, done.height, done.index)
    block = node.block(chain, done.height)
    assert block.transactions[done.index] == b"pay 5 to bob"
    assert (block.chain, block.height, len(block), block.tx_count) == (chain, done.height, 1, 1)
    assert block.parent == (bytes(32) if done.height == 1 else node.block(chain, done.height - 1).hash)
    proof = Proof.decode(node.proof(chain, done.tx).encode())
    assert proof.verify(b"pay 5 to bob") and not proof.verify(b"pay 6 to bob")
    assert (proof.block_hash, proof.tx_root, proof.height) == (block.hash, block.tx_root, done.height)
    head = node.head(chain)
    assert head.final_height >= done.height and head.final_transactions == 1 and head.restarts == 0


def test_the_same_bytes_have_their_own_id_on_each_chain_and_are_taken_once(node: Node) -> None:
    assert final(node, Chain.ALPHA, b"same").tx != final(node, Chain.DELTA, b"same").tx
    again = final(node, Chain.DELTA, b"same")
    assert (again.ok, again.status) == (False, Status.DUPLICATE)
    error = again.error()
    assert isinstance(error, duochain.DuplicateError) and error.code == -11


def test_a_batch_is_accepted_in_order_and_its_rest_refused_when_the_lane_is_full(node: Node) -> None:
    items = [b"%d" % number for number in range(100)]
    ops = node.submit_batch(Chain.DELTA, items, lane=3)
    done = finals(node, len(ops))
    assert [completion.op for completion in done] == ops
    order = sorted(done, key=lambda completion: (completion.height, completion.index))
    assert [node.block(Chain.DELTA, at.height).transactions[at.index] for at in order] == items
    assert node.submit_batch(Chain.DELTA, []) == []
    with Node(storage_backend="memory", queue_cells=2, time_scale=1) as slow:
        assert len(slow.submit_batch(Chain.ALPHA, items)) < len(items)
        with pytest.raises(duochain.FullError):
            for _ in range(10):
                slow.submit_batch(Chain.ALPHA, items)


def test_every_kind_of_buffer_can_be_submitted(node: Node) -> None:
    for data in (b"bytes", bytearray(b"bytearray"), memoryview(b"a view")[2:], memoryview(bytearray(b"rw"))):
        done = final(node, Chain.DELTA, data)  # type: ignore[arg-type]
        assert node.block(Chain.DELTA, done.height).transactions[done.index] == bytes(data)


def test_a_claim_is_written_in_place_and_committed_once(node: Node) -> None:
    claim = node.claim(Chain.DELTA, 8, lane=1)
    assert len(claim) == 8 and claim.op is None
    view = memoryview(claim)
    view[:] = b"in place"
    with pytest.raises(duochain.BusyError, match="1 memoryviews"):
        claim.commit()
    view.release()
    op = claim.commit()
    assert claim.op == op
    for again in (claim.commit, claim.abort, lambda: memoryview(claim)):
        with pytest.raises(duochain.BadHandleError):
            again()
    (done,) = finals(node, 1)
    assert node.block(Chain.DELTA, done.height).transactions == [b"in place"]


def test_leaving_a_claims_block_commits_and_an_exception_aborts(node: Node) -> None:
    with node.claim(Chain.ALPHA, 3) as claim:
        memoryview(claim)[:] = b"yes"
    assert claim.op is not None
    with pytest.raises(KeyError), node.claim(Chain.ALPHA, 3) as lost:
        memoryview(lost)[:] = b"no!"
        raise KeyError
    with node.claim(Chain.ALPHA, 3) as aborted:
        aborted.abort()
    assert lost.op is None and aborted.op is None
    (done,) = finals(node, 1)
    assert done.op == claim.op
    until(lambda: node.queue_stats(Chain.ALPHA).pool.in_use == 0)


def test_futures_end_when_their_transaction_is_final(node: Node) -> None:
    futures = [node.submit_future(chain, b"%d" % index) for index in range(50) for chain in Chain]
    assert not wait(futures, PATIENCE).not_done
    assert {future.result().chain for future in futures} == set(Chain)
    again = node.submit_future(Chain.ALPHA, b"0")
    with pytest.raises(duochain.DuplicateError) as refused:
        again.result(PATIENCE)
    assert refused.value.completion is not None and refused.value.completion.status is Status.DUPLICATE


def test_completions_without_a_future_still_reach_those_who_poll(node: Node) -> None:
    future = node.submit_future(Chain.DELTA, b"with")
    op = node.submit(Chain.DELTA, b"without")
    (done,) = finals(node, 1)
    assert done.op == op and future.result(PATIENCE).ok
    assert node.poll_completions() == []


def test_closing_loses_no_completion_that_no_future_waits_for() -> None:
    with Node(storage_backend="memory", time_scale=300, completions_max=8) as node:
        assert node.submit_future(Chain.DELTA, b"starts the thread").result(PATIENCE).ok
        ops = [node.submit_wait(Chain.DELTA, b"%d" % number, timeout=PATIENCE) for number in range(8)]
        # They are kept, and so make room for as many again.
        ops += [node.submit_wait(Chain.DELTA, b"%d" % number, timeout=PATIENCE) for number in range(8, 16)]
        node.close()
        assert {completion.op for completion in node.completions()} == set(ops)


def test_futures_of_a_closed_node_are_cancelled_by_it() -> None:
    with Node(storage_backend="memory", time_scale=1) as node:
        future = node.submit_future(Chain.ALPHA, b"never final")
    with pytest.raises(duochain.DuoCancelledError):
        future.result(PATIENCE)
    with pytest.raises(duochain.ClosedError):
        node.submit_future(Chain.ALPHA, b"late")


def test_submissions_can_be_awaited(node: Node) -> None:
    async def both() -> None:
        done = await asyncio.gather(*(node.submit_async(chain, b"await") for chain in Chain))
        assert [completion.chain for completion in done] == list(Chain)
        with pytest.raises(duochain.DuplicateError):
            await node.submit_async(Chain.DELTA, b"await")

    asyncio.run(asyncio.wait_for(both(), PATIENCE))


def test_a_full_lane_makes_submit_wait_wait_and_time_out() -> None:
    with Node(storage_backend="memory", completions_max=2, time_scale=300) as node:
        for number in range(2):
            node.submit_wait(Chain.DELTA, b"%d" % number)
        with pytest.raises(duochain.FullError):
            node.submit(Chain.DELTA, b"more")
        with pytest.raises(TimeoutError):
            node.submit_wait(Chain.DELTA, bytearray(b"more"), timeout=0.12)
        thread = threading.Thread(target=node.submit_wait, args=(Chain.DELTA, bytearray(b"more")))
        thread.start()
        assert len(finals(node, 2)) == 2
        thread.join(PATIENCE)
        assert finals(node, 1)[0].ok


def test_completions_iterate_until_the_node_is_closed() -> None:
    node = Node(storage_backend="memory", time_scale=300)
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.extend(done.op for done in node.completions()))
    thread.start()
    ops = [node.submit(Chain.DELTA, b"%d" % number) for number in range(10)]
    until(lambda: len(seen) == len(ops))
    node.close()
    thread.join(PATIENCE)
    assert not thread.is_alive() and seen == ops
    with pytest.raises(duochain.EndError):
        node.poll_completions()


def test_health_and_metrics_tell_about_both_chains(node: Node) -> None:
    final(node, Chain.DELTA, b"counted")
    health = node.health()
    assert health.state in HealthState and health.alpha.chain is Chain.ALPHA
    assert health.delta.height > 0 and health.delta.restarts == 0 and not health.ratio_alarm
    metrics = {(metric.name, metric.chain): metric for metric in node.metrics()}
    assert metrics["duochain_final_transactions", Chain.DELTA].value == 1
    assert metrics["duochain_final_transactions", Chain.DELTA].kind == "counter"
    assert metrics["duochain_completions_outstanding", Chain.ALPHA].help
    text = node.metrics_text()
    assert 'duochain_final_transactions_total{chain="delta"} 1' in text and text.endswith("# EOF\n")


def test_everything_says_what_it_is(node: Node) -> None:
    done = final(node, Chain.DELTA, b"x")
    block = node.block(Chain.DELTA, done.height)
    subscription = node.subscribe(Chain.DELTA)
    subscription.wait(PATIENCE)
    values = [done, block, node.proof(Chain.DELTA, done.tx), node.head(Chain.DELTA), node.health()]
    values += [node.health().alpha, node.metrics()[0], node.queue_stats(Chain.DELTA), subscription.poll()[0]]
    for value in values:
        assert repr(value).startswith(type(value).__name__ + "(")
    assert hashlib.sha256(block.encode()).digest() and isinstance(done.height, int)


def test_a_forgotten_node_closes_itself() -> None:
    before = threading.active_count()
    node = Node(storage_backend="memory", time_scale=300)
    future = node.submit_future(Chain.DELTA, b"x")
    subscription = node.subscribe()
    assert future.result(PATIENCE).ok
    del node
    gc.collect()
    assert not subscription.closed
    subscription.close()
    until(lambda: threading.active_count() == before)
