"""D19: signatures at a pace that nobody keeps, or of what the person never opened."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Actor, ActorKind, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D19, Pattern
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import account, collect, found, look, map_, of, put

VALUE = D19(
    signed=(Pattern(object_type="step", actions=(Action.SIGN,)),),
    many=4,
    within_s=60,
    least_s=5,
    opened=(Pattern(object_type="step", actions=(Action.READ,)), Pattern(object_type="folder", actions=(Action.READ,))),
    open_s=100,
    set_link=LinkKind.DOCUMENT,
)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    put(ledger, ParameterName.D19, VALUE)
    yield ledger
    ledger.close()


def did(number: int, who: str, thing: str, action: Action = Action.SIGN, folder: str = "", type_: str = "step",
        kind: ActorKind = ActorKind.PERSON) -> Submission:  # fmt: skip
    links = (Link(kind=LinkKind.DOCUMENT, id=folder, basis=LinkBasis.READ),) if folder else ()
    return submission(number, actor=Actor(account=who, kind=kind), action=action, object=Target(type=type_, id=thing),
                      changes=(), links=links)  # fmt: skip


def opened(number: int, who: str, *things: str) -> list[Submission]:
    return [did(number + at, who, one, Action.READ) for at, one in enumerate(things)]


def test_a_pace_that_nobody_keeps_is_found_once(plant: Ledger) -> None:
    collect(plant, [
        *opened(0, "anna", "1", "2", "3", "4", "5"), *opened(400, "ben", "6", "7", "8"),
        *(did(10 + 10 * at, "anna", str(at)) for at in range(1, 6)),
        did(410, "ben", "6"), did(415, "ben", "7"), did(419, "ben", "8"),
        did(500, "carl", "9"), *opened(395, "carl", "9"), *opened(510, "carl", "9"),
        *opened(790, "dora", "1"), did(800, "dora", "1"), did(802, "dora", "1"),
        *(did(600 + at, "robot", str(at), kind=ActorKind.SERVICE) for at in range(9)),
    ])  # fmt: skip
    examined = of(look(plant), "D19")
    assert {(one.why, len(one.entries), one.detail[0]) for one in found(plant, "D19")} == {
        ("too-many", 4, "4"),
        ("too-soon", 2, "8"),
        ("not-opened", 1, "9"),
    }
    assert (examined.examined, examined.clear, examined.findings) == (11, 8, 3)


def test_one_set_that_the_person_opened_explains_it(plant: Ledger) -> None:
    read = [did(number, who, "F1", Action.READ, type_="folder") for number, who in ((1, "anna"), (301, "carl"))]
    collect(plant, [
        *read, *(did(10 + at, "anna", str(at), folder="F1") for at in range(4)),
        *(did(310 + at, "ben", str(at), folder="F1") for at in range(4)),
    ])  # fmt: skip
    examined = of(look(plant), "D19")
    assert (examined.explained, examined.clear) == (1, 3), "the fourth of anna's; three of them are not too many"
    assert {one.why for one in found(plant, "D19")} == {"too-many", "too-soon", "not-opened"}


def test_what_comes_late_opens_and_closes_it(plant: Ledger) -> None:
    collect(plant, [*opened(0, "anna", "1", "2", "3", "4"), *(did(10 * at, "anna", str(at)) for at in (1, 2, 4))])
    assert (of(look(plant), "D19").clear, found(plant, "D19")) == (3, [])
    collect(plant, [did(30, "anna", "3"), did(200, "ben", "8")])
    look(plant)
    assert [one.why for one in found(plant, "D19")] == ["too-many", "not-opened"]
    collect(plant, opened(150, "ben", "8"))
    assert (of(look(plant), "D19").closed, [one.why for one in found(plant, "D19")]) == (1, ["too-many"])


def test_what_cannot_be_said(plant: Ledger) -> None:
    map_(plant, account("anna", "P1"), account("team", None, shared=True))
    plant.register("mes")
    off = Clock(offset_us=0, uncertainty_us=40_000_000, method="test", measured_at=utc_text(START_US))
    mixed = [did(10 * at, "anna", str(at)) for at in range(1, 5)]
    mixed[3] = msgspec.structs.replace(mixed[3], clock=off)
    collect(plant, [*opened(0, "anna", "1", "2", "3", "4"), *mixed, did(80, "team", "5")])
    other = did(1, "carl", "1")
    record = msgspec.structs.replace(other.record, source="mes")
    collect(plant, [msgspec.structs.replace(other, record=record)], source="mes")
    examined = of(look(plant), "D19")
    assert [(one.input, one.records) for one in examined.lacking] == [("d19", 1), ("one-person", 1)]
    assert (examined.unordered, examined.findings) == (1, 0)
