"""Each check: what holds, what fails, what cannot be told and for want of what, and the edge between."""

from typing import Any

import pytest
from msgspec import UNSET

from ledger.core.assessment import Attribute, Retrieved
from ledger.core.clock import utc_text
from ledger.core.hashing import b64
from ledger.core.parameters import (
    Available,
    Corroboration,
    CrossFooting,
    Enduring,
    Limits,
    Parts,
    Profile,
    Range,
    RangeKind,
    Schema,
    Sequence,
    SequencePolicy,
    Travel,
    VagueWords,
)
from ledger.core.record import Actor, ActorKind, Change, Interval, Link, LinkBasis, LinkKind, Sealed
from ledger.core.times import Basis, Clock, Precision, SourceTime
from ledger.review.alcoa.attributes import MADE_OF, Check, Result, Verdict, attribute_verdict, worst
from ledger.review.alcoa.checks import CHECKS, judged
from ledger.review.known.facts import (
    Anchoring,
    Companions,
    Copies,
    Facts,
    Footed,
    Numbered,
    Owner,
    Path,
    Previous,
    Series,
    Sighting,
)
from tests.support.ledgers import START_US, source_time
from tests.unit.review.facts import SECOND, clock, facts, span

UNREAD = SourceTime(text="once", precision=Precision.SECOND, basis=Basis.NONE)


def cell(check: str, of: Facts) -> str:
    return CHECKS[Check(check)](of)


def change(old: Any = "1", new: Any = "2", unit: str | None = None, attribute: str = "w", **more: Any) -> Change:
    return Change(attribute=attribute, old=old, new=new, unit=unit, **more)


def sealed(letter: str) -> Sealed:
    return Sealed(b64(letter.encode() * 32))


def test_every_check_is_of_one_attribute_and_a_record_of_which_nothing_is_known_passes_nothing() -> None:
    assert sorted(check for checks in MADE_OF.values() for check in checks) == list(CHECKS) == list(Check)
    nothing = {"mapped": False, "owner": None, "original": Verdict.NO_ORIGINAL}
    assert {verdict.result for verdict in judged(facts(known=nothing, changes=()))} == {Result.NOT_ASSESSABLE}


def test_what_fails_comes_before_what_cannot_be_told_and_that_before_what_holds() -> None:
    assert worst([]) is Verdict.HOLDS
    assert worst([], Verdict.NO_PREVIOUS) is Verdict.NO_PREVIOUS
    assert worst([Verdict.HOLDS, Verdict.NO_RANGE, Verdict.SEALED]) is Verdict.NO_RANGE
    assert worst([Verdict.NO_RANGE, Verdict.HOLDS, Verdict.DIFFERS, Verdict.OUT_OF_RANGE]) is Verdict.DIFFERS
    cells = [Verdict.HOLDS] * len(Check)
    cells[7], cells[8] = Verdict.NO_SEQUENCE, Verdict.REASON_MISSING
    assert attribute_verdict(Attribute.COMPLETE, cells) is Verdict.REASON_MISSING
    assert attribute_verdict(Attribute.TRACEABLE, cells) is Verdict.HOLDS


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        ({}, "P"),
        ({"mapped": False}, "N:no-identity-map"),
        ({"owner": None}, "N:order-unknown"),
        ({"owner": Owner(fault=Verdict.SHARED_ACCOUNT)}, "F:shared-account"),
        ({"owner": Owner(fault=Verdict.SERVICE_WITHOUT_PURPOSE)}, "F:service-without-purpose"),
    ],
)
@pytest.mark.requirement("C01")
def test_c01_one_active_person_stands_behind_the_account(known: dict[str, Any], verdict: str) -> None:
    assert cell("C01", facts(known=known)) == verdict


AT_A = Actor(account="op1", kind=ActorKind.PERSON, workstation="A")
WAYS = Travel(pairs=(("A", "B", 60),))


@pytest.mark.parametrize(
    ("seen", "where", "verdict"),
    [
        (span(59.999999), "B", "F:two-places"),
        (span(-59.999999), "B", "F:two-places"),
        (span(60), "B", "P"),
        (span(10), "C", "P"),
        (span(10), "A", "P"),
        (span(30, 60), "B", "P"),
        (span(30, 59), "B", "F:two-places"),
        (span(10, measured=False), "B", "P"),
    ],
)
@pytest.mark.requirement("C02")
def test_c02_a_second_place_is_one_only_where_no_clock_leaves_time_for_the_way(
    seen: Any, where: str, verdict: str
) -> None:
    known = {"sightings": [Sighting(span=seen, workstation=where)]}
    assert cell("C02", facts(WAYS, known=known, actor=AT_A)) == verdict
    assert cell("C02", facts(WAYS, known=known, actor=AT_A, measured=None)) == "P"


