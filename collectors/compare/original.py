"""The original of a comparison: one object's two states, as the source gave them, and the looks that they come from."""

from typing import Literal

import msgspec

from ledger.core.clock import parse_utc
from ledger.core.errors import NotCanonical, SkippableRecord
from ledger.core.record import Interval

MEDIA_TYPE = "application/json"
Sort = Literal["baseline", "first", "created", "changed", "deleted"]


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An original of a comparing source, written as a JSON object.

    `after` is when the look began that read `old` (or, for a created object, did not find it), `before` when the look
    ended that read `new` (or no longer found it); the collector's clock, UTC. `old` and `new` are the texts of the two
    states, `more` that the source counted other changes than are visible, `look` numbers the runs. A baseline names the
    count of `objects` and the `digest` of the snapshot of its run.
    """

    sort: Sort
    look: int
    before: str
    after: str = ""
    type: str = ""
    id: str = ""
    old: str | None = None
    new: str | None = None
    facts: dict[str, str] = {}
    more: bool = False
    objects: int = 0
    digest: str = ""

    def interval(self) -> Interval | None:
        """In which the change lies; none for what was found at a first look."""
        return Interval(after=self.after, before=self.before) if self.after else None

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


_NEEDS = {"baseline": (False, False), "first": (False, True), "created": (False, True), "changed": (True, True)}


def read_envelope(data: bytes) -> Envelope:
    """Raises SkippableRecord for what is not one, or not whole."""
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
        instants = [parse_utc(text) for text in (envelope.after or envelope.before, envelope.before)]
    except (msgspec.DecodeError, ValueError, NotCanonical, RecursionError) as error:
        raise SkippableRecord(f"not an original of a comparison: {error}") from None
    if instants[0] > instants[1]:
        raise SkippableRecord("the look before is later than the look after")
    old, new = _NEEDS.get(envelope.sort, (True, False))
    if (envelope.old is not None, envelope.new is not None) != (old, new):
        raise SkippableRecord(f"an object that was found {envelope.sort!r}, without the states that this takes")
    if envelope.sort != "baseline" and not envelope.type:
        raise SkippableRecord("an object of no type")
    if (envelope.sort in ("created", "changed", "deleted")) != bool(envelope.after):
        raise SkippableRecord(f"an object that was found {envelope.sort!r}, and the look before does not go with it")
    return envelope
