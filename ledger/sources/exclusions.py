"""Records that do not count in an evaluation: who excluded them, and why. They stay in every list and every total."""

import secrets
from collections.abc import Collection, Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.authority import Authority
from ledger.core.entry import Draft, decode_leaf, draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.members import Members
from ledger.sources import tables as t
from ledger.sources.hand_kinds import EXCLUSION_KIND, Evaluation, Exclusion, ExclusionEvent
from ledger.sources.parameters import Parameters
from ledger.sources.reasons import require_known, require_reason
from ledger.store import schema
from ledger.store.append import Batch, Transaction
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of
from ledger.store.store import Store

MAX_MEMBERS: Final = 10_000
"""Records that are excluded at once."""
SHOWN: Final = 500


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Who did it, why, and with which entry."""

    entry: int
    by: str
    at: str
    justification: str


class Excluded(msgspec.Struct, frozen=True, kw_only=True):
    """An exclusion as it stands: the entries that it is of, from which evaluation, and why.

    `lifted`: who has these count again, and why; null: it is in force.
    """

    exclusion: str
    evaluation: Evaluation
    members: str
    count: int
    excluded: Act
    lifted: Act | None


class Exclusions:
    """The exclusions of one record log. Safe to use from any number of threads."""

    def __init__(self, store: Store, log: int, parameters: Parameters) -> None:
        self._store = store
        self._log = log
        self._parameters = parameters

    def exclude(
        self, indices: Iterable[int], evaluation: Evaluation, justification: str, authority: Authority
    ) -> Excluded:
        """Excludes records from an evaluation; they stay, and are shown with the justification.

        Raises SchemaViolation for a justification that says too little, and for an entry that is no record (any more);
        AccessDenied unless somebody signed in.
        """
        require_known(authority)
        chosen = sorted(set(indices))
        if not 0 < len(chosen) <= MAX_MEMBERS:
            raise SchemaViolation(f"{len(chosen)} records cannot be excluded at once", advice=f"1 to {MAX_MEMBERS}.")
        members = Members.of(chosen)
        with self._store.reading() as connection:
            said = self._reason(connection, justification)
            self._require_records(connection, members)
        body = Exclusion(
            exclusion=secrets.token_hex(8),
            event=ExclusionEvent.EXCLUDED,
            members=members.text,
            evaluation=evaluation,
            justification=said,
            authority=authority,
        )
        self._store.append(self._log, Batch([_draft(body)]))
        return self.get(body.exclusion)

    def lift(self, exclusion: str, justification: str, authority: Authority) -> Excluded:
        """Has the records count again; both entries stay. Raises Conflict where it was lifted, else as `exclude`."""
        require_known(authority)
        with self._store.reading() as connection:
            said = self._reason(connection, justification)
            before = self._entries(connection, exclusion)[0][1]

        def possible(transaction: Transaction) -> None:
            key = ("exclusion", exclusion)
            if transaction.scratch.get(key) or len(self._entries(transaction.connection, exclusion)) > 1:
                raise Conflict(
                    "the exclusion was lifted already", advice="Exclude the records anew, if they should be."
                )
            transaction.scratch[key] = True

        body = msgspec.structs.replace(before, event=ExclusionEvent.LIFTED, justification=said, authority=authority)
        self._store.append(self._log, Batch([_draft(body)], before=possible))
        return self.get(exclusion)

    def get(self, exclusion: str) -> Excluded:
        """An exclusion, as it stands; raises NotFound."""
        with self._store.reading() as connection:
            return _excluded(self._entries(connection, exclusion))

    def listed(self, before: int | None = None, limit: int = SHOWN) -> list[Excluded]:
        """All exclusions, those that were lifted too, newest first; those made before an entry, if one is given."""
        row = t.exclusion_run.c
        high = pos_of(self._log + 1, 0) if before is None else pos_of(self._log, before)
        chosen = (
            select(row.exclusion)
            .where(row.ordinal == 0, row.excluded == 1, row.pos >= pos_of(self._log, 0), row.pos < high)
            .order_by(row.pos.desc())
            .limit(limit)
        )
        with self._store.reading() as connection:
            return [_excluded(self._entries(connection, key)) for key in connection.scalars(chosen).all()]

    def _reason(self, connection: Connection, text: str) -> str:
        return require_reason(connection, self._parameters, self._log, self._store.clock.now_us(), text)

    def _require_records(self, connection: Connection, members: Members) -> None:
        pos = schema.record.c.pos
        for low, high in members.runs():
            among = pos.between(pos_of(self._log, low), pos_of(self._log, high))
            if connection.scalar(select(func.count()).where(among)) != high - low + 1:
                which = f"entry {low} is" if low == high else f"entries {low} to {high} are not all"
                raise SchemaViolation(
                    f"{which} no record of this log" if low == high else f"{which} records of this log"
                )

    def _entries(self, connection: Connection, exclusion: str) -> list[tuple[int, Exclusion, str]]:
        found = _acts(connection, self._log, {exclusion}, None).get(exclusion)
        if found is None:
            raise NotFound(f"there is no exclusion {exclusion!r}", advice="See `trailseal exclude list`.")
        return found


def exclusions_of(
    connection: Connection, log: int, indices: Collection[int], size: int | None = None
) -> dict[int, tuple[Excluded, ...]]:
    """What these entries were excluded from, as of a size, oldest first; with those exclusions that were lifted."""
    if not indices:
        return {}
    row = t.exclusion_run.c
    places = row.pos.between(pos_of(log, 0), pos_of(log + 1, 0) - 1 if size is None else pos_of(log, size) - 1)
    runs = connection.execute(
        select(row.exclusion, row.low, row.high)
        .where(places, row.excluded == 1, row.high >= min(indices), row.low <= max(indices))
        .order_by(row.pos)
    ).all()
    named = {index: [one.exclusion for one in runs if one.low <= index <= one.high] for index in indices}
    wanted = {key for keys in named.values() for key in keys}
    known = {key: _excluded(acts) for key, acts in _acts(connection, log, wanted, size).items()}
    return {index: tuple(known[key] for key in keys) for index, keys in named.items() if keys}


def _acts(
    connection: Connection, log: int, exclusions: Collection[str], size: int | None
) -> dict[str, list[tuple[int, Exclusion, str]]]:
    """The entries of exclusions, in their order: how each was made, and lifted."""
    row = t.exclusion_run.c
    high = pos_of(log + 1, 0) if size is None else pos_of(log, size)
    places = connection.scalars(
        select(row.pos)
        .where(row.exclusion.in_(exclusions), row.ordinal == 0, row.pos >= pos_of(log, 0), row.pos < high)
        .order_by(row.pos)
    ).all()
    found: dict[str, list[tuple[int, Exclusion, str]]] = {}
    for stored in LogReader(connection, log).chosen(index_of(pos) for pos in places):
        body = body_of(stored, EXCLUSION_KIND, Exclusion)
        found.setdefault(body.exclusion, []).append((stored.index, body, decode_leaf(stored.leaf).logged_at))
    return found


def _excluded(acts: list[tuple[int, Exclusion, str]]) -> Excluded:
    made, *after = (
        Act(entry=index, by=body.authority.actor, at=at, justification=body.justification) for index, body, at in acts
    )
    body = acts[0][1]
    return Excluded(
        exclusion=body.exclusion,
        evaluation=body.evaluation,
        members=body.members,
        count=len(Members.read(body.members)),
        excluded=made,
        lifted=after[0] if after else None,
    )


def _draft(body: Exclusion) -> Draft:
    try:
        return draft(msgspec.convert(msgspec.to_builtins(body), Exclusion))
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"exclusion: {error}", advice="Correct what is named.") from None
