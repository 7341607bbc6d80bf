"""D25: a review was not signed by its due date, was done by who did the work, or is hollow."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.review import Reviewed
from ledger.core.rule_parameters import D25, Pattern
from ledger.core.rule_run import Examined
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import SOURCE, START_US, new_ledger, submission
from tests.support.office import Office
from tests.support.postgres import chosen_database
from tests.support.ruling import change, collect, connect, found, look, of, put, rests_on
from tests.support.seeds import SEED

VALUE = D25(due=(Pattern(object_type="batch", actions=(Action.STOP,)),), due_s=100)


def at(number: int) -> str:
    return utc_text(START_US + number * 1_000_000)


def linked(batch: str) -> tuple[Link, ...]:
    return (Link(kind=LinkKind.BATCH, id=batch, basis=LinkBasis.READ),)


def done(number: int, batch: str = "B-1") -> Submission:
    """At second `number` a batch was done; without one, whatever has to be in a review of its time."""
    return submission(number, object=Target(type="batch", id=batch or "week"), action=Action.STOP, changes=(),
                      links=linked(batch) if batch else ())  # fmt: skip


class Site(Office):
    """Whose batches are reviewed 100 seconds after they are done."""

    def value(self, **rule: Any) -> None:
        put(self.ledger, ParameterName.D25, msgspec.structs.replace(VALUE, **rule))

    def told(self, *told: Submission) -> Examined:
        collect(self.ledger, told)
        return of(look(self.ledger), "D25")

    def broken(self, batch: str = "B-1") -> list[str]:
        """Two findings about a batch, which is done at second 20."""
        values = ("51", "61", "71")
        self.told(*(change(number, f"{number}0", values[number], links=linked(batch)) for number in range(3)),
                  done(20, batch))  # fmt: skip
        return [one.key for one in found(self.ledger, "D11")]

    def whys(self) -> list[str]:
        return [one.why for one in found(self.ledger, "D25")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "ledger")
    made.value()
    yield made
    made.people.close()


def test_a_review_that_is_signed_too_late_or_never_is_found(site: Site) -> None:
    site.at(50)
    told = [change(number, "1", "1", links=linked(f"B-{number}")) for number in (1, 2, 3)]
    assert site.told(*told, *(done(20 + number, f"B-{number}") for number in (1, 2, 3))).pending == 3
    site.sign(site.conclude("B-1"))
    late = site.conclude("B-2")
    site.at(121)
    assert (site.told().pending, site.whys()) == (2, []), "the second has one second left"
    site.at(124)
    site.told()
    assert rests_on(site.ledger, "D25") == {("overdue", frozenset({"22"})), ("overdue", frozenset({"23"}))}
    assert "the audit trail review of B-2 was not signed by " in found(site.ledger, "D25")[0].detail
    site.sign(late)
    site.judge(found(site.ledger, "D25")[1].key, reason="the reviewer was ill")
    site.sign(site.conclude("B-3"))
    site.at(300)
    assert (site.told().closed, len(site.whys())) == (0, 2), "to sign it afterwards is too late"


def test_a_reviewer_who_did_some_of_it_is_found_once_the_map_says_so(site: Site) -> None:
    site.at(50)
    site.told(change(1, "1", "1", links=linked("B-1")), done(20))
    site.sign(site.conclude())
    site.at(60)
    assert (site.told().clear, site.whys()) == (1, [])
    site.people.map("operator1", "anna")
    assert (site.told().opened, site.whys()) == (1, ["own-work"])
    assert "anna reviewed what they did themselves" in found(site.ledger, "D25")[0].detail
    site.people.map("operator1", "paul")
    assert (site.told().closed, site.whys()) == (1, []), "the map was wrong"


def test_a_clock_is_on_the_reviewer_only_where_the_site_says_so(site: Site) -> None:
    site.at(50)
    site.told(change(1, "1", "1", links=linked("B-1")), done(20))
    review = site.open(Reviewed(batch="B-1"))
    site.look(review)
    site.at(59)
    site.sign(site.end(review))
    assert (site.told().clear, site.whys()) == (1, [])
    site.value(least_s=10)
    assert (site.told().opened, site.whys()) == (1, ["too-fast"])
    assert "it was concluded 9 s after it was opened" in found(site.ledger, "D25")[0].detail
    site.value(least_s=9)
    assert site.told().closed == 1


@pytest.mark.parametrize(
    ("judged", "hollow"),
    [("one by one", ["same-words"]), ("at once", ["same-words"]), ("each", []), ("of one cause", [])],
)
def test_findings_that_were_judged_in_the_same_words_were_not_judged(
    site: Site, judged: str, hollow: list[str]
) -> None:
    site.value(same_words=2)
    site.at(50)
    keys = site.broken()
    if judged == "at once":
        site.judge(*keys)
    else:
        for number, key in enumerate(keys):
            words = f"compared with page {number}" if judged == "each" else "Compared with the paper"
            site.judge(key, reason=words, case="restart" if judged == "of one cause" else None)
    site.sign(site.conclude())
    site.told()
    assert (len(keys), site.whys()) == (2, hollow)


def test_records_that_were_looked_at_all_at_once_are_found(site: Site) -> None:
    site.value(at_once=2)
    site.at(50)
    site.told(*(change(number, "1", "1", links=linked(f"B-{number % 2}")) for number in range(4)),
              done(20, "B-0"), done(21, "B-1"))  # fmt: skip
    site.sign(site.conclude("B-0"))
    review = site.open(Reviewed(batch="B-1"))
    for entry in site.service.reviews.get(site.log, review).left:
        site.look(review, entry)
    site.sign(site.end(review))
    site.told()
    assert rests_on(site.ledger, "D25") == {("at-once", frozenset({"20"}))}


def test_a_later_review_counts_in_place_of_the_one_before(site: Site) -> None:
    site.value(at_once=2)
    site.at(50)
    site.told(change(1, "1", "1", links=linked("B-1")), done(20))
    review = site.open(Reviewed(batch="B-1"))
    for entry in site.service.reviews.get(site.log, review).left:
        site.look(review, entry)
    site.sign(site.end(review))
    assert (site.told().clear, site.whys()) == (1, [])
    site.at(60)
    site.conclude()
    ran = look(site.ledger)
    assert (of(ran, "D25").opened, site.whys()) == (1, ["at-once"]), "though no record came since"


def test_what_is_of_no_batch_is_reviewed_with_its_time(site: Site) -> None:
    site.at(50)
    site.told(done(20, ""), done(40, ""), done(45, ""))
    review = site.open(Reviewed(sources=(SOURCE,), from_at=at(0), to_at=at(41)))
    site.look(review)
    site.sign(site.end(review))
    site.at(144)
    examined = site.told()
    assert (examined.pending, site.whys()) == (1, [])
    site.at(150)
    site.told()
    assert rests_on(site.ledger, "D25") == {("overdue", frozenset({"45"}))}
    assert "the audit trail review of entry" in found(site.ledger, "D25")[0].detail


def test_what_cannot_be_said(tmp_path: Path, site: Site) -> None:
    off = Clock(offset_us=0, uncertainty_us=20_000_000, method="test", measured_at=at(0))
    site.at(50)
    site.told(change(1, "1", "1", links=linked("B-1")), msgspec.structs.replace(done(20), clock=off))
    request = site.conclude()
    site.at(110)
    site.sign(request)
    assert (site.told().unordered, site.whys()) == (1, [])
    ledger = new_ledger(tmp_path / "other")
    try:
        connect(ledger, erp=SystemClass.ERP)
        collect(ledger, [submission(1, action=Action.APPROVE)])
        assert [(one.input, one.records) for one in of(look(ledger), "D25").lacking] == [("d25", 1)]
    finally:
        ledger.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "ledger", chosen_database(request))
    made.value()
    yield made
    made.people.close()


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival_and_nothing_twice(either: Site, order: int) -> None:
    told = [change(number, "1", "1", links=linked(f"B-{number % 4}")) for number in range(8)]
    told += [done(20 + number, f"B-{number}") for number in range(4)]
    mixed = list(told)
    Random(f"{SEED}:{order}").shuffle(mixed)
    either.at(50)
    for at_ in range(0, len(mixed), 5):
        either.told(*mixed[at_ : at_ + 5])
    for batch in ("B-1", "B-3"):
        either.sign(either.conclude(batch))
    either.at(200)
    either.told(*told)
    expected = {("overdue", frozenset({"20"})), ("overdue", frozenset({"22"}))}
    assert rests_on(either.ledger, "D25") == expected
    assert either.told(*told).opened == 0
    assert rests_on(either.ledger, "D25") == expected