@pytest.mark.requirement("C02")
def test_c02_names_what_is_missing() -> None:
    assert cell("C02", facts(WAYS)) == "N:no-sessions"
    assert cell("C02", facts(actor=AT_A)) == "N:no-travel-table"
    assert cell("C02", facts(WAYS, actor=AT_A, occurred_at=UNREAD, changes=())) == "N:no-occurred-time"


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (change(unit="kg"), "P"),
        (change(), "P"),
        (change(unit="lb"), "F:unit"),
        (change(attribute="state", old="open", new="closed"), "P"),
        (change(attribute="state", old="open", new="ajar"), "F:unknown-code"),
        (change(attribute="state", old=UNSET, new=sealed("a")), "P"),
    ],
)
@pytest.mark.requirement("C03")
def test_c03_units_and_codes_are_those_of_the_schema(one: Change, verdict: str) -> None:
    schema = Schema(units=("kg",), codes={"state": ("open", "closed")})
    assert cell("C03", facts(schema, changes=(one,))) == verdict
    assert cell("C03", facts(changes=(one,))) == "N:no-schema"


@pytest.mark.parametrize(
    ("late_us", "precision", "verdict"),
    [
        (10 * SECOND, Precision.MICROSECOND, "P"),
        (10 * SECOND + 1, Precision.MICROSECOND, "F:late"),
        (11 * SECOND - 1, Precision.SECOND, "P"),
        (11 * SECOND, Precision.SECOND, "F:late"),
        (-2 * SECOND, Precision.MICROSECOND, "P"),
        (-2 * SECOND - 1, Precision.MICROSECOND, "F:early"),
    ],
)
@pytest.mark.requirement("C04")
def test_c04_a_record_is_written_when_it_happens(late_us: int, precision: Precision, verdict: str) -> None:
    def at(instant: int) -> SourceTime:
        return SourceTime(text="", precision=precision, basis=Basis.SOURCE_ZONE, instant_us=instant)

    limits = Limits(late_s=10)
    times: dict[str, Any] = {"occurred_at": at(START_US), "source_recorded_at": at(START_US + late_us)}
    assert cell("C04", facts(limits, **times)) == verdict
    assert cell("C04", facts(**times)) == "N:no-limit"
    assert cell("C04", facts(limits, **(times | {"occurred_at": UNREAD}), changes=())) == "N:no-occurred-time"
    assert cell("C04", facts(limits)) == cell("C04", facts(limits, source_recorded_at=UNREAD)) == "N:no-recorded-time"


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (clock(measured_s=60), "P"),
        (clock(measured_s=-61), "F:clock-old"),
        (clock(measured_s=61, uncertainty_us=SECOND), "P"),
        (clock(offset_us=-1_000_000), "P"),
        (clock(offset_us=1_000_001), "F:clock-off"),
        (clock(offset_us=1_000_001, uncertainty_us=1), "P"),
        (None, "N:no-clock"),
    ],
)
@pytest.mark.requirement("C05")
def test_c05_the_clock_was_measured_near_and_was_right(measured: Clock | None, verdict: str) -> None:
    limits = Limits(late_s=1, clock_within_minutes=1, clock_tolerance_ms=1_000)
    assert cell("C05", facts(limits, measured=measured)) == verdict
    assert cell("C05", facts(measured=measured)) == "N:no-limit"


@pytest.mark.requirement("C05")
def test_c05_of_what_happened_between_two_looks_the_nearer_one_counts() -> None:
    looks = Interval(after=utc_text(START_US - 90 * SECOND), before=utc_text(START_US - 50 * SECOND))
    limits = Limits(late_s=1, clock_within_minutes=1)
    assert cell("C05", facts(limits, occurred_at=UNREAD, changes=(change(inferred=looks),))) == "P"


@pytest.mark.requirement("C06")
def test_c06_is_what_deriving_it_anew_came_to() -> None:
    for verdict in (Verdict.HOLDS, Verdict.NOT_DERIVED, Verdict.NO_PARSER, Verdict.NO_ORIGINAL):
        assert cell("C06", facts(known={"original": verdict})) == verdict


