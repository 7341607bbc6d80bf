"""Which signatures are over an entry of a log: listed by them, or in a set that they tell by its runs."""

from array import array
from bisect import bisect_right

from sqlalchemy import Connection, select

from ledger.signing.tables import SIGNATURE, set_run, signed_entry
from ledger.store.position import index_of


class SignedOver:
    """The signatures over the entries of one log below a size; of a set it holds the runs, never each entry."""

    def __init__(self, connection: Connection, origin: str, size: int) -> None:
        row, run = signed_entry.c, set_run.c
        self._listed: dict[int, list[int]] = {}
        for pos, target in connection.execute(
            select(row.pos, row.target).where(row.origin == origin, row.target < size).order_by(row.pos)
        ):
            self._listed.setdefault(target, []).append(index_of(pos))
        self._sets: dict[int, tuple[array[int], array[int]]] = {}
        for pos, low, high in connection.execute(
            select(run.pos, run.low, run.high)
            .where(run.origin == origin, run.sort == SIGNATURE, run.low < size)
            .order_by(run.pos, run.low)
        ):
            lows, highs = self._sets.setdefault(index_of(pos), (array("q"), array("q")))
            lows.append(low)
            highs.append(high)

    def over(self, index: int) -> list[int]:
        """The entries of the signatures over this entry."""
        found = list(self._listed.get(index, ()))
        for signature, (lows, highs) in self._sets.items():
            at = bisect_right(lows, index) - 1
            if at >= 0 and index <= highs[at]:
                found.append(signature)
        return found
