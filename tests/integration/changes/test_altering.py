"""A change that reaches back lists what rests on what held then, and no more; that stays, and assessments succeed."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ledger.core.change import AlteredSort
from ledger.core.clock import utc_text
from ledger.core.errors import AccessDenied
from ledger.core.parameters import ParameterName
from ledger.core.record import Submission
from ledger.core.run import RunBatch
from ledger.review.alcoa.runs import SCHEDULE
from ledger.sources.map_kinds import AssetMapped2
from ledger.sources.parameter_kinds import Parameter
from tests.api.world import AT, submission
from tests.support.changing import ENGINEER, NOBODY, Desk, account
from tests.support.founded import founded

pytestmark = pytest.mark.sampled

LONG_AGO = "2025-01-01T00:00:00.000000Z"
"""Before the records happened, in November of that year."""


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    plant = founded(tmp_path_factory.mktemp("altering") / "ledger", ENGINEER, request=request)
    yield Desk(plant)
    plant.close()


def otherwise(desk: Desk, number: int) -> int:
    """A record that its source gave before, with other content: there is a finding over both."""
    service = desk.plant.service
    state = service.ingest.state("erp")
    given: dict[str, Any] = submission(number)
    given["record"]["outcome"] = "failure"
    batch = RunBatch(
        source="erp",
        started_at=AT,
        ended_at=AT,
        cursor_from=state.cursor,
        cursor_to=f"again {number}",
        submissions=(msgspec.convert(given, Submission),),
    )
    service.ingest.submit(batch, desk.plant.root)
    desk.plant.publish()
    with service.store.reader(1) as reader:
        return reader.head().size


@pytest.mark.requirement("R14", "R37")
def test_what_rests_on_the_past_is_listed_and_nothing_else(desk: Desk) -> None:
    entries = desk.plant.records(3)
    otherwise(desk, entries[0])
    desk.quality.sign_in()
    signature = desk.quality.sign(entries[1]).address
    run = desk.plant.service.quality.assessments.run(desk.log, True, SCHEDULE)
    actor = submission(entries[0])["record"]["actor"]["account"]
    proposed = desk.propose(account(actor, "P-1", valid_from=LONG_AGO))
    standing = desk.quality_service.proposals.get(desk.log, proposed.change)
    assert standing.proposal.back_to == LONG_AGO
    by_sort = {sort: [one for one in proposed.altered if one.sort is sort] for sort in AlteredSort}
    assert [one.id for one in by_sort[AlteredSort.FINDING]] == ["record-changed-after-collection"]
    assert [one.at for one in by_sort[AlteredSort.SIGNATURE]] == [signature]
    assert {one.at for one in by_sort[AlteredSort.ASSESSMENT]} == {f"{desk.log.origin}#{run.entries[-1]}"}
    assert proposed.altered_count == len(proposed.altered)
    assert all(one.certain for one in by_sort[AlteredSort.ASSESSMENT]), "it was judged again, and comes out otherwise"
    nobody = desk.propose(account("operator1", "P-1", source="a source without records", valid_from=LONG_AGO))
    assert nobody.altered == (), "it was judged again, and comes out as it was"
    assert nobody.index == proposed.index + 1, "nothing stays of what was tried"
    desk.bring(proposed, desk.sign(proposed))
    again = desk.plant.service.quality.assessments.run(desk.log, False, SCHEDULE)
    assert again.changed, "assessments have a successor"


def test_what_is_too_much_to_judge_again_is_listed_as_what_can_be_altered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plant.records(2)
    desk.plant.service.quality.assessments.run(desk.log, True, SCHEDULE)
    nobody = account("nobody of the records", "P-1", valid_from=LONG_AGO)
    monkeypatch.setattr("ledger.changes.rehearsing.MOST_JUDGED", 1)
    rehearsed: list[int] = []
    once = desk.plant.service.store.rehearse

    def counted(log: int, *rest: Any) -> Any:
        rehearsed.append(log)
        return once(log, *rest)

    monkeypatch.setattr(desk.plant.service.store, "rehearse", counted)
    by = desk.quality.sign_in().authority
    with pytest.raises(AccessDenied, match="'configure'"):
        desk.quality_service.proposals.propose(desk.log, (nobody,), "CR-1", "list", by)
    assert rehearsed == [], "nothing is tried out for somebody who may not propose it"
    (one,) = desk.propose(nobody).altered
    assert rehearsed == [desk.log.number]
    assert (one.sort, one.certain) == (AlteredSort.ASSESSMENT, False)
    monkeypatch.undo()
    monkeypatch.setattr("ledger.changes.rehearsing.MOST_BODIES", 0)
    assert [one.certain for one in desk.propose(nobody).altered] == [False]


@pytest.mark.requirement("R14", "R37", "R71")
def test_batches_that_records_join_or_leave_are_listed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By tags that stand for equipment from then on, or no longer; and by a rule that adds time to those who had it."""
    first = occupied(desk)
    tag = desk.propose(place("TIC9", "E-1"))
    told = [one for one in tag.altered if one.sort is AlteredSort.MEMBERSHIP]
    assert [(one.id, one.joined, one.left, one.certain) for one in told] == [("B-1", 1, 0, True)]
    assert told[0].at == f"{desk.log.origin}#{first + 1}"
    assert desk.propose(place("another tag", "E-1")).altered == ()
    desk.bring(tag, desk.sign(tag))
    moved = [one for one in desk.propose(place("TIC9", "E-2")).altered if one.sort is AlteredSort.MEMBERSHIP]
    assert [(one.id, one.joined, one.left) for one in moved] == [("B-1", 0, 1)]
    rule = Parameter(
        name=ParameterName.OCCUPATION, type="reactor", value='{"tail_s":3600}', reason="SOP-7", authority=NOBODY
    )
    longer = [one for one in desk.propose(rule).altered if one.sort is AlteredSort.MEMBERSHIP]
    assert [(one.id, one.joined, one.left) for one in longer] == [("B-1", 1, 0)], "the value after its end"
    for bound in ("MOST_NEAR", "MOST_BODIES"):
        with monkeypatch.context() as patched:
            patched.setattr(f"ledger.changes.rehearsing.{bound}", 0)
            (can,) = (one for one in desk.propose(rule).altered if one.sort is AlteredSort.MEMBERSHIP)
        assert (can.id, can.certain, can.joined, can.left, can.at) == ("B-1", False, 0, 0, f"{desk.log.origin}#{first}")