@pytest.mark.parametrize(
    ("original", "verdict"),
    [
        (Verdict.NO_ORIGINAL, "P"),
        (Verdict.NO_PARSER, "P"),
        (Verdict.HOLDS, "P"),
        (Verdict.NOT_DERIVED, "F:not-derived"),
    ],
)
@pytest.mark.requirement("C06", "R65")
def test_c06_a_true_copy_stands_for_what_cannot_be_derived_and_for_nothing_that_differs(
    original: Verdict, verdict: str
) -> None:
    assert cell("C06", facts(known={"original": original, "copied": True})) == verdict


@pytest.mark.parametrize(
    ("new", "kind", "verdict"),
    [
        ("10.00", "decimal", "P"),
        ("20", "decimal", "P"),
        ("20.01", "decimal", "F:out-of-range"),
        ("9.99", "decimal", "F:out-of-range"),
        (15, "decimal", "P"),
        (True, "decimal", "F:out-of-range"),
        ("NaN", "decimal", "F:out-of-range"),
        ("15.5", "integer", "F:out-of-range"),
        ("15.0", "integer", "P"),
        ("anything", "text", "P"),
        (sealed("a"), "decimal", "N:sealed"),
        (UNSET, "decimal", "N:no-range"),
        (None, "decimal", "N:no-range"),
    ],
)
@pytest.mark.requirement("C07")
def test_c07_a_value_is_one_that_can_be(new: Any, kind: str, verdict: str) -> None:
    bounds: dict[str, Any] = {} if kind == "text" else {"low": "10", "high": "20"}
    rule = Range(attribute="w", kind=RangeKind(kind), **bounds)
    assert cell("C07", facts(rule, changes=(change(new=new),))) == verdict
    assert cell("C07", facts(rule, changes=(change(new=new, attribute="other"),))) == "N:no-range"
    assert cell("C07", facts(changes=(change(new=new),))) == "N:no-range"


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ((), "N:no-corroboration"),
        (("50.1",), "P"),
        (("50.11",), "F:differs"),
        (("40", "50.0"), "P"),
        (("high",), "F:differs"),
        ((sealed("a"),), "N:sealed"),
    ],
)
@pytest.mark.requirement("C07")
def test_c07_what_else_recorded_it_agrees(others: tuple[Any, ...], verdict: str) -> None:
    rules = (
        Range(attribute="w", kind=RangeKind.DECIMAL, low="0"),
        Corroboration(source="plc", tag="SCALE", attribute="w", tolerance="0.1", within_s=10),
    )
    assert cell("C07", facts(*rules, known={"corroborating": others}, changes=(change(new="50.00"),))) == verdict
    assert cell("C07", facts(*rules, known={"corroborating": others}, changes=(change(new="-1"),))) == "F:out-of-range"


TOTAL = CrossFooting(attribute="w", addends=("a", "b"), tolerance="0.1")


@pytest.mark.parametrize(
    ("total", "addends", "verdict"),
    [
        ("3.0", {"a": "1", "b": "2"}, "P"),
        ("3.1", {"a": "1", "b": "2"}, "P"),
        ("3.11", {"a": "1", "b": "2"}, "F:not-footing"),
        ("3", {"a": "1", "b": "two"}, "F:not-footing"),
        ("three", {"a": "1", "b": "2"}, "F:not-footing"),
        ("3", {"a": "3"}, "N:no-parts"),
        ("3", {"a": "3", "b": None}, "N:no-parts"),
        ("3", {"a": "1", "b": sealed("b")}, "N:sealed"),
        (sealed("w"), {"a": "1", "b": "2"}, "N:sealed"),
    ],
)
@pytest.mark.requirement("C07")
def test_c07_a_total_is_the_sum_of_its_own_records_addends(total: Any, addends: dict[str, Any], verdict: str) -> None:
    within = Range(attribute="w", kind=RangeKind.TEXT)
    told = (change(new=total), *(change(new=new, attribute=name) for name, new in addends.items()))
    assert cell("C07", facts(TOTAL, within, changes=told)) == verdict
    # Of another attribute nothing has to foot.
    assert cell("C07", facts(TOTAL, within, changes=(change(attribute="other"),))) == "N:no-range"


