"""D12: a result was changed after it was out of specification, verified, or released.

What a result is, and what says these, the parameter `d12` says. Guard: the change names a deviation whose investigation
the quality system approved before. Where it names one, the verdict waits for that system; where it names none, nothing
is waited for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ledger.core.record import Action, Change, LinkKind, Outcome
from ledger.core.rule_parameters import D12
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Course, Elsewhere, Force, cases
from ledger.review.known.facts import Told
from ledger.review.known.patterns import changed, fits, outside, types
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, unknown
from ledger.store.changes import Thing

_LABORATORY: Final = (SystemClass.LIMS, SystemClass.CHROMATOGRAPHY)
_QUALITY: Final = (SystemClass.QUALITY_SYSTEM,)
_ERP: Final = (SystemClass.ERP,)
_EDITS: Final = frozenset({Action.UPDATE, Action.CONFIGURE})
_WORDS: Final = {
    "after-out": "it was out of specification",
    "after-verification": "it was verified",
    "after-release": "it was released",
}


class ResultChanged:
    """Examines changes of results that have a value already."""

    about = About(
        id="D12",
        version=1,
        title="Result changed after it was out of specification, verified or released",
        severity=Severity.CRITICAL,
        needs=(_LABORATORY, _QUALITY, _ERP),
    )

    def examines(self, told: Told, known: Known) -> bool:
        record = told.record
        if record.action not in _EDITS or record.outcome is not Outcome.SUCCESS or not known.is_of(told, _LABORATORY):
            return False
        value = known.value(told, D12)
        return bool(record.changes) if value is None else bool(_edits(told, value))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D12):
            results, investigations = types(value.results), types(value.investigated)
            own = [one for one in new if one.record.object.type in results and known.is_of(one, _LABORATORY)]
            yield from (entry for entries in known.of_objects(own).values() for entry in entries)
            released = [one for one in new if fits(one.record, value.released) and known.is_of(one, _ERP)]
            cases_ = [one for one in new if one.record.object.type in investigations and known.is_of(one, _QUALITY)]
            of = Elsewhere(known.connected(_LABORATORY), results)
            ids = {link.id for one in released for link in one.record.links if link.kind is value.link}
            for kind, named in ((value.link, ids), (LinkKind.DEVIATION, {one.record.object.id for one in cases_})):
                yield from (entry for entries in known.linking(kind, named, of).values() for entry in entries)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D12, _judged)


def _edits(told: Told, value: D12) -> list[Change]:
    """What a record changes of results; where there was nothing before, it is their first value."""
    return [one for one in changed(told.record, value.results) if one.old is not None]


class _Evidence(NamedTuple):
    """What speaks against a change, and the record that says so; None: its own."""

    why: str
    told: Told | None


def _judged(anchors: Sequence[Told], value: D12, known: Known) -> Iterator[Judged]:
    """Changes of one parameter's value."""
    entries = (entry for of in known.of_objects(anchors).values() for entry in of)
    own = {case.thing: case for case in cases(known.told(entries))}
    released = _linking(anchors, value, known)
    investigations = Elsewhere(known.connected(_QUALITY), types(value.investigated))
    named = known.cases.named(investigations, {id_ for one in anchors for id_ in one.ids(LinkKind.DEVIATION)})
    for told in anchors:
        record = told.record
        case = own[Thing(record.source, record.object.type, record.object.id)]
        releases = [one for id_ in told.ids(value.link) for one in released.get(id_, ())]
        evidence, unsure = _against(told, case, releases, value, known)
        if evidence:
            found = [case for id_ in told.ids(LinkKind.DEVIATION) for case in named.get(id_, ())]
            yield _guarded(told, found, value, known) or _found(told, evidence)
        elif unsure:
            yield Judged(told.index, Said.UNORDERED, "change-and-verification")
        else:
            systems = known.systems(_ERP, told.moment_us) if value.released else ()
            yield unknown(told, systems, known, 0) or Judged(told.index, Said.CLEAR)


def _linking(anchors: Sequence[Told], value: D12, known: Known) -> Mapping[str, list[Told]]:
    """The releases, by the ids of what they share with results."""
    of = Elsewhere(known.connected(_ERP), types(value.released))
    linking = known.linking(value.link, {id_ for one in anchors for id_ in one.ids(value.link)}, of)
    told = {one.index: one for one in known.told(entry for entries in linking.values() for entry in entries)}
    fitting = {index for index, one in told.items() if fits(one.record, value.released)}
    return {id_: [told[entry] for entry in entries if entry in fitting] for id_, entries in linking.items()}


def _against(
    told: Told, case: Case, releases: Iterable[Told], value: D12, known: Known
) -> tuple[list[_Evidence], bool]:
    """What speaks against a change, and whether something may, were its time known better."""
    found: list[_Evidence] = []
    if any(outside(one.attribute, one.old, value.specified) for one in told.record.changes):
        found.append(_Evidence("after-out", None))
    out = [one for one in case.records if one.index != told.index and _tells_out(one, value)]
    verified = [one for one in case.records if fits(one.record, value.verified)]
    verification = Course(case, value.verified, value.reopened, known.order).at(told)
    unsure = verification is Force.UNKNOWN
    for why, records in (("after-out", out), ("after-verification", verified), ("after-release", releases)):
        if why == "after-verification" and verification is not Force.YES:
            continue
        first = [(one, known.order.first(one, told)) for one in records]
        before = [one for one, which in first if which is one]
        unsure |= None in (which for _, which in first)
        if before:
            found.append(_Evidence(why, min(before, key=_place)))
    return found, unsure


def _tells_out(one: Told, value: D12) -> bool:
    record = one.record
    return fits(record, value.out) or any(
        outside(change.attribute, change.new, value.specified) for change in record.changes
    )


def _place(told: Told) -> tuple[int, str, str]:
    return told.moment_us, told.record.source, told.record.source_record_id


def _guarded(told: Told, investigations: Sequence[Case], value: D12, known: Known) -> Judged | None:
    """Whether an approved investigation explains a change, or may; None: none does."""
    forces = [Course(case, value.investigated, (), known.order).at(told) for case in investigations]
    if Force.YES in forces:
        return Judged(told.index, Said.EXPLAINED, "approved-investigation")
    if Force.UNKNOWN in forces:
        return Judged(told.index, Said.UNORDERED, "change-and-investigation")
    if not told.ids(LinkKind.DEVIATION):
        return None
    return unknown(told, known.systems(_QUALITY, told.moment_us), known, value.grace_s)


def _found(told: Told, evidence: Sequence[_Evidence]) -> Judged:
    at, thing = told.index, one_line(told.record.object.id)
    entries = tuple(sorted({at, *(one.told.index for one in evidence if one.told is not None)}))
    words = ", and ".join(
        f"{_WORDS[one.why]} by entry {at if one.told is None else one.told.index}" for one in evidence
    )
    return Judged(at, Said.FINDING, evidence[0].why, entries, f"{thing} was changed by entry {at} after {words}")


RULE: Final = ResultChanged()
