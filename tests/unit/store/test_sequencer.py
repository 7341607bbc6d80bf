"""The sequencer: order, group commit, and what becomes of a batch that fails among others."""

import random
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import event

from ledger.core.entry import Draft, draft
from ledger.core.errors import Conflict, NotCanonical
from ledger.core.record import ContentDigest, RecordBody
from ledger.findings.kinds import Incident
from ledger.store.append import Batch, Placed, Transaction
from tests.support.checking import assert_log_holds
from tests.support.ledgers import RECORDS, Ledger, record


def note(number: int | str) -> Draft:
    return draft(Incident(code="test", detail=str(number), stopped="nothing"))


def poison() -> Draft:
    """A draft that only its projection refuses: its time is none."""
    digest = ContentDigest(key="k", hmac="A" * 43 + "=")
    return draft(RecordBody(record=record("poison"), received_at="once upon a time", digest=digest))


def refusing(_transaction: Transaction) -> None:
    raise Conflict("not today")


def size(ledger: Ledger) -> int:
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size


def details(ledger: Ledger) -> list[str]:
    return [detail for (detail,) in ledger.query("SELECT detail FROM incident ORDER BY pos")]


def run_together(jobs: list[Callable[[], None]], seconds: float = 60) -> None:
    """Runs each in a thread of its own, all let go at once; fails if one does not end."""
    ready = threading.Barrier(len(jobs))

    def go(job: Callable[[], None]) -> None:
        ready.wait(seconds)
        job()

    threads = [threading.Thread(target=go, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not [thread for thread in threads if thread.is_alive()], "an append hangs"


def test_drafts_of_a_batch_stand_together_and_in_order(ledger: Ledger) -> None:
    first = size(ledger)
    placed = ledger.store.append(RECORDS, Batch([note(n) for n in range(5)]))
    assert [one.index for one in placed] == list(range(first, first + 5))
    assert details(ledger) == ["0", "1", "2", "3", "4"]
    assert_log_holds(ledger.store, RECORDS)


def test_closing_entries_follow_what_they_were_made_of(ledger: Ledger) -> None:
    first = size(ledger)

    def close(transaction: Transaction, placed: object) -> list[Draft]:
        assert transaction.next_index == first + 2
        return [note("after")]

    placed = ledger.store.append(RECORDS, Batch([note(1), note(2)], closing=close))
    assert [one.index for one in placed] == [first, first + 1, first + 2]
    assert details(ledger) == ["1", "2", "after"]


def test_each_of_64_threads_learns_its_own_place(ledger: Ledger) -> None:
    answers: dict[int, list[int]] = {}
    first = size(ledger)

    def append(thread: int) -> None:
        answers[thread] = [ledger.store.append_one(RECORDS, note(f"{thread}-{n}")).index for n in range(5)]

    run_together([lambda thread=thread: append(thread) for thread in range(64)])  # type: ignore[misc]
    placed = sorted(index for indices in answers.values() for index in indices)
    assert placed == list(range(first, first + 320))
    assert all(indices == sorted(indices) for indices in answers.values()), "a thread's appends changed their order"
    at = details(ledger)
    assert all(
        at[index - first] == f"{thread}-{n}" for thread, found in answers.items() for n, index in enumerate(found)
    )
    assert_log_holds(ledger.store, RECORDS)


def test_what_queues_up_behind_a_commit_is_committed_together(ledger: Ledger) -> None:
    first, commits = size(ledger), list[object]()
    held, queued = threading.Event(), threading.Barrier(66)

    def hold(_transaction: Transaction) -> None:
        queued.wait(60)
        held.wait(60)

    def leading() -> None:
        ledger.store.append(RECORDS, Batch([note("leads")], before=hold))

    def following(number: int) -> None:
        queued.wait(60)
        ledger.store.append_one(RECORDS, note(number))

    def release() -> None:
        queued.wait(60)
        time.sleep(1)  # the others are at the queue by then, most of them even on a busy machine
        event.listen(ledger.store.writer, "commit", commits.append)
        held.set()

    run_together([leading, release, *(lambda n=n: following(n) for n in range(64))])
    assert size(ledger) == first + 65
    assert len(commits) < 64 / 2, "hardly anything was committed together"
    assert_log_holds(ledger.store, RECORDS)


def test_a_refused_batch_leaves_no_trace_and_does_not_disturb_those_beside_it(ledger: Ledger) -> None:
    first = size(ledger)
    refused: list[int] = []

    def good(n: int) -> None:
        ledger.store.append(RECORDS, Batch([note(f"good {n}")]))

    def bad(n: int) -> None:
        with pytest.raises(Conflict, match="not today"):
            ledger.store.append(RECORDS, Batch([note(f"bad {n}")], before=refusing))
        refused.append(n)

    run_together([lambda n=n: (bad if n % 3 else good)(n) for n in range(24)])  # type: ignore[misc]
    assert len(refused) == 16
    assert sorted(details(ledger)) == sorted(f"good {n}" for n in range(0, 24, 3))
    assert size(ledger) == first + 8
    assert_log_holds(ledger.store, RECORDS)


def test_a_draft_that_cannot_be_projected_fails_alone(ledger: Ledger) -> None:
    failed: list[int] = []

    def bad(n: int) -> None:
        with pytest.raises(NotCanonical, match="once upon a time"):
            ledger.store.append_one(RECORDS, poison())
        failed.append(n)

    def good(n: int) -> None:
        ledger.store.append_one(RECORDS, note(n))

    run_together([lambda n=n: (good if n % 4 else bad)(n) for n in range(24)])  # type: ignore[misc]
    assert len(failed) == 6
    assert sorted(map(int, details(ledger))) == [n for n in range(24) if n % 4]
    assert ledger.query("SELECT count(*) FROM record") == [(0,)]
    assert_log_holds(ledger.store, RECORDS)


def test_a_failure_while_closing_leaves_nothing_of_the_batch(ledger: Ledger) -> None:
    before = size(ledger)

    def close(_transaction: Transaction, _placed: object) -> list[Draft]:
        raise RuntimeError("the callback broke")

    with pytest.raises(RuntimeError, match="the callback broke"):
        ledger.store.append(RECORDS, Batch([note(1)], closing=close))
    assert size(ledger) == before
    assert ledger.store.append_one(RECORDS, note(2)).index == before
    assert_log_holds(ledger.store, RECORDS)


def test_an_empty_batch_stores_nothing(ledger: Ledger) -> None:
    before = size(ledger)
    assert ledger.store.append(RECORDS, Batch([])) == []
    assert size(ledger) == before


def test_leadership_passes_on_whatever_happens_to_the_leader(sqlite_ledger: Ledger) -> None:
    """Threads come and go at random; some batches are refused, break, are slow or interrupted: none hangs."""
    ledger = sqlite_ledger
    kept: list[Placed] = []

    def interrupted(_transaction: Transaction) -> None:
        raise KeyboardInterrupt

    def slow(_transaction: Transaction) -> None:
        time.sleep(0.02)

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for n in range(12):
            sort = rng.random()
            batch = Batch([note(f"{seed}-{n}")])
            if sort < 0.15:
                batch = Batch([note("refused")], before=refusing)
            elif sort < 0.25:
                batch = Batch([poison()])
            elif sort < 0.3:
                batch = Batch([note("interrupted")], before=interrupted)
            elif sort < 0.4:
                batch = Batch([note(f"{seed}-{n}")], before=slow)
            try:
                kept.extend(ledger.store.append(RECORDS, batch))
            except (Conflict, NotCanonical, KeyboardInterrupt):
                continue

    run_together([lambda seed=seed: work(seed) for seed in range(16)])  # type: ignore[misc]
    stored = details(ledger)
    assert len(stored) == len(kept)
    assert not {"refused", "interrupted"} & set(stored)
    assert_log_holds(ledger.store, RECORDS)