def footed(*values: Any, count: int | None = None, **told: bool) -> Footed:
    usual = {"named": True, "known": True, "covered": True} | told
    return Footed(count=len(values) if count is None else count, values=values, **usual)


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (footed("40", "10.0"), "P"),
        (footed("40", "10", None), "P"),
        (footed("40", "11"), "F:not-footing"),
        (footed("40", "11", covered=False), "N:not-covered"),
        (footed("40", "10", covered=False), "P"),
        (footed(), "F:not-footing"),
        (footed(covered=False), "N:not-covered"),
        (footed(known=False), "N:order-unknown"),
        (footed(named=False), "N:no-parts"),
        (footed("50", sealed("a")), "N:sealed"),
        (None, "N:no-parts"),
    ],
)
@pytest.mark.requirement("C07")
def test_c07_a_total_is_what_other_records_of_its_link_come_to(told: Footed | None, verdict: str) -> None:
    parts = Parts(source="mes", object_type="weighing", link=LinkKind.BATCH, within_s=60, attribute="Weight")
    rules = (Range(attribute="w", kind=RangeKind.TEXT), CrossFooting(attribute="w", parts=parts))
    assert cell("C07", facts(*rules, known={"footed": told}, changes=(change(new="50"),))) == verdict


@pytest.mark.parametrize(
    ("total", "told", "verdict"),
    [
        ("2", footed(count=2), "P"),
        ("2", footed(count=3), "F:not-footing"),
        ("0", footed(), "P"),
        ("0", footed(covered=False), "N:not-covered"),
    ],
)
@pytest.mark.requirement("C07")
def test_c07_a_count_is_how_many_parts_there_are(total: str, told: Footed, verdict: str) -> None:
    parts = Parts(source="cds", object_type="injection", link=LinkKind.SAMPLE, within_s=60)
    rules = (Range(attribute="w", kind=RangeKind.TEXT), CrossFooting(attribute="w", parts=parts))
    assert cell("C07", facts(*rules, known={"footed": told}, changes=(change(new=total),))) == verdict


def after(
    number: int, own: int, *, again: bool = False, occurred_us: int | None = None, recorded_us: int | None = None
) -> dict[str, Any]:
    before = Numbered(number=number, occurred_us=occurred_us, recorded_us=recorded_us)
    return {"series": Series(number=own, before=before, again=again)}


@pytest.mark.parametrize(
    ("known", "wraps", "verdict"),
    [
        (after(7, 8), None, "P"),
        (after(7, 9), None, "F:gap"),
        (after(7, 7, again=True), None, "F:duplicate"),
        (after(255, 0), 256, "P"),
        (after(254, 0), 256, "F:gap"),
        ({"series": Series(number=7, before=None, again=False)}, None, "P"),
        ({"series": Series(number=7, before=None, again=True)}, None, "F:duplicate"),
        ({"series": None}, None, "N:no-sequence"),
    ],
)
@pytest.mark.requirement("C08")
def test_c08_no_number_is_missing_or_given_twice(known: dict[str, Any], wraps: int | None, verdict: str) -> None:
    assert cell("C08", facts(Sequence(policy=SequencePolicy.EVERY, wraps=wraps), known=known)) == verdict
    assert cell("C08", facts(Sequence(policy=SequencePolicy.NONE), known=known)) == "N:no-sequence"
    assert cell("C08", facts(known=known)) == "N:no-sequence"


@pytest.mark.parametrize(("counted", "verdict"), [(True, "P"), (False, "F:count-differs"), (None, "N:no-sequence")])
@pytest.mark.requirement("C08")
def test_c08_where_a_source_numbers_nothing_its_own_count_tells(counted: bool | None, verdict: str) -> None:
    for rules in ((), (Sequence(policy=SequencePolicy.NONE),)):
        assert cell("C08", facts(*rules, known={"series": None, "counted": counted})) == verdict
    numbered = facts(Sequence(policy=SequencePolicy.EVERY), known=after(7, 9) | {"counted": counted})
    assert cell("C08", numbered) == "F:gap"


@pytest.mark.parametrize(
    ("there", "covered", "verdict"),
    [(True, True, "P"), (False, True, "F:companion-missing"), (False, False, "N:not-covered")],
)
@pytest.mark.requirement("C08")
def test_c08_a_companion_is_missing_only_where_its_source_is_known(there: bool, covered: bool, verdict: str) -> None:
    known = after(7, 8) | {"companions": [Companions(there=there, covered=covered)]}
    assert cell("C08", facts(Sequence(policy=SequencePolicy.EVERY), known=known)) == verdict


