"""What a rule adds to a batch before and after it had the equipment; tags and rooms that stand for equipment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ledger.core import canonical
from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Link, LinkBasis, LinkKind, Outcome, Submission
from ledger.core.record import Target as Object
from ledger.core.statement import sign_report
from ledger.sources.map_kinds import AssetMapped2
from ledger.sources.parameter_kinds import Parameter
from ledger.trace import batch, membership
from ledger.trace.bodies import record_of
from ledger.trace.evidence import gather
from ledger.trace.membership import Belongings, batches_of
from ledger.trace.selection import ByBatch, Chosen
from reports import layout
from reports.package import build
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.integration.reports.repack import unpack
from tests.unit.trace.small import AUTHORITY, SECOND, T0, Small, said, small

START, STOP = Action.START, Action.STOP
RULE = {
    "lead_s": 5,
    "tail_s": 7,
    "before_types": ["clearance"],
    "before_max_s": 100,
    "after_types": ["monitoring"],
    "after_max_s": 50,
}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """Equipment of class `reactor` has the rule; each test has equipment of its own."""
    with small(tmp_path_factory.mktemp("windows") / "ledger") as made:
        made.service.record_log().parameters.put(made.log.number, [rule("reactor")])
        yield made


def rule(of: str) -> Parameter:
    return Parameter(
        name=ParameterName.OCCUPATION, type=of, value=canonical.dumps(RULE).decode(), reason="test", authority=AUTHORITY
    )


def mapped(ledger: Small, tag: str, equipment: str | None, since: float = -10_000, until: float | None = None) -> None:
    """The asset map has the tag stand for the equipment, of class `reactor`."""
    entry = AssetMapped2(
        source="dcs",
        tag=tag,
        site=None,
        area=None,
        line=None,
        unit=None,
        equipment=equipment,
        description=None,
        gxp=True,
        asset_class="reactor",
        critical=True,
        valid_from=utc_text(T0 + round(since * SECOND)),
        valid_to=None if until is None else utc_text(T0 + round(until * SECOND)),
        reason="test",
        authority=AUTHORITY,
    )
    ledger.service.record_log().maps.put([entry])


def of(submission: Submission, type_: str, id_: str = "X", *links: tuple[LinkKind, str]) -> Submission:
    """The same of another object, with further links."""
    record = submission.record
    added = tuple(Link(kind=kind, id=name, basis=LinkBasis.READ) for kind, name in links)
    return replace(submission, record=replace(record, object=Object(type=type_, id=id_), links=(*record.links, *added)))


def phases(ledger: Small, batch: str, size: int | None = None) -> dict[int, str]:
    """By number of record: *read*, or in which time it is derived to belong."""
    numbers = {index: number for number, index in ledger.index.items()}
    chosen = ByBatch(kind=LinkKind.BATCH, id=batch)
    with ledger.service.store.reading() as connection:
        answer = Chosen(connection, ledger.log.number, size or ledger.size, chosen)
        return {numbers[one.index]: "read" if one.why is None else one.why.phase.value for one in answer}


@pytest.mark.requirement("R71")
def test_the_time_before_reaches_to_the_last_clearance_and_after_to_the_first_end_of_monitoring(ledger: Small) -> None:
    mapped(ledger, "K-1", "K-1")
    ledger.collect(
        [
            of(said(100, 20, equipment="K-1"), "clearance"), of(said(101, 60, equipment="K-1"), "clearance"),
            said(102, 70, equipment="K-1"), said(103, 90, START, batch="C1", equipment="K-1"),
            said(104, 200, STOP, batch="C1", equipment="K-1"), said(105, 230, equipment="K-1"),
            of(said(106, 240, equipment="K-1"), "monitoring"), said(107, 245, equipment="K-1"),
            said(108, 150, equipment="K-1"),
        ]
    )  # fmt: skip
    found = phases(ledger, "C1")
    assert found == {
        101: "before", 102: "before", 103: "read", 104: "read", 105: "after", 106: "after", 108: "during"
    }  # fmt: skip


def test_without_such_a_record_in_reach_so_many_seconds_count_and_without_a_rule_none(ledger: Small) -> None:
    mapped(ledger, "K-2", "K-2")
    ledger.collect(
        [
            of(said(200, 100, equipment="K-2"), "clearance"), said(201, 294, equipment="K-2"),
            said(202, 296, equipment="K-2"), said(203, 300, START, batch="C2", equipment="K-2"),
            said(204, 400, STOP, batch="C2", equipment="K-2"), said(205, 406, equipment="K-2"),
            said(206, 408, equipment="K-2"), said(207, 300, START, batch="C2", equipment="UNRULED"),
            said(208, 400, STOP, batch="C2", equipment="UNRULED"), said(209, 401, equipment="UNRULED"),
        ]
    )  # fmt: skip
    found = phases(ledger, "C2")
    assert {number: phase for number, phase in found.items() if phase != "read"} == {202: "before", 205: "after"}


def test_neighbouring_batches_share_what_lies_between_them(ledger: Small) -> None:
    mapped(ledger, "K-3", "K-3")
    ledger.collect(
        [
            said(300, 10, START, batch="C3", equipment="K-3"), said(301, 20, STOP, batch="C3", equipment="K-3"),
            said(302, 24, equipment="K-3"), said(303, 28, START, batch="C4", equipment="K-3"),
            said(304, 40, STOP, batch="C4", equipment="K-3"),
        ]
    )  # fmt: skip
    assert (phases(ledger, "C3")[302], phases(ledger, "C4")[302]) == ("after", "before")
    found = belonging(ledger, 302)
    phased = [(one.batch, one.why and one.why.phase.value) for one in found.batches]
    assert phased == [("C3", "after"), ("C4", "before")]


@pytest.mark.parametrize("many", [1, 1_000], ids=["what starts and stops", "what names the equipment"])
def test_by_either_way_to_the_starts_and_stops_a_record_belongs_to_the_same_batches(
    ledger: Small, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(batch, "_MANY", many)
    equipment, number = f"K-10-{many}", 1_000 + many
    ledger.collect(
        [
            said(number, 10, START, batch="C10", equipment=equipment),
            said(number + 1, 15, START, batch="C11", equipment=equipment, outcome=Outcome.FAILURE),
            said(number + 2, 20, equipment=equipment), said(number + 3, 90, STOP, batch="C10", equipment=equipment),
            said(number + 4, 95, STOP, batch="C11", equipment=equipment),
            said(number + 5, 15, START, batch="C12", equipment="K-12"),
        ]
    )  # fmt: skip
    (one,) = belonging(ledger, number + 2).batches
    assert one.why is not None
    by = (one.batch, one.why.started_by, one.why.stopped_by)
    assert by == ("C10", ledger.index[number], ledger.index[number + 3])


def test_of_very_many_starts_and_stops_those_near_the_record_are_read_and_it_says_so(
    ledger: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "NEAREST", 2)
    edges = [
        (2 * n + at, 10 * n + 4 * at + 1, what, f"B{n}") for n in range(6) for at, what in enumerate((START, STOP))
    ]
    ledger.collect(
        [
            said(3000, 0, START, batch="LONG", equipment="K-11"),
            *(said(3001 + at, second, what, batch=name, equipment="K-11") for at, second, what, name in edges),
            said(3050, 33, equipment="K-11"),
        ]
    )
    found = belonging(ledger, 3050)
    assert ([one.batch for one in found.batches], found.whole) == (["B3"], False)
    monkeypatch.setattr(membership, "NEAREST", 1_000)
    found = belonging(ledger, 3050)
    assert ([one.batch for one in found.batches], found.whole) == (["B3", "LONG"], True)


def belonging(ledger: Small, number: int) -> Belongings:
    """Of one record, as of now."""
    with ledger.service.store.reader(ledger.log.number) as reader:
        index, size = ledger.index[number], ledger.size
        return batches_of(reader.connection, ledger.log.number, size, index, record_of(reader, index, size))


def test_a_tag_stands_for_the_equipment_that_the_map_gives_it_then_and_a_room_for_its_own(ledger: Small) -> None:
    mapped(ledger, "TIC-4", "K-4", until=50)
    mapped(ledger, "TIC-4", "K-9", since=50)
    mapped(ledger, "ROOM-4", "K-4")
    ledger.collect(
        [
            said(400, 10, START, batch="C5", equipment="K-4"), said(401, 90, STOP, batch="C5", equipment="K-4"),
            of(said(402, 40, equipment=None), "setpoint", "TIC-4"),
            of(said(403, 60, equipment=None), "setpoint", "TIC-4"),
            of(said(404, 60, equipment=None), "reading", "P-1", (LinkKind.LOCATION, "ROOM-4")),
        ]
    )  # fmt: skip
    assert phases(ledger, "C5") == {400: "read", 401: "read", 402: "during", 404: "during"}


def test_a_map_that_is_corrected_changes_nothing_as_of_earlier_sizes(ledger: Small) -> None:
    mapped(ledger, "TIC-5", "K-8")
    ledger.collect(
        [
            said(500, 10, START, batch="C6", equipment="K-5"), said(501, 90, STOP, batch="C6", equipment="K-5"),
            of(said(502, 40, equipment=None), "setpoint", "TIC-5"),
        ]
    )  # fmt: skip
    before = ledger.size
    mapped(ledger, "TIC-5", "K-5")
    assert (502 in phases(ledger, "C6", before), 502 in phases(ledger, "C6")) == (False, True)


def test_what_an_order_of_the_batch_had_the_batch_had(ledger: Small) -> None:
    ordered = [
        of(said(601 + n, 10 + 80 * n, what, equipment="K-6"), "sequence", "S", (LinkKind.ORDER, f"PO-{order}"))
        for n, (what, order) in enumerate(((START, 6), (STOP, 6), (START, 7), (STOP, 7), (START, 8), (STOP, 8)))
    ]
    named = [
        of(said(620 + n, 0, batch="C7", equipment=None), "order", f"PO-{n}", (LinkKind.ORDER, f"PO-{n}"))
        for n in (6, 7)
    ]
    ledger.collect([*ordered, *named, *(said(630 + n, 20 + 80 * n, equipment="K-6") for n in range(6))])
    found = phases(ledger, "C7")
    assert {number for number, phase in found.items() if phase == "during"} == {601, 602, 603, 604, 630, 632}
    assert {number for number, phase in found.items() if phase == "read"} == {626, 627}


def test_a_package_says_by_which_rule_tag_and_order_and_anybody_can_check_it(ledger: Small, tmp_path: Path) -> None:
    mapped(ledger, "K-7", "K-7")
    mapped(ledger, "TIC-7", "K-7")
    order = (LinkKind.ORDER, "PO-70")
    ledger.collect(
        [
            of(said(700, 0, batch="C8", equipment=None), "order", "PO-70", order),
            of(said(701, 10, START, equipment="K-7"), "sequence", "S", order),
            of(said(702, 90, STOP, equipment="K-7"), "sequence", "S", order),
            of(said(703, 7, equipment=None), "setpoint", "TIC-7"), said(704, 95, equipment="K-7"),
        ]
    )  # fmt: skip
    service, out, log = ledger.service, tmp_path / "package.zip", ledger.log

    def seal(payload: Any) -> bytes:
        return sign_report(log.origin, payload, service.keys.report_key(log.name))

    with gather(service.store, log, ByBatch(kind=LinkKind.BATCH, id="C8")) as evidence:
        build(evidence, out, seal, product="trailseal test", disclose=False, zone="UTC")
    assert verify_package(out, [service.vkey(log)]).exit_code is ExitCode.HOLDS
    _, files = unpack(out)
    lines = [msgspec.json.decode(line) for line in files[layout.RECORDS].splitlines()]
    whys = {line["index"]: line.get("why", {}) for line in lines}
    before, after = whys[ledger.index[703]], whys[ledger.index[704]]
    assert (before["phase"], before["tag"], after["phase"], "tag" in after) == ("before", "TIC-7", "after", False)
    assert before["rule"] == after["rule"] == whys[ledger.index[701]]["rule"]
