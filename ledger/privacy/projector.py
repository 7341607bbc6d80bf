"""Projectors of privacy."""

from collections.abc import Iterable

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row, Valid
from ledger.privacy import tables as t
from ledger.privacy.erasure_kinds import ErasureEntry, ErasureEvent
from ledger.privacy.look_up_kinds import LookUpEntry, LookUpEvent
from ledger.store.position import pos_of


class LookUpProjector:
    """Searches for persons."""

    name = "look-up"
    version = 1
    kinds = frozenset({"look-up"})
    tables = (t.look_up.name, t.looked_for.name)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: LookUpEntry = entry.body
        if body.event is not LookUpEvent.SEARCHED:
            return
        pos = pos_of(entry.log, entry.index)
        yield t.look_up.name, (pos, body.account, body.purpose.value, body.count or 0)
        for one in dict.fromkeys(digest.hmac for digest in body.person_digests):
            yield t.looked_for.name, (one, pos)


class PurposeProjector:
    """Purposes that are open."""

    name = "purpose-session"
    version = 1
    kinds = frozenset({"look-up"})
    table = t.purpose_session.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: LookUpEntry = entry.body
        if body.event is LookUpEvent.SEARCHED or body.session is None:
            return
        if body.event is LookUpEvent.CLOSED or body.expires_at is None:
            yield Valid(body.session, None)
        else:
            yield Valid(body.session, (body.account, body.purpose.value, parse_utc(body.expires_at)))


class ErasureProjector:
    """Where each request for erasure stands."""

    name = "erasure"
    version = 1
    kinds = frozenset({"erasure"})
    table = t.erasure.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: ErasureEntry = entry.body
        yield Valid(body.erasure, (body.event.value,))


class ErasedProjector:
    """The rows that erasures name."""

    name = "erased-row"
    version = 1
    kinds = frozenset({"erasure"})
    tables = (t.erased_row.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: ErasureEntry = entry.body
        if body.event is not ErasureEvent.ERASED:
            return
        pos = pos_of(entry.log, entry.index)
        for one in body.rows:
            yield t.erased_row.name, (pos, pos_of(one.log, one.index), one.sort, one.ordinal)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return LookUpProjector(), PurposeProjector(), ErasureProjector(), ErasedProjector()
