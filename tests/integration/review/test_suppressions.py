"""What is looked past for a time: it stays, shows it, and nothing beyond the scope or the time is."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.core.clock import utc_text
from ledger.core.errors import ChangeRequestRequired, NotFound, SchemaViolation
from ledger.core.record import Target
from ledger.core.ruling import Suppression
from ledger.review.exceptions.reading import findings
from ledger.review.life.suppressions import checked, revoking, suppressions
from ledger.store.rebuild import rebuild
from tests.support.changing import ENGINEER, Desk
from tests.support.founded import founded
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger
from tests.support.ruling import change, collect, look

NOW_US = START_US + 1_000_000
END_US = START_US + 60_000_000


def looked_past(until_us: int = END_US, **scope: Any) -> Suppression:
    return Suppression(
        rule=scope.pop("rule", "D11"), since=utc_text(START_US), until=utc_text(until_us), reason="replaced",
        authority=AUTHORITY, **scope,
    )  # fmt: skip


def enter(ledger: Ledger, entry: Suppression) -> None:
    log = ledger.service.record_log().log
    ledger.service.quality.configuration.enter(log, [entry], "set", AUTHORITY)


def shown(ledger: Ledger, at_us: int = NOW_US) -> dict[str, bool]:
    """Which findings stand, by their objects, and whether each is looked past."""
    with ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
        found = findings(reader.connection, RECORDS, size, "D11", at_us=at_us)
    return {one.detail.partition(" ")[0]: one.suppressed is not None for one in found}


@pytest.fixture
def two(ledger: Ledger) -> Ledger:
    """A finding about each of two objects."""
    other = Target(type="recipe", id="R-7")
    steps = [change(1, "50", "51"), change(2, "58", "53")]
    steps += [change(3, "50", "51", object=other), change(4, "58", "53", object=other)]
    collect(ledger, steps)
    look(ledger)
    return ledger


def test_a_finding_stays_and_shows_it_until_the_suppression_ends_or_is_revoked(two: Ledger) -> None:
    assert shown(two) == {"TIC101.SP": False, "R-7": False}
    scope: dict[str, Any] = {"source": "erp", "object_type": "tag", "object_id": "TIC101.SP"}
    enter(two, looked_past(**scope))
    assert shown(two) == {"TIC101.SP": True, "R-7": False}
    assert shown(two, START_US - 1) == shown(two, END_US) == {"TIC101.SP": False, "R-7": False}, "not before, nor after"
    rebuild(two.store, two.owner_url, ["suppression"])
    assert shown(two) == {"TIC101.SP": True, "R-7": False}
    with two.store.reading() as connection:
        ended = revoking(connection, RECORDS, looked_past(**scope))
        with pytest.raises(NotFound, match="no suppression of D11 has that scope"):
            revoking(connection, RECORDS, looked_past(source="erp"))
    enter(two, ended)
    assert shown(two) == {"TIC101.SP": False, "R-7": False}
    assert two.service.verifier.run(two.service.record_log().log, full=True).holds


@pytest.mark.parametrize(
    ("scope", "past"),
    [
        ({}, {"TIC101.SP", "R-7"}),
        ({"source": "erp"}, {"TIC101.SP", "R-7"}),
        ({"source": "dcs"}, set()),
        ({"object_type": "recipe"}, {"R-7"}),
        ({"rule": "D10"}, set()),
        ({"source": "erp", "object_type": "recipe", "object_id": "R-8"}, set()),
    ],
    ids=["rule", "source", "another source", "type", "another rule", "another object"],
)
def test_nothing_is_looked_past_beyond_the_scope(sqlite_ledger: Ledger, scope: dict[str, Any], past: set[str]) -> None:
    other = Target(type="recipe", id="R-7")
    steps = [change(1, "50", "51"), change(2, "58", "53")]
    collect(sqlite_ledger, [*steps, change(3, "50", "51", object=other), change(4, "58", "53", object=other)])
    look(sqlite_ledger)
    enter(sqlite_ledger, looked_past(**scope))
    assert {name for name, is_past in shown(sqlite_ledger).items() if is_past} == past


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        (looked_past(rule="D99"), "there is no rule 'D99'"),
        (looked_past(START_US), "ends after it begins"),
        (looked_past(START_US + 367 * 86_400_000_000), "within 366 days"),
        (looked_past(object_id="TIC101.SP"), "one of a source and a type"),
        (Suppression(rule="D11", since="now", until="later", reason="x", authority=AUTHORITY), "later"),
    ],
    ids=["no rule", "no time", "too long", "no source", "no instant"],
)
def test_a_suppression_that_cannot_be_is_refused(entry: Suppression, wrong: str) -> None:
    with pytest.raises(SchemaViolation) as raised:
        checked(entry)
    assert wrong in f"{raised.value.message} {raised.value.advice}"


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    plant = founded(tmp_path_factory.mktemp("past") / "ledger", ENGINEER)
    yield Desk(plant)
    plant.close()


def test_it_takes_the_signature_of_a_second_person(desk: Desk) -> None:
    service, by = desk.plant.service, desk.engineer.sign_in().authority
    with pytest.raises(ChangeRequestRequired):
        service.quality.configuration.enter(desk.log, [looked_past()], "set", by)
    (entry,) = desk.change(looked_past())
    with service.store.reader(desk.log.number) as reader:
        (one,) = suppressions(reader.connection, desk.log.number, reader.head().size, NOW_US)
    assert (one.entry, one.by, one.in_force) == (entry, ENGINEER.account, True)
