"""Documents with their copies, the register over time, and what watched callers see."""

import csv
import io

import pytest
from sqlalchemy import text

from ledger.core.errors import IntegrityError, NotFound, SchemaViolation
from ledger.people.documents import LETTER
from ledger.people.person_kinds import Viewing
from ledger.people.register import read_register, register_csv
from ledger.people.roles import Role
from tests.api.world import World
from tests.support.staff import Staff
from tests.unit.people.test_people import forge
from tests.unit.people.test_persons import verified

PDF = b"%PDF-1.7 letter"


@pytest.fixture
def staff(world: World) -> Staff:
    made = Staff(world.service)
    made.person("officer1", Role.SECURITY_OFFICER)
    made.person("reviewer1", Role.REVIEWER)
    return made


@pytest.mark.requirement("R21")
def test_the_non_repudiation_letter_is_kept_with_its_date_and_copy(world: World, staff: Staff) -> None:
    documents = staff.people.documents
    with pytest.raises(NotFound):
        documents.get(LETTER)
    for version, data in enumerate((PDF, PDF + b" again")):
        documents.put(LETTER, f"Letter {version}", "2026-10-01", data, "application/pdf", "sent", staff.admin)
    known, copy = documents.get(LETTER)
    assert (known.title, known.dated, known.size, copy) == ("Letter 1", "2026-10-01", len(copy), PDF + b" again")
    assert [one.title for one in documents.list()] == ["Letter 1"]
    assert len(world.system_entries("document")) == 2
    assert verified(world) == []
    forge(world, "UPDATE original SET data = :other", other=b"another")
    with pytest.raises(IntegrityError, match="commits to"):
        documents.get(LETTER)
    assert verified(world)


@pytest.mark.parametrize(("dated", "data"), [("2090-01-01", PDF), ("yesterday", PDF), ("2026-10-01", b"")])
def test_a_document_without_sense_is_refused(staff: Staff, dated: str, data: bytes) -> None:
    with pytest.raises(SchemaViolation):
        staff.people.documents.put(LETTER, "Letter", dated, data, "application/pdf", "sent", staff.admin)


@pytest.mark.requirement("R05", "R72")
def test_the_register_says_who_held_which_right_from_when_to_when_as_of_any_size(world: World, staff: Staff) -> None:
    (granted,) = staff.person("auditor1", Role.AUDITOR, sites=["records"])
    before = staff.people.directory.seen().size
    end = staff.people.revoke(granted.grant, "moved", staff.admin)
    for size, to_index in ((None, end), (end + 1, end), (end, None), (before, None)):
        (line,) = [one for one in read_register(world.service.store, size).lines if one.account == "auditor1"]
        assert (line.role, line.sites, line.from_index, line.to_index) == (
            Role.AUDITOR, ("records",), granted.index, to_index,
        )  # fmt: skip
        assert (line.by, line.ended_by) == ("staff-office", None if to_index is None else "staff-office")
    earlier = read_register(world.service.store, granted.index)
    assert not [one for one in earlier.lines if one.account == "auditor1"]
    assert len(earlier.lines) == len(read_register(world.service.store).lines) - 1
    with pytest.raises(SchemaViolation):
        read_register(world.service.store, end + 100)


def test_the_registers_csv_reads_back_and_holds_no_formula(world: World, staff: Staff) -> None:
    staff.people.role_grants.grant("reviewer1", Role.AUDITOR, "=HYPERLINK(1)", staff.admin)
    register = read_register(world.service.store)
    rows = list(csv.DictReader(io.StringIO(register_csv(register))))
    assert [row["grant"] for row in rows] == [line.grant for line in register.lines]
    assert rows[-1]["reason"] == "'=HYPERLINK(1)"
    assert (rows[-1]["role"], rows[-1]["scopes"]) == ("auditor", "export read verify")
    assert {row["system_size"] for row in rows} == {str(register.size)}


def test_a_right_put_into_the_table_by_sql_is_no_line_of_the_register(world: World, staff: Staff) -> None:
    forge(
        world,
        "INSERT INTO access_grant SELECT log, 'deadbeef', from_index, NULL, 'reviewer1', state, scopes, sources,"
        " expires_us, 'approver', sites, from_us FROM access_grant WHERE account = 'reviewer1'",
    )
    with pytest.raises(IntegrityError, match="contradicts"):
        read_register(world.service.store)


@pytest.mark.requirement("R76")
def test_views_are_entries_in_order(world: World, staff: Staff) -> None:
    staff.inspector("inspector1")
    caller = staff.caller(staff.session("inspector1"))
    for number in range(3):
        staff.people.views.enter(caller, f"/entries/records/{number}", Viewing.SEEN)
    staff.people.views.enter(caller, "/api/v1/logs/records/entries/1/original", Viewing.EXPORTED)
    seen = staff.people.views.of("inspector1")
    assert [one.address for one in seen][:2] == ["/entries/records/0", "/entries/records/1"]
    assert [one.how for one in seen] == [Viewing.SEEN] * 3 + [Viewing.EXPORTED]
    assert [one.address for one in staff.people.views.of("inspector1", after=seen[1].index, limit=1)] == [
        "/entries/records/2"
    ]
    assert staff.people.views.of("reviewer1") == []
    assert verified(world) == []
    with world.service.store.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM viewed")) == 4
