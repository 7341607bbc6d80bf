"""The history of an object: what each change follows, what was signed, and what its source gave again."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.record import Change, Interval, Sealed, Target
from ledger.core.source import SourceConfig
from ledger.core.times import Basis, Clock, Precision, SourceTime
from ledger.store import changes
from ledger.trace.history import Continuity, HistoryPage, Version, versions
from tests.support.founded import founded
from tests.support.ledgers import RECORDS, START_US, batch, source_time, submission
from tests.support.signers import Plant

SECOND = 1_000_000
STEADY = Clock(offset_us=0, uncertainty_us=0, measured_at=utc_text(START_US), method="test")
ROUGH = Clock(offset_us=0, uncertainty_us=60 * SECOND, measured_at=utc_text(START_US + 1), method="test")
FIRST, HOLDS, BROKEN, CANNOT_TELL = Continuity


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = founded(tmp_path_factory.mktemp("history") / "ledger", request=request)
    for source, seal in (("dcs", ()), ("mes", ()), ("hr", ("changes.Value", "reason"))):
        made.service.sources.register(SourceConfig(id=source, type="test", title=source, seal=seal), made.root)
    yield made
    made.close()


class Object:
    """An object of its own of one source."""

    def __init__(self, plant: Plant, id_: str, source: str = "dcs") -> None:
        self.plant = plant
        self.id = id_
        self.source = source
        self.given = 0

    def put(self, seconds: float | None, *changed: Change, number: str | None = None, **told: Any) -> int:
        """A record of it that happened so many seconds after the start; returns its entry."""
        self.given += 1
        clock = told.pop("clock", STEADY)
        if seconds is not None:
            told["occurred_at"] = source_time(START_US + round(seconds * SECOND))
        one = submission(
            number or f"{self.id}/{self.given}",
            self.source,
            object=Target(type="tag", id=self.id),
            changes=changed,
            **told,
        )
        service = self.plant.service
        with service.store.reader(RECORDS) as reader:
            first = reader.head().size
        given = msgspec.structs.replace(one, clock=clock, received_at=utc_text(START_US + 3_600 * SECOND))
        cursor = service.ingest.state(self.source).cursor
        service.ingest.submit(batch([given], self.source, cursor_from=cursor, cursor_to=f"{first}"), self.plant.root)
        return first

    def page(self, size: int | None = None, **asked: Any) -> HistoryPage:
        service = self.plant.service
        log = service.log()
        with service.store.reader(log.number) as reader:
            at = reader.head().size if size is None else size
            return versions(service.store, reader.connection, log, at, "tag", self.id, **asked)

    def told(self, size: int | None = None) -> dict[int, Version]:
        return {one.index: one for one in self.page(size).versions}

    def continuity(self) -> list[Continuity]:
        """Of the first change of each version, the oldest first."""
        return [one.steps[0].continuity for one in reversed(self.page().versions)]


def value(old: Any, new: Any, **more: Any) -> Change:
    return Change(attribute="Value", old=old, new=new, **more)


@pytest.mark.requirement("C10")
@pytest.mark.parametrize("few", [changes.FEW, 0])
def test_each_change_is_held_against_the_one_before_it_in_time(
    plant: Plant, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "FEW", few)
    tag = Object(plant, f"T-{few}")
    first, third = tag.put(10, value("1", "2")), tag.put(30, value("3", "4"))
    late = tag.put(20, value("2", "3"))
    fourth = tag.put(40, value("5", "6"))
    told = tag.told()
    assert list(told) == [fourth, late, third, first]
    assert {index: (one.steps[0].continuity, one.steps[0].previous) for index, one in told.items()} == {
        first: (FIRST, None),
        late: (HOLDS, first),
        third: (HOLDS, late),
        fourth: (BROKEN, third),
    }
    assert told[fourth].steps[0].expected == "4"
    # As of a size before the late one came, the third did not go on from the first.
    assert tag.told(size=late)[third].steps[0].continuity is BROKEN


@pytest.mark.parametrize("few", [changes.FEW, 0])
def test_where_clocks_or_looks_leave_it_open_nothing_is_called_broken(
    plant: Plant, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "FEW", few)
    overlap = Object(plant, f"overlap-{few}")
    overlap.put(10, value("1", "2"))
    overlap.put(20, value("7", "8"), clock=ROUGH)
    assert overlap.continuity() == [CANNOT_TELL, CANNOT_TELL]
    looks = Object(plant, f"looks-{few}")
    unknown = SourceTime(text="?", precision=Precision.MICROSECOND, basis=Basis.NONE)
    between = Interval(after=utc_text(START_US + 20 * SECOND), before=utc_text(START_US + 30 * SECOND))
    looks.put(10, value("1", "2"))
    looks.put(None, value("2", "3", inferred=between), occurred_at=unknown)
    looks.put(40, value("8", "9", gap=True))
    looks.put(50, value(msgspec.UNSET, "10"))
    looks.put(60, value("10", "11"))
    assert looks.continuity() == [FIRST, HOLDS, CANNOT_TELL, CANNOT_TELL, HOLDS]
    undated = Object(plant, f"undated-{few}")
    undated.put(10, value("1", "2"))
    undated.put(None, value("8", "9"), occurred_at=unknown)
    assert undated.continuity() == [CANNOT_TELL, CANNOT_TELL]


def test_sources_and_types_of_one_name_are_told_apart_and_a_field_is_asked_alone(plant: Plant) -> None:
    one, other = Object(plant, "shared"), Object(plant, "shared", "mes")
    one.put(10, value("1", "2"), Change(attribute="Mode", old="auto", new="manual"))
    other.put(20, value("8", "9"))
    assert one.continuity() == [FIRST, FIRST]
    assert [version.source for version in one.page(source="mes").versions] == ["mes"]
    (mode,) = one.page(attribute="Mode").versions
    assert [step.attribute for step in mode.steps] == ["Mode"]


def test_sealed_values_are_compared_by_their_commitments_and_never_opened(plant: Plant) -> None:
    person = Object(plant, "E-1", "hr")
    person.put(10, value("Anna", "Berta"), reason="told in confidence")
    person.put(20, value("Berta", "Clara"))
    told = person.page().versions
    assert all(isinstance(step.new, Sealed) for one in told for step in one.steps)
    assert (told[-1].reason, told[-1].reasoned) == (None, True)
    said = msgspec.json.encode(told).decode()
    assert not any(word in said for word in ("Anna", "Berta", "Clara", "confidence"))
    # Each value is salted: the same value has another commitment, so that nothing can be said.
    assert told[0].steps[0].continuity is CANNOT_TELL


@pytest.mark.requirement("R57")
def test_a_signature_covers_its_version_and_a_later_change_says_so(plant: Plant) -> None:
    tag = Object(plant, "signed")
    first = tag.put(10, value("1", "2"))
    # Logged before it is signed, and not after it: nobody who signed has not seen it.
    early = tag.put(20, value("2", "3"))
    plant.publish()
    plant.quality.sign_in()
    signed = plant.quality.sign(first, early)
    later = tag.put(30, value("3", "4"))
    told = tag.told()
    for index in (first, early):
        (covering,) = told[index].signatures
        assert (covering.address, covering.account, covering.role) == (signed.address, "quality1", "approver")
    assert told[later].signatures == ()
    assert [told[index].steps[0].after_signature for index in (first, early, later)] == [None, None, signed.address]
    assert tag.told(size=early + 1)[first].signatures == (), "at that size nobody had signed"


@pytest.mark.requirement("R07")
def test_a_record_that_its_source_gave_again_names_both_versions(plant: Plant) -> None:
    tag = Object(plant, "again")
    first = tag.put(10, value("1", "2"), number="again/1")
    second = tag.put(10, value("1", "7"), number="again/1")
    told = tag.told()
    assert (told[first].corrected_by, told[second].corrects) == (second, first)
    assert tag.told(size=second)[first].corrected_by is None, "as of a size before it came"


def test_pages_follow_each_other_as_of_one_size(plant: Plant) -> None:
    tag = Object(plant, "pages")
    placed = [tag.put(at, value(str(at), str(at + 1))) for at in range(7)]
    size, seen, before = tag.page().size, [], None
    while True:
        page = tag.page(size, before=before, limit=3)
        seen += [one.index for one in page.versions]
        tag.put(100, value("8", "9"))
        if (before := page.next_before) is None:
            break
    assert seen == placed[::-1]