@pytest.mark.parametrize(
    ("one", "reason", "verdict"),
    [
        (change(), "after the sample", "P"),
        (change(old=None), "after the sample", "P"),
        (change(old=UNSET), "after the sample", "F:old-missing"),
        (change(new=UNSET), "after the sample", "F:new-missing"),
        (change(), None, "F:reason-missing"),
        (change(), " \t", "F:reason-missing"),
        (change(), "  As\tDISCUSSED ", "F:reason-vague"),
        (change(), sealed("a"), "P"),
        (change(new=sealed("a")), "after the sample", "P"),
    ],
)
@pytest.mark.requirement("C09", "R35")
def test_c09_old_new_and_reason_are_there_where_the_type_asks_for_them(one: Change, reason: Any, verdict: str) -> None:
    words = VagueWords(words=("as discussed",))
    strict, lax = (Profile(old=asked, new=asked, reason=asked) for asked in (True, False))
    assert cell("C09", facts(strict, words, changes=(one,), reason=reason)) == verdict
    assert cell("C09", facts(lax, words, changes=(one,), reason=reason)) == "P"
    assert cell("C09", facts(words, changes=(one,), reason=reason)) == "N:no-profile"


@pytest.mark.parametrize(
    ("old", "previous", "verdict"),
    [
        ("1", Previous(known=True, found=True, new="1"), "P"),
        ("5", Previous(known=True, found=True, new="1"), "F:broken-continuity"),
        (None, Previous(known=True, found=True, new=None), "P"),
        (0, Previous(known=True, found=True, new=False), "F:broken-continuity"),
        (UNSET, Previous(known=True, found=True, new="1"), "N:no-previous"),
        ("1", Previous(known=True, found=True), "N:no-previous"),
        ("1", Previous(known=True), "N:no-previous"),
        ("5", Previous(known=False), "N:order-unknown"),
        (sealed("a"), Previous(known=True, found=True, new=sealed("a")), "P"),
        (sealed("a"), Previous(known=True, found=True, new=sealed("b")), "N:sealed"),
        ("1", Previous(known=True, found=True, new=sealed("b")), "N:sealed"),
    ],
)
@pytest.mark.requirement("C10")
def test_c10_a_change_goes_on_from_the_one_before(old: Any, previous: Previous, verdict: str) -> None:
    assert cell("C10", facts(known={"previous": (previous,)}, changes=(change(old=old),))) == verdict


@pytest.mark.requirement("C10")
def test_c10_a_change_that_hides_others_says_nothing_of_the_one_before() -> None:
    known = {"previous": (Previous(known=True, found=True, new="1"),)}
    assert cell("C10", facts(known=known, changes=(change(old="5", gap=True),))) == "N:order-unknown"


@pytest.mark.parametrize(
    ("before_us", "verdict"), [(START_US, "P"), (START_US - 1, "P"), (START_US + 1, "F:out-of-sequence")]
)
@pytest.mark.requirement("C10")
def test_c10_times_follow_the_numbers(before_us: int, verdict: str) -> None:
    by_claim, by_writing = after(7, 8, occurred_us=before_us), after(7, 8, recorded_us=before_us, occurred_us=2**50)
    written: dict[str, Any] = {"source_recorded_at": source_time(START_US)}
    assert cell("C10", facts(known=by_claim, changes=())) == verdict
    assert cell("C10", facts(known=by_writing, changes=(), **written)) == verdict
    assert cell("C10", facts(Sequence(policy=SequencePolicy.EVERY, wraps=256), known=by_claim, changes=())) == (
        "N:no-previous"
    )


@pytest.mark.parametrize(
    ("new", "unit", "verdict"), [("2.00", "kg", "P"), ("2.0", "kg", "F:decimals"), ("2.00", "lb", "F:unit")]
)
@pytest.mark.requirement("C10")
def test_c10_unit_and_rounding_are_as_specified(new: str, unit: str, verdict: str) -> None:
    rule = Range(attribute="w", kind=RangeKind.DECIMAL, unit="kg", decimals=2)
    known = {"previous": (Previous(known=True, found=True, new="1"),)}
    assert cell("C10", facts(rule, known=known, changes=(change(new=new, unit=unit),))) == verdict


HOUR = 3_600 * SECOND


@pytest.mark.parametrize(
    ("anchoring", "verdict"),
    [
        (None, "N:no-anchor"),
        (Anchoring(after_us=24 * HOUR, waited_us=99 * HOUR), "P"),
        (Anchoring(after_us=24 * HOUR + 1, waited_us=99 * HOUR), "F:not-anchored"),
        (Anchoring(after_us=None, waited_us=24 * HOUR), "N:no-anchor"),
        (Anchoring(after_us=None, waited_us=24 * HOUR + 1), "F:not-anchored"),
    ],
)
def test_c11_the_outside_vouches_for_it_in_time(anchoring: Anchoring | None, verdict: str) -> None:
    assert cell("C11", facts(Enduring(anchor_hours=24), known={"anchoring": anchoring})) == verdict
    assert cell("C11", facts(known={"anchoring": anchoring})) == "N:no-limit"


