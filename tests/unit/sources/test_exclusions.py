"""Records that do not count in an evaluation: they stay in every list, with who excluded them and why."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.core.errors import AccessDenied, Conflict, LedgerError, NotFound, SchemaViolation
from ledger.core.members import Members
from ledger.people.roles import Role
from ledger.sources.exclusions import MAX_MEMBERS, Excluded, Exclusions, exclusions_of
from ledger.sources.hand_kinds import Evaluation, EvaluationSort
from ledger.store.counting import counts
from ledger.store.question import Query
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, Ledger, new_ledger, submission
from tests.support.staff import Staff

YIELD = Evaluation(sort=EvaluationSort.CALCULATION, name="yield of B-2026-00042")
WHY = "the balance was under calibration that morning"
AGAIN = "its calibration was found to hold"


class Site:
    """A ledger with ten records, and a reviewer."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.staff = ledger, Staff(ledger.service)
        self.exclusions: Exclusions = ledger.service.record_log().exclusions
        self.staff.person("ben", Role.REVIEWER)
        self.records = [one.index for one in ledger.submit([submission(number) for number in range(10)]).outcomes]

    def exclude(self, *chosen: int, why: str = WHY) -> Excluded:
        """Of the ten, by their place."""
        indices = [self.records[at] for at in chosen]
        return self.exclusions.exclude(indices, YIELD, why, self.staff.acting("ben"))

    def lift(self, exclusion: str, why: str = AGAIN) -> Excluded:
        return self.exclusions.lift(exclusion, why, self.staff.acting("ben"))

    def of(self, at: int, size: int | None = None) -> tuple[Excluded, ...]:
        with self.ledger.store.reading() as connection:
            return exclusions_of(connection, RECORDS, self.records, size).get(self.records[at], ())


@pytest.fixture
def site(ledger: Ledger) -> Site:
    return Site(ledger)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    ledger = new_ledger(tmp_path_factory.mktemp("exclusions") / "ledger")
    yield Site(ledger)
    ledger.close()


@pytest.mark.requirement("R68")
def test_what_is_excluded_stays_with_its_reason_and_lifting_keeps_both(site: Site) -> None:
    with site.ledger.store.reader(RECORDS) as reader:
        before = counts(reader.connection, RECORDS, reader.head().size, Query(source=SOURCE)).total
    made, other = site.exclude(7, 0, 1, 2), site.exclude(2)
    assert (made.evaluation, made.count, made.lifted) == (YIELD, 4, None)
    assert (made.excluded.by, made.excluded.justification) == ("ben", WHY)
    assert list(Members.read(made.members)) == [site.records[at] for at in (0, 1, 2, 7)]
    assert [site.of(at) for at in (2, 7, 3)] == [(made, other), (made,), ()]
    with site.ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
        assert counts(reader.connection, RECORDS, size, Query(source=SOURCE)).total == before, "counted as ever"
    lifted = site.lift(made.exclusion)
    assert (lifted.excluded, lifted.lifted and lifted.lifted.justification) == (made.excluded, AGAIN)
    assert (site.of(2), site.of(2, size)) == ((lifted, other), (made, other)), "as of before, it was in force"
    assert site.of(2, made.excluded.entry) == ()
    assert site.exclusions.listed() == [other, lifted]
    assert site.exclusions.listed(before=other.excluded.entry) == [lifted]
    with pytest.raises(Conflict, match="lifted already"):
        site.lift(made.exclusion)
    assert site.ledger.service.verifier.run(site.ledger.service.record_log().log, full=True).holds


def wrong() -> Iterator[tuple[type[LedgerError], str, dict[str, Any]]]:
    yield SchemaViolation, "says too little", {"justification": "as discussed"}
    yield SchemaViolation, "0 records cannot", {"indices": []}
    yield SchemaViolation, f"{MAX_MEMBERS + 1} records cannot", {"indices": range(MAX_MEMBERS + 1)}
    yield SchemaViolation, "entry 0 is no record", {"indices": [0]}
    yield SchemaViolation, "entries 0 to 9 are not all", {"indices": range(10)}
    yield SchemaViolation, "entry 99999 is no record", {"indices": [99_999]}
    yield SchemaViolation, "at `", {"evaluation": Evaluation(sort=EvaluationSort.REVIEW, name="")}
    yield AccessDenied, "not authenticated", {"authority": AUTHORITY}


@pytest.mark.parametrize(("error", "words", "members"), list(wrong()))
def test_what_cannot_be_excluded_is_refused(
    here: Site, error: type[LedgerError], words: str, members: dict[str, Any]
) -> None:
    usual: dict[str, Any] = {
        "indices": here.records[:1], "evaluation": YIELD, "justification": WHY, "authority": here.staff.acting("ben")
    }  # fmt: skip
    with pytest.raises(error, match=words):
        here.exclusions.exclude(**(usual | members))
    assert here.exclusions.listed() == []


def test_only_what_was_excluded_is_lifted_and_with_a_reason(here: Site) -> None:
    with pytest.raises(NotFound, match="no exclusion 'none'"):
        here.lift("none")
    made = here.exclude(0)
    for why in ("ok", ""):
        with pytest.raises(SchemaViolation, match="says too little"):
            here.lift(made.exclusion, why)
    with pytest.raises(AccessDenied, match="not authenticated"):
        here.exclusions.lift(made.exclusion, AGAIN, AUTHORITY)
    here.lift(made.exclusion)
