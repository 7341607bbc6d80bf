"""A ledger's folder that has a file of every sort that the product ever writes there."""

from pathlib import Path

from ledger.core.clock import utc_text
from ledger.findings.incident_kinds import Cause
from ledger.people.roles import Role
from ledger.trust.agent_ca import AgentCa
from ledger.trust.export import export_published
from tests.support.ledgers import AUTHORITY, SOURCE, START_US, Ledger, MovableClock, submission
from tests.support.stamping import Site
from tests.support.tsa import Stamper, Stampers
from tests.support.witness import Trust, two_witnesses

TILES = "tiles"


def furnish(ledger: Ledger, clock: MovableClock, stamper: Stamper) -> None:
    """Has it witnessed, time-stamped and published, with agents, notices, an earlier digest secret and a case."""
    service = ledger.service
    trust = Trust(ledger, *two_witnesses(ledger))
    trust.policy()
    for number in range(2):
        ledger.submit([submission(10 * number + at, data=b'{"n":%d}' % at) for at in range(10)])
        trust.publisher.publish_all()
    stamping = Site(ledger, clock, Stampers(clock, one=stamper))
    stamping.let_in("one")
    trust.publisher.publish_all()
    assert not [one.error for one in stamping.stamping.stamp() if one.error]
    service.require_receipt_key(service.log(), AUTHORITY)
    AgentCa(ledger.folder / "keys", clock).ensure()
    service._notice_key()
    service.rotate_digest(AUTHORITY)
    staff = stamping.staff
    staff.person("qa1", Role.APPROVER)
    case = service.compromises.report(Cause.SOURCE, SOURCE, utc_text(START_US - 1), "the password was found", AUTHORITY)
    service.compromises.open(case.case, "agreed", staff.acting("qa1"))
    trust.publisher.publish_all()
    export_published(service.store, ledger.folder / TILES)


def files(folder: Path) -> list[str]:
    """The files of a folder that hold anything, but for the database's own."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.stat().st_size and path.parent.joinpath(path.name) not in _database(folder)
    ]


def _database(folder: Path) -> set[Path]:
    return {folder / f"ledger.sqlite{end}" for end in ("", "-wal", "-shm")}
