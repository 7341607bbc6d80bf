"""D09: a historian's archive was edited after the fact, or filled in bulk with old times.

What edits it, and what a bulk is, the parameter `d09` says. A bulk is named by its first record and its last. Guard:
the record names a buffer replay that the historian logs. It matters more where the value lies in a batch that was
released, or where it takes an excursion away.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ledger.core.clock import MICROSECONDS
from ledger.core.looks import Span
from ledger.core.record import Action, LinkKind, Outcome
from ledger.core.rule_parameters import D09
from ledger.core.system_class import SystemClass
from ledger.core.times import parse_source_time
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.late import Late, Written, is_late
from ledger.review.known.patterns import fits, outside, text_of, types
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, unknown

_HISTORIAN: Final = (SystemClass.HISTORIAN,)
_MES: Final = (SystemClass.MES,)
_RELEASING: Final = (SystemClass.MES, SystemClass.ERP)
_EDITS: Final = frozenset({Action.UPDATE, Action.DELETE})
_MOST: Final = 1_000
"""Records of a bulk that are looked at by themselves."""


class ArchiveEdited:
    """Examines what historians tell of edits of their archives, and values that they were given late."""

    about = About(
        id="D09",
        version=1,
        title="Historian edited or backfilled",
        severity=Severity.HIGH,
        needs=(_HISTORIAN, _MES),
    )

    def examines(self, told: Told, known: Known) -> bool:
        if not known.is_of(told, _HISTORIAN):
            return False
        value = known.value(told, D09)
        if value is None:
            return told.record.action in _EDITS and told.record.outcome is Outcome.SUCCESS
        return fits(told.record, value.edited) or _inserted_late(told, value)

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D09):
            by_source = defaultdict[str, list[Told]](list)
            for one in new:
                if _inserted_late(one, value) and known.is_of(one, _HISTORIAN):
                    by_source[one.record.source].append(one)
            for source, told in by_source.items():
                bulks = _late(source, value, known).bulks(told, value.within_s * MICROSECONDS)
                yield from (entry for bulk in bulks for _, entry in bulk)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D09, _judged)


def _inserted_late(told: Told, value: D09) -> bool:
    return fits(told.record, value.inserted) and is_late(told, value.late_s * MICROSECONDS)


def _late(source: str, value: D09, known: Known) -> Late:
    late_us = value.late_s * MICROSECONDS
    return Late(known.connection, known.log, known.size, source, types(value.inserted), late_us)


class _Suspect(NamedTuple):
    """What would be found: by which record it is named, why, and what it rests on."""

    anchor: Told
    why: str
    told: Sequence[Told]
    many: int = 1


def _judged(anchors: Sequence[Told], value: D09, known: Known) -> Iterator[Judged]:
    by_source = defaultdict[str, list[Told]](list)
    for told in anchors:
        by_source[told.record.source].append(told)
    for of in by_source.values():
        yield from _of_source(of, value, known)


def _of_source(anchors: Sequence[Told], value: D09, known: Known) -> Iterator[Judged]:
    """Records of one source and of one parameter's value."""
    edits = [one for one in anchors if fits(one.record, value.edited)]
    suspects = [_Suspect(one, _why(one), (one,)) for one in edits]
    edited = {one.index for one in edits}
    inserted = [one for one in anchors if one.index not in edited]
    bulks = _bulks(inserted, value, known)
    for told in inserted:
        if told.index in bulks:
            suspects.append(bulks[told.index])
        else:
            yield Judged(told.index, Said.CLEAR)
    replays = _replays(suspects, value, known)
    open_ = []
    for one in suspects:
        guard = _guard(one.anchor, replays, value, known)
        if guard is None:
            open_.append(one)
        else:
            yield guard
    yield from _found(open_, value, known)


def _why(told: Told) -> str:
    return {Action.DELETE: "deleted", Action.CREATE: "inserted"}.get(told.record.action, "edited")


def _bulks(inserted: Sequence[Told], value: D09, known: Known) -> Mapping[int, _Suspect]:
    """The bulks by the entry of the first record of each."""
    found: dict[int, _Suspect] = {}
    if not inserted:
        return found
    for bulk in _late(inserted[0].record.source, value, known).bulks(inserted, value.within_s * MICROSECONDS):
        if len(bulk) >= value.many:
            told = known.told(_ends(bulk))
            first = min(told, key=_place)
            found[first.index] = _Suspect(first, "bulk-insert", told, len(bulk))
    return found


