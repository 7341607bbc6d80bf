"""D05: one person is at two places that are further apart than the time between allows."""

from typing import Any

from ledger.core.record import Action
from tests.plant.model import MINUTE, SECOND, Fact, Parameter
from tests.plant.violations.stage import Someone, Stage

APART = 600
"""Seconds that the way from north to south takes, by the ordinary month's parameter `travel`."""
PARAMETERS = (
    Parameter("d05", "dcs", None, {"remote": ["vpn"]}),
    Parameter("d05", "mes", None, {"remote": ["vpn"]}),
    Parameter("d05", "lims", None, {"remote": ["vpn"]}),
)


def _seen(stage: Stage, source: str, at: int, who: Someone | str, where: str, **told: Any) -> Fact:
    thing = stage.thing("screen")
    return stage.say(source, at, Action.EXECUTE, thing, who, workstation=f"{where}-{source}", **told)


def by_two_accounts(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    first = _seen(stage, "mes", at, who, "NORTH")
    return _seen(stage, "dcs", at + 2 * MINUTE, who, "SOUTH"), first


def by_one_account(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    first = _seen(stage, "dcs", at, who, "SOUTH")
    return _seen(stage, "dcs", at + (APART - 5) * SECOND, who, "NORTH"), first


def there_and_back(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    _seen(stage, "lims", at, who, "NORTH")
    first = _seen(stage, "mes", at + 20 * MINUTE, who, "SOUTH")
    return _seen(stage, "lims", at + 25 * MINUTE, who, "NORTH"), first


def from_afar(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _seen(stage, "mes", at, who, "NORTH")
    return _seen(stage, "dcs", at + MINUTE, who, "SOUTH", channel="vpn")


def declared_delegation(stage: Stage) -> Fact:
    at, who, deputy = stage.instant(), stage.someone(), stage.someone()
    _seen(stage, "mes", at, who, "NORTH", on_behalf_of=deputy.at("mes"))
    return _seen(stage, "mes", at + MINUTE, who, "SOUTH", on_behalf_of=deputy.at("mes"))


def who_had_the_time(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _seen(stage, "mes", at, who, "NORTH")
    return _seen(stage, "dcs", at + (APART + 5) * SECOND, who, "SOUTH")


def at_places_nobody_measured(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _seen(stage, "mes", at, who, "NORTH")
    return _seen(stage, "dcs", at + MINUTE, who, "OFFICE")


def two_people(stage: Stage) -> Fact:
    at = stage.instant()
    _seen(stage, "mes", at, stage.someone(), "NORTH")
    return _seen(stage, "dcs", at + MINUTE, stage.someone(), "SOUTH")


def with_just_the_time(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _seen(stage, "lims", at, who, "NORTH")
    return _seen(stage, "mes", at + APART * SECOND, who, "SOUTH")


def who_shares_an_account(stage: Stage) -> Fact:
    at, team = stage.instant(), stage.name("team")
    stage.map_account("mes", team, None, shared=True)
    _seen(stage, "mes", at, team, "NORTH")
    return _seen(stage, "mes", at + MINUTE, team, "SOUTH")


SEVERITY = "high"
FINDS = (by_two_accounts, by_one_account, there_and_back)
EXPLAINED = (from_afar, declared_delegation)
CLEAR = (who_had_the_time, at_places_nobody_measured, two_people)
UNORDERED = (with_just_the_time,)
UNKNOWN = {"one-person": who_shares_an_account}