@pytest.mark.parametrize(
    ("verified", "ages_h", "verdict"),
    [
        (True, (0, 90 * 24), "P"),
        (True, (0, 90 * 24 + 1), "F:copies"),
        (True, (0,), "F:copies"),
        (True, (), "N:no-copies"),
        (None, (0, 0), "N:no-verification"),
        (False, (0, 0), "F:chain"),
        (None, (0,), "F:copies"),
    ],
)
@pytest.mark.requirement("C11")
def test_c11_it_verifies_and_copies_were_stated_lately(
    verified: bool | None, ages_h: tuple[int, ...], verdict: str
) -> None:
    known = {
        "anchoring": Anchoring(after_us=0, waited_us=HOUR),
        "verified": verified,
        "copies": Copies(ages_us=tuple(age * HOUR for age in ages_h)),
    }
    assert cell("C11", facts(Enduring(copies=2, copy_days=90), known=known)) == verdict
    if verified:
        assert cell("C11", facts(Enduring(copies=0), known=known)) == "P"


def fetched(milliseconds: int, opened: bool = True) -> Retrieved:
    return Retrieved(source="dcs", index=1, milliseconds=milliseconds, opened=opened)


@pytest.mark.parametrize(
    ("retrieved", "verdict"),
    [
        ((), "N:no-retrieval-test"),
        ((fetched(5_000),), "P"),
        ((fetched(1), fetched(5_001)), "F:slow"),
        ((fetched(5_001), fetched(1, opened=False)), "F:not-opened"),
    ],
)
@pytest.mark.requirement("C12")
def test_c12_what_was_fetched_last_came_in_time_and_opens_by_itself(
    retrieved: tuple[Retrieved, ...], verdict: str
) -> None:
    known = {"retrieved": retrieved}
    assert cell("C12", facts(known=known)) == "N:no-limit"
    assert cell("C12", facts(Available(seconds=5), known=known)) == verdict


@pytest.mark.requirement("C13")
def test_c13_a_signature_covers_it_where_its_type_asks_for_one() -> None:
    profile = Profile(old=False, new=False, reason=False, signature=True)
    assert cell("C13", facts(profile)) == "F:unreachable-path"
    assert cell("C13", facts(profile, known={"signed": True})) == "P"


def path(**leads: bool) -> dict[str, Any]:
    return {"path": Path(**({"equipment": False, "batch": False, "ruled": True} | leads))}


def link(kind: LinkKind) -> Link:
    return Link(kind=kind, id="x", basis=LinkBasis.READ)


@pytest.mark.parametrize(
    ("kind", "known", "verdict"),
    [
        (LinkKind.BATCH, path(batch=True), "P"),
        (LinkKind.BATCH, path(), "F:unreachable-path"),
        (LinkKind.BATCH, path(ruled=False), "N:no-batch-rule"),
        (LinkKind.EQUIPMENT, path(equipment=True), "P"),
        (LinkKind.EQUIPMENT, {}, "F:unreachable-path"),
        (LinkKind.PERSON, {}, "P"),
        (LinkKind.PERSON, {"owner": Owner(fault=Verdict.UNMAPPED)}, "F:unreachable-path"),
        (LinkKind.SAMPLE, path(batch=True, equipment=True), "F:unreachable-path"),
    ],
)
@pytest.mark.requirement("C13")
def test_c13_a_path_leads_to_all_that_the_type_asks_for(kind: LinkKind, known: dict[str, Any], verdict: str) -> None:
    profile = Profile(old=False, new=False, reason=False, links=(kind,))
    assert cell("C13", facts(profile, known=known, links=())) == verdict
    assert cell("C13", facts(profile, known=known, links=(link(kind),))) == "P"
    assert cell("C13", facts(known=known, links=(link(kind),))) == "N:no-profile"


@pytest.mark.requirement("C13")
def test_c13_a_change_names_its_request_where_the_type_asks_for_it() -> None:
    profile = Profile(old=False, new=False, reason=False, change_request=True)
    assert cell("C13", facts(profile)) == "F:unreachable-path"
    assert cell("C13", facts(profile, links=(link(LinkKind.CHANGE_REQUEST),))) == "P"
