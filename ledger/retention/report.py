"""A disposal as it stands: the report of it, once it is done."""

from collections.abc import Callable, Sequence

import msgspec

from ledger.core.clock import utc_text
from ledger.retention.copies import Remaining, last_day
from ledger.retention.disposal_kinds import DAY_US, Copy, DisposalEntry, DisposalEvent, Group, items_of


class Disposal(msgspec.Struct, frozen=True, kw_only=True):
    """A disposal, and where it stands: the report of it, once it is done.

    `state`: `requested`, `approved` (waits until `from_at`), `disposing` (some records went), `disposed` or
    `withdrawn`. `kept`: records of it that are there still. `copies`: those that removal does not reach and that are
    known: the request's own statement, what people stated of backups and replicas, and evidence of incidents.
    `last_copy_expires`: the day on which the last of them is gone; none where there is none, where that is not known of
    all (`copies_without_day`), or where it depends on the day of the removal.
    """

    disposal: str
    state: str
    log: str
    reason: str
    total: int
    removed: int
    groups: tuple[Group, ...]
    sample: tuple[int, ...]
    requested_by: str
    requested_at: str
    index: int
    approved_by: str | None
    approved_at: str | None
    from_at: str | None
    waits_days: int
    remains: tuple[Copy, ...]
    copies: tuple[Remaining, ...]
    last_copy_expires: str | None
    copies_without_day: int
    entries: tuple[int, ...]
    proven_at: str | None

    @property
    def kept(self) -> int:
        return self.total - self.removed


Rest = tuple[Remaining, ...]
Known = Callable[[int, Sequence[int], Sequence[Copy], int | None], Rest]


def report(past: Sequence[tuple[int, DisposalEntry, int]], known: Known) -> Disposal:
    """The report, from all entries of a disposal: index, body and when each was logged, in order.

    `known`: the copies of these entries of a log, besides those that the request states, as of the removal.
    """
    asked = [body for _, body, _ in past if body.event is DisposalEvent.REQUESTED]
    removed = sum(len(items_of(body)) for _, body, _ in past if body.event is DisposalEvent.DISPOSED)
    approved = next(((body, at) for _, body, at in past if body.event is DisposalEvent.APPROVED), None)
    last, first = past[-1][1], asked[0]
    indices = sorted(item.index for body in asked for item in items_of(body))
    gone_us = max((at for _, body, at in past if body.event is DisposalEvent.DISPOSED), default=None)
    copies = known(first.number, indices, first.remains, gone_us)
    return Disposal(
        disposal=first.disposal,
        state=_state(last.event, removed, first.total),
        log=first.log,
        reason=first.reason,
        total=first.total,
        removed=removed,
        groups=tuple(group for body in asked for group in body.groups),
        sample=tuple(indices[:: max(1, len(indices) // 10)][:10]),
        requested_by=first.authority.actor,
        requested_at=utc_text(past[0][2]),
        index=past[0][0],
        approved_by=None if approved is None else approved[0].authority.actor,
        approved_at=None if approved is None else utc_text(approved[1]),
        from_at=None if approved is None else utc_text(approved[1] + first.waits_days * DAY_US),
        waits_days=first.waits_days,
        remains=first.remains,
        copies=copies,
        last_copy_expires=last_day(copies),
        copies_without_day=sum(one.expires is None and one.days is None for one in copies),
        entries=tuple(index for index, body, _ in past if body.event is DisposalEvent.DISPOSED),
        proven_at=last.proven_at,
    )


def _state(event: DisposalEvent, removed: int, total: int) -> str:
    return "disposing" if event is DisposalEvent.DISPOSED and removed < total else event.value
