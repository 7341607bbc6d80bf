"""Reads within reads: no number of them waits for another's connection."""

import threading

from tests.support.ledgers import Ledger


def test_as_many_threads_as_there_are_readers_may_each_read_a_second_time_within(ledger: Ledger) -> None:
    threads = ledger.settings.readers
    together = threading.Barrier(threads, timeout=10)
    sizes: list[int] = []

    def read_twice() -> None:
        with ledger.store.reader(1):
            together.wait()
            with ledger.store.reader(1) as within:
                together.wait()
                sizes.append(within.head().size)

    working = [threading.Thread(target=read_twice) for _ in range(threads)]
    for one in working:
        one.start()
    for one in working:
        one.join()
    assert len(sizes) == threads
