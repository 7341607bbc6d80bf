"""The next part is read while one is written, and nothing is read while nobody waits."""

import threading
from collections.abc import Iterator

import pytest

from ledger.core.errors import Conflict
from reports.meanwhile import meanwhile


def test_what_is_written_comes_in_order_and_each_part_is_read_while_the_one_before_is_written() -> None:
    reading, writing = ([threading.Event() for _ in range(4)] for _ in range(2))

    def parts() -> Iterator[int]:
        for at, event in enumerate(reading):
            event.set()
            assert at == 0 or writing[at - 1].wait(5), f"{at - 1} is written only once {at} was read"
            yield at

    def write(at: int) -> str:
        writing[at].set()
        assert at + 1 == len(reading) or reading[at + 1].wait(5), f"{at + 1} is read only once {at} was written"
        return f"<{at}>"

    assert list(meanwhile(parts(), write)) == ["<0>", "<1>", "<2>", "<3>"]


def test_between_two_parts_nothing_is_read_and_no_thread_is_left() -> None:
    left, before = iter("abcde"), threading.active_count()
    written = meanwhile(left, str)
    assert next(written) == "a"
    assert threading.active_count() == before
    assert next(written) == "b"
    del written
    assert threading.active_count() == before
    assert list(left) == ["d", "e"], "one was read ahead"


def test_what_reading_or_writing_raises_comes_through_as_it_is() -> None:
    def parts() -> Iterator[int]:
        yield 1
        yield 2
        raise Conflict("records were disposed of meanwhile")

    written = meanwhile(parts(), str)
    assert next(written) == "1"
    with pytest.raises(Conflict, match="disposed of"):
        next(written)
    with pytest.raises(ZeroDivisionError):
        list(meanwhile(iter([1, 0]), lambda one: 1 // one))
    assert not [one for one in threading.enumerate() if one.name.startswith("meanwhile")]
