"""D19: somebody signs at a pace that nobody keeps, or what they never opened."""

from typing import Any

from ledger.core.record import Action, ActorKind, LinkKind
from tests.plant.model import HOUR, MINUTE, SECOND, Fact, Link, Parameter, Thing
from tests.plant.violations.stage import Someone, Stage

PARAMETERS = (
    Parameter(
        "d19",
        "mes",
        None,
        {
            "signed": [{"object_type": "page", "actions": ["sign"]}],
            "many": 4,
            "within_s": 60,
            "least_s": 5,
            "opened": [{"object_type": "page", "actions": ["read"]}, {"object_type": "folder", "actions": ["read"]}],
            "open_s": 7_200,
            "set_link": "document",
        },
    ),
)


def _pages(stage: Stage, at: int, who: Someone, count: int) -> list[Thing]:
    """Pages that somebody opens, one a minute."""
    pages = [stage.thing("page") for _ in range(count)]
    for number, page in enumerate(pages):
        stage.say("mes", at + number * MINUTE, Action.READ, page, who)
    return pages


def _signed(stage: Stage, at: int, who: Someone | str, page: Thing, *named: Link, **told: Any) -> Fact:
    return stage.say("mes", at, Action.SIGN, page, who, (), named, **told)


def _series(stage: Stage, count: int, apart: int) -> list[Fact]:
    at, who = stage.instant(), stage.someone()
    pages = _pages(stage, at, who, count)
    return [_signed(stage, at + HOUR + number * apart, who, page) for number, page in enumerate(pages)]


def too_many(stage: Stage) -> tuple[Fact, ...]:
    return tuple(reversed(_series(stage, 4, 15 * SECOND)))


def too_soon(stage: Stage) -> tuple[Fact, ...]:
    return tuple(reversed(_series(stage, 2, 4 * SECOND)))


def never_opened(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    return (_signed(stage, at, who, stage.thing("page")),)


def opened_by_somebody_else(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    (page,) = _pages(stage, at, stage.someone(), 1)
    return (_signed(stage, at + HOUR, stage.someone(), page),)


def opened_afterwards(stage: Stage) -> tuple[Fact, ...]:
    at, who, page = stage.instant(), stage.someone(), stage.thing("page")
    stage.say("mes", at + MINUTE, Action.READ, page, who)
    return (_signed(stage, at, who, page),)


def opened_long_ago(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    (page,) = _pages(stage, at, who, 1)
    return (_signed(stage, at + 2 * HOUR + MINUTE, who, page),)


def set_opened_as_a_whole(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    folder = stage.thing("folder")
    named = LinkKind.DOCUMENT, folder.id
    stage.say("mes", at, Action.READ, folder, who, (), (named,))
    return [_signed(stage, at + HOUR + number * SECOND, who, stage.thing("page"), named) for number in range(4)][-1]


def at_a_good_pace(stage: Stage) -> Fact:
    return _series(stage, 5, 21 * SECOND)[-1]


def two_people(stage: Stage) -> Fact:
    at, who, other = stage.instant(), stage.someone(), stage.someone()
    (page,), (another,) = _pages(stage, at, who, 1), _pages(stage, at, other, 1)
    _signed(stage, at + HOUR, who, page)
    return _signed(stage, at + HOUR + SECOND, other, another)


def service(stage: Stage) -> Fact:
    at, account = stage.instant(), stage.name("svc")
    stage.map_account("mes", account, account, ActorKind.SERVICE)
    signed = [_signed(stage, at + number, account, stage.thing("page"), kind=ActorKind.SERVICE) for number in range(6)]
    return signed[-1]


def just_so_far_apart(stage: Stage) -> Fact:
    return _series(stage, 2, 5 * SECOND)[-1]


def who_shares_an_account(stage: Stage) -> Fact:
    account = stage.name("team")
    stage.map_account("mes", account, None, shared=True)
    return _signed(stage, stage.instant(), account, stage.thing("page"))


SEVERITY = "medium"
FINDS = (too_many, too_soon, never_opened, opened_by_somebody_else, opened_afterwards, opened_long_ago)
EXPLAINED = (set_opened_as_a_whole,)
CLEAR = (at_a_good_pace, two_people, service)
UNORDERED = (just_so_far_apart,)
UNKNOWN = {"one-person": who_shares_an_account}
