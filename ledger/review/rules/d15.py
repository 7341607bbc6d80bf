"""D15: an instrument run that belongs to no sample of the LIMS, or a result of the LIMS that no run stands behind.

Which records these are, and what link they share, the parameter `d15` says. Guard: a run that calibrates. That there is
no partner is said once the other systems' time is known around the record; what names no sample has none.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.record import Action
from ledger.core.rule_parameters import D15
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.patterns import fits, types
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, unknown

_INSTRUMENTS: Final = (SystemClass.CHROMATOGRAPHY, SystemClass.INSTRUMENT)
_LABORATORY: Final = (SystemClass.LIMS,)
_RUNS: Final = frozenset({Action.CREATE, Action.START, Action.EXECUTE})
_WORDS: Final = {
    "no-sample": "is a run of no sample",
    "no-test": "is a run of a sample that the laboratory system has no test of",
    "no-raw-data": "is a result that no run stands behind",
}


class OrphanData:
    """Examines runs of instruments, and results of the laboratory system."""

    about = About(
        id="D15",
        version=1,
        title="Orphan test data",
        severity=Severity.CRITICAL,
        needs=(_INSTRUMENTS, _LABORATORY),
    )

    def examines(self, told: Told, known: Known) -> bool:
        value = known.value(told, D15)
        if value is None:
            return told.record.action in _RUNS and known.is_of(told, _INSTRUMENTS)
        return _is_run(told, value, known) or (fits(told.record, value.results) and known.is_of(told, _LABORATORY))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        # A partner can only end a finding, and what stands or waits is looked at in each run.
        return ()

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D15, _judged)


def _is_run(told: Told, value: D15, known: Known) -> bool:
    return fits(told.record, value.runs) and known.is_of(told, _INSTRUMENTS)


def _judged(anchors: Sequence[Told], value: D15, known: Known) -> Iterator[Judged]:
    for runs in (True, False):
        of = [one for one in anchors if _is_run(one, value, known) is runs]
        if of:
            yield from _alone(of, value, runs, known)


def _alone(anchors: Sequence[Told], value: D15, runs: bool, known: Known) -> Iterator[Judged]:
    """Of runs, or else of results, those that nothing of the other sort stands beside."""
    partners, classes = (value.tests, _LABORATORY) if runs else (value.runs, _INSTRUMENTS)
    of = Elsewhere(known.connected(classes), types(partners))
    linking = known.linking(value.link, {id_ for one in anchors for id_ in _ids(one, value)}, of)
    told = known.told(entry for entries in linking.values() for entry in entries)
    there = {one.index for one in told if fits(one.record, partners)}
    for anchor in anchors:
        ids = _ids(anchor, value)
        systems = known.systems(classes, anchor.moment_us)
        if not there.isdisjoint(entry for id_ in ids for entry in linking.get(id_, ())):
            yield Judged(anchor.index, Said.CLEAR)
        elif runs and fits(anchor.record, value.calibrations):
            yield Judged(anchor.index, Said.EXPLAINED, "calibration")
        elif not ids:
            yield _found(anchor, "no-sample" if runs else "no-raw-data")
        else:
            waits = unknown(anchor, systems, known, value.grace_s, value.back_s)
            yield waits or _found(anchor, "no-test" if runs else "no-raw-data")


def _ids(told: Told, value: D15) -> list[str]:
    return [link.id for link in told.record.links if link.kind is value.link]


def _found(told: Told, why: str) -> Judged:
    detail = f"{one_line(told.record.object.id)}: entry {told.index} {_WORDS[why]}"
    return Judged(told.index, Said.FINDING, why, (told.index,), detail)


RULE: Final = OrphanData()