def _ends(bulk: Sequence[Written]) -> list[int]:
    """Of a bulk its first records and its last ones, and all between where they are not too many."""
    kept = bulk if len(bulk) <= _MOST else (*bulk[: _MOST // 2], *bulk[-_MOST // 2 :])
    return [entry for _, entry in kept]


def _place(told: Told) -> tuple[int, int, str]:
    written = told.record.source_recorded_at
    at_us = None if written is None else written.instant_us
    return at_us or 0, told.moment_us, told.record.source_record_id


def _replays(suspects: Sequence[_Suspect], value: D09, known: Known) -> set[str]:
    """The replays that these records name and that their historian logs."""
    ids = {id_ for one in suspects if (id_ := _replay(one.anchor, value)) is not None}
    if not ids:
        return set()
    of = Elsewhere((suspects[0].anchor.record.source,), types(value.replayed))
    named = known.cases.named(of, ids)
    return {
        id_
        for id_, of_it in named.items()
        for case in of_it
        if any(fits(one.record, value.replayed) for one in case.records)
    }


def _replay(told: Told, value: D09) -> str | None:
    named = (text_of(one.new) for one in told.record.changes if one.attribute == value.replay)
    return next((text for text in named if text is not None), None)


def _guard(told: Told, replays: set[str], value: D09, known: Known) -> Judged | None:
    id_ = _replay(told, value)
    if id_ is None:
        return None
    if id_ in replays:
        return Judged(told.index, Said.EXPLAINED, "buffer-replay")
    return unknown(told, (told.record.source,), known, value.grace_s)


def _found(suspects: Sequence[_Suspect], value: D09, known: Known) -> Iterator[Judged]:
    """What is found, the worse where a released batch had the equipment then, or an excursion is gone."""
    had = {one.anchor.index: _batches(one, value, known) for one in suspects}
    of = Elsewhere(known.connected(_RELEASING), types(value.released))
    linking = known.linking(LinkKind.BATCH, {batch for batches in had.values() for batch in batches}, of)
    told = {one.index: one for one in known.told(entry for entries in linking.values() for entry in entries)}
    released = {
        batch: [told[entry] for entry in entries if entry in told and fits(told[entry].record, value.released)]
        for batch, entries in linking.items()
    }
    for one in suspects:
        releases = [release for batch in had[one.anchor.index] for release in released.get(batch, ())]
        yield _finding(one, releases, value)


def _batches(one: _Suspect, value: D09, known: Known) -> list[str]:
    """The batches that had the equipment when the values are of."""
    found = set()
    for told in one.told:
        span = _of_when(told, value)
        for asset in known.assets_of(told) if value.released else ():
            for had in known.batches.around(asset, span.low_us, span.high_us):
                if had.start.span.low_us <= span.high_us and (had.stop is None or had.stop.span.high_us >= span.low_us):
                    found.add(had.batch)
    return sorted(found)


def _of_when(told: Told, value: D09) -> Span:
    """Of which time the value is."""
    texts = (text_of(one.new) for one in told.record.changes if one.attribute == value.value_time)
    said = (parse_source_time(text).instant_us for text in texts if text is not None)
    at_us = next((one for one in said if one is not None), None)
    return told.about if at_us is None else Span(low_us=at_us, high_us=at_us, measured=False)


def _finding(one: _Suspect, releases: Sequence[Told], value: D09) -> Judged:
    at, record = one.anchor.index, one.anchor.record
    clears = any(
        outside(change.attribute, change.old, value.specified)
        and not outside(change.attribute, change.new, value.specified)
        for change in record.changes
    )
    release = min(releases, key=lambda told: (told.moment_us, told.record.source_record_id), default=None)
    ends = {at, max(one.told, key=_place).index}
    entries = tuple(sorted(ends if release is None else ends | {release.index}))
    what = f"{one.many} values were filled in late" if one.why == "bulk-insert" else f"an archived value was {one.why}"
    detail = f"{one_line(record.object.id)}: {what}, by entry {at}"
    if clears:
        detail += "; an excursion is gone"
    if release is not None:
        detail += f"; of a batch that entry {release.index} released"
    severity = Severity.CRITICAL if clears or release is not None else None
    return Judged(at, Said.FINDING, one.why, entries, detail, severity)


RULE: Final = ArchiveEdited()