def place(tag: str, equipment: str) -> AssetMapped2:
    """The tag stands for an equipment of class `reactor`, and always did."""
    return AssetMapped2(
        source="erp",
        tag=tag,
        site=None,
        area=None,
        line=None,
        unit=None,
        equipment=equipment,
        description=None,
        gxp=True,
        asset_class="reactor",
        valid_from=LONG_AGO,
        valid_to=None,
        reason="list of tags",
        authority=NOBODY,
    )


def occupied(desk: Desk) -> int:
    """Batch B-1 has E-1; TIC9 has a value meanwhile, and one after it. The index of the first record."""
    service = desk.plant.service
    desk.plant.records(1)
    links = [{"kind": kind, "id": id_, "basis": "read"} for kind, id_ in (("batch", "B-1"), ("equipment", "E-1"))]
    acts = ((10, "start", "E-1"), (20, "update", "TIC9"), (30, "stop", "E-1"), (50, "update", "TIC9"))
    made = []
    for minute, action, tag in acts:
        given: dict[str, Any] = submission(100 + minute)
        at_us = given["record"]["occurred_at"]["instant_us"] + minute * 60_000_000
        given["record"]["occurred_at"] |= {"instant_us": at_us, "text": utc_text(at_us)}
        given["record"] |= {"action": action, "object": {"type": "tag", "id": tag}}
        given["record"]["links"] = links if tag == "E-1" else []
        made.append(msgspec.convert(given, Submission))
    with service.store.reader(1) as reader:
        first = reader.head().size
    batch = RunBatch(
        source="erp",
        started_at=AT,
        ended_at=AT,
        cursor_from=service.ingest.state("erp").cursor,
        cursor_to="occupied",
        submissions=tuple(made),
    )
    service.ingest.submit(batch, desk.plant.root)
    desk.plant.publish()
    return first


def test_a_change_of_what_is_to_come_alters_nothing(desk: Desk) -> None:
    desk.plant.records(2)
    desk.plant.service.quality.assessments.run(desk.log, True, SCHEDULE)
    later = utc_text(desk.plant.clock.now_us() + 3_600_000_000)
    limits = Parameter(
        name=ParameterName.LIMITS, value='{"late_s":60}', applies_from=later, reason="SOP-7", authority=NOBODY
    )
    proposed = desk.propose(limits, account("operator1", "P-1", valid_from=later))
    assert (proposed.altered, proposed.altered_count) == ((), 0)
    always = msgspec.structs.replace(limits, applies_from=None)
    assert [one.sort for one in desk.propose(always).altered] == [AlteredSort.ASSESSMENT]
    other = msgspec.structs.replace(always, source="another source")
    assert desk.propose(other).altered == ()


def test_a_correction_reaches_as_far_as_what_it_corrects(desk: Desk) -> None:
    """A line that now ends earlier says otherwise of the time until the one before it ended."""
    entries = desk.plant.records(1)
    desk.quality.sign_in()
    desk.quality.sign(entries[0])
    actor = submission(entries[0])["record"]["actor"]["account"]
    span = {"valid_from": LONG_AGO, "valid_to": "2025-02-01T00:00:00.000000Z"}
    desk.change(account(actor, "P-1", valid_from=LONG_AGO))
    ended = desk.propose(account(actor, "P-1", **span))
    assert [one.sort for one in ended.altered] == [AlteredSort.SIGNATURE]
    other = desk.propose(account(f"{actor} too", "P-1", **span))
    assert other.altered == ()
