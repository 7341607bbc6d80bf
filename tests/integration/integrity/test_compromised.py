"""An agent's or a person's key in other hands: the impact list from the first doubtful moment is the planted one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.core.clock import utc_text
from ledger.core.members import Members
from ledger.core.record import Link, LinkBasis, LinkKind
from ledger.findings.incident_kinds import Cause
from ledger.integrity.incidents.cases import Case
from ledger.packages import issue
from ledger.people.roles import Role
from ledger.service import Service
from ledger.trace.selection import ByBatch
from tests.support.devices import Device
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, Ledger, MovableClock
from tests.support.signers import Plant
from tests.support.staff import Staff

HOUR = 3_600_000_000


def impact(service: Service, case: Case) -> set[tuple[str, str]]:
    """Sort and id of all that rests on a case."""
    seen = {log.origin for log in service.store.logs()}
    page = service.cases.impact(case, seen, limit=10_000)
    assert page.after is None
    return {(one.sort, one.id) for one in page.artefacts}


def links(batch: str) -> tuple[Link, ...]:
    return (Link(kind=LinkKind.BATCH, id=batch, basis=LinkBasis.READ),)


def test_what_a_compromised_agent_delivered_since_is_doubted_with_all_that_rests_on_it(
    sqlite_ledger: Ledger, clock: MovableClock, tmp_path: Path
) -> None:
    service, log = sqlite_ledger.service, sqlite_ledger.service.log()
    sqlite_ledger.register("other")
    agents = {name: Device(name) for name in ("edge1", "edge2")}
    agents["edge1"].enrol(sqlite_ledger, (SOURCE,))
    agents["edge2"].enrol(sqlite_ledger, ("other",))

    def deliver(agent: str, source: str, number: int, batch: str) -> range:
        """Takes a batch of one record of that batch; returns the entries that it made."""
        with sqlite_ledger.store.reader(RECORDS) as reader:
            first = reader.head().size
        made = agents[agent].make(number, source=source, links=links(batch))
        service.record_log().take(made)
        agents[agent].sent(made)
        with sqlite_ledger.store.reader(RECORDS) as reader:
            return range(first, reader.head().size)

    deliver("edge1", SOURCE, 1, "B-before")
    issue(service, log, ByBatch(kind=LinkKind.BATCH, id="B-before"), tmp_path / "before.zip", AUTHORITY)
    clock.at_us += HOUR
    since = utc_text(clock.at_us)
    doubted = deliver("edge1", SOURCE, 2, "B-after")
    deliver("edge2", "other", 3, "B-beside")
    told = issue(service, log, ByBatch(kind=LinkKind.BATCH, id="B-after"), tmp_path / "after.zip", AUTHORITY)
    clock.at_us += HOUR
    staff = Staff(service)
    staff.person("qa1", Role.APPROVER)
    case = service.compromises.report(Cause.AGENT, "edge1", since, "its key was copied", AUTHORITY)
    case = service.compromises.open(case.case, "agreed", staff.acting("qa1"))
    assert case.affected({log.origin: RECORDS}) == {RECORDS: Members.of(doubted)}
    assert impact(service, case) == {("link:batch", "B-after"), ("package", told.package)}
    assert service.verifier.run(service.system).holds


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path / "ledger")
    made.found()
    yield made
    made.service.close()


def test_what_a_persons_stolen_key_signed_since_is_doubted_and_nothing_else(plant: Plant) -> None:
    service, reviewer = plant.service, plant.join("reviewer1", "Rita Reviewer", Role.APPROVER)
    records = plant.records(3)
    reviewer.sign_in()
    before = reviewer.sign(records[0])
    plant.clock.pass_seconds(3600)
    since = utc_text(plant.clock.now_us())
    reviewer.sign_in()
    after = [reviewer.sign(index) for index in records[1:]]
    plant.quality.sign_in()
    beside = plant.quality.sign(records[0])
    plant.clock.pass_seconds(3600)
    case = service.compromises.report(Cause.KEY, reviewer.key_id, since, "her device is gone", plant.root)
    case = service.compromises.open(case.case, "agreed", plant.quality.sign_in().authority)
    assert impact(service, case) == {("signature", one.address) for one in after}
    system = service.system
    assert case.affected({system.origin: system.number}) == {system.number: Members.of(one.index for one in after)}
    with service.store.reading() as connection:
        standing = service.standings.now(connection)
    doubted = [standing.of_entry(system.number, one.index) for one in (before, *after, beside)]
    assert doubted == [None, case.case, case.case, None]
    assert service.verifier.run(system).holds
