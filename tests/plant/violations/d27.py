"""D27: a session from afar has no permit to work, or something is written in one outside of its permit."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import DAY, HOUR, MINUTE, SECOND, Change, Fact, Link, Parameter, Thing
from tests.plant.texts import utc
from tests.plant.violations.stage import Someone, Stage

_VALUE = {
    "started": [{"object_type": "remote-session", "actions": ["start"]}],
    "stopped": [{"object_type": "remote-session", "actions": ["stop"]}],
    "written": [{"object_type": "drive", "actions": ["update"]}],
    "approved": [{"object_type": "permit", "attribute": "state", "values": ["approved"]}],
    "ended": [{"object_type": "permit", "attribute": "state", "values": ["closed"]}],
    "scope": {"valid_from": "from", "valid_to": "to", "object_id": "asset"},
    "session_s": 14_400,
    "back_s": 86_400,
    "grace_s": 3_600,
}
PARAMETERS = (Parameter("d27", "gateway", None, _VALUE), Parameter("d27", "dcs", None, _VALUE))


def _permit(stage: Stage, at: int, state: str = "approved", asset: str = "", **said: str) -> Thing:
    thing = stage.thing("permit")
    changes = Change("state", None, state), *(Change(name.rstrip("_"), None, value) for name, value in said.items())
    named = ((LinkKind.EQUIPMENT, asset),) if asset else ()
    stage.say("cmms", at, Action.UPDATE, thing, stage.someone(), changes, named)
    return thing


def _closed(stage: Stage, at: int, permit: Thing) -> None:
    stage.say("cmms", at, Action.UPDATE, permit, stage.someone(), (Change("state", "approved", "closed"),))


def _by(permit: Thing) -> Link:
    return LinkKind.ORDER, permit.id


def _session(stage: Stage, at: int, who: Someone, *named: Link) -> Fact:
    session = stage.thing("remote-session")
    stage.say("gateway", at + HOUR, Action.STOP, session, who, (), named)
    return stage.say("gateway", at, Action.START, session, who, (), named)


def _written(stage: Stage, at: int, who: Someone | str, asset: str = "") -> Fact:
    drive = stage.thing("drive")
    stage.place("dcs", drive.id, asset or None)
    return stage.say("dcs", at, Action.UPDATE, drive, who, (Change("speed", "10", "12"),))


def without_a_permit(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    session = _session(stage, at, who)
    _written(stage, at + 10 * MINUTE, who)
    return (session,)


def permit_closed_before(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    permit = _permit(stage, at - 3 * HOUR)
    session = _session(stage, at, stage.someone(), _by(permit))
    _closed(stage, at - HOUR, permit)
    return (session,)


def permit_only_planned(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    return (_session(stage, at, stage.someone(), _by(_permit(stage, at - HOUR, "planned"))),)


def permit_approved_later(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    return (_session(stage, at, stage.someone(), _by(_permit(stage, at + 20 * MINUTE))),)


def written_on_other_equipment(stage: Stage) -> tuple[Fact, ...]:
    at, who, asset = stage.instant(), stage.someone(), stage.name("V")
    session = _session(stage, at, who, _by(_permit(stage, at - HOUR, asset=asset)))
    return _written(stage, at + 10 * MINUTE, who), session


def written_after_its_time(stage: Stage) -> tuple[Fact, ...]:
    at, who, asset = stage.instant(), stage.someone(), stage.name("V")
    permit = _permit(stage, at - HOUR, asset=asset, from_=utc(at - HOUR), to=utc(at + 30 * MINUTE))
    session = _session(stage, at, who, _by(permit))
    return _written(stage, at + 40 * MINUTE, who, asset), session


def with_a_permit(stage: Stage) -> Fact:
    at = stage.instant()
    return _session(stage, at, stage.someone(), _by(_permit(stage, at - HOUR, from_=utc(at - DAY), to=utc(at + DAY))))


def with_a_permit_of_its_equipment(stage: Stage) -> Fact:
    at, asset = stage.instant(), stage.name("V")
    _permit(stage, at - HOUR, asset=asset)
    return _session(stage, at, stage.someone(), (LinkKind.EQUIPMENT, asset))


def written_as_permitted(stage: Stage) -> Fact:
    at, who, asset = stage.instant(), stage.someone(), stage.name("V")
    _session(stage, at, who, _by(_permit(stage, at - HOUR, asset=asset)))
    return _written(stage, at + 10 * MINUTE, who, asset)


def written_on_site(stage: Stage) -> Fact:
    at, asset = stage.instant(), stage.name("V")
    _session(stage, at, stage.someone(), _by(_permit(stage, at - HOUR, asset=asset)))
    return _written(stage, at + 10 * MINUTE, stage.someone())


def written_after_the_session(stage: Stage) -> Fact:
    at, who, asset = stage.instant(), stage.someone(), stage.name("V")
    _session(stage, at, who, _by(_permit(stage, at - HOUR, asset=asset)))
    return _written(stage, at + 2 * HOUR, who)


def closed_in_that_minute(stage: Stage) -> Fact:
    at = stage.instant()
    permit = _permit(stage, at - 3 * HOUR)
    _closed(stage, at, permit)
    return _session(stage, at + 10 * SECOND, stage.someone(), _by(permit))


def nobody_knows(stage: Stage) -> Fact:
    return _session(stage, stage.away(), stage.someone())


def written_by_a_shared_account(stage: Stage) -> Fact:
    at, asset, team = stage.instant(), stage.name("V"), stage.name("team")
    stage.map_account("dcs", team, None, shared=True)
    _session(stage, at, stage.someone(), _by(_permit(stage, at - HOUR, asset=asset)))
    fact = _written(stage, at + 10 * MINUTE, team)
    stage.also.append(("D04", (fact,)))
    return fact


SEVERITY = "high"
FINDS = (
    without_a_permit,
    permit_closed_before,
    permit_only_planned,
    permit_approved_later,
    written_on_other_equipment,
    written_after_its_time,
)
EXPLAINED = ()
CLEAR = (
    with_a_permit,
    with_a_permit_of_its_equipment,
    written_as_permitted,
    written_on_site,
    written_after_the_session,
)
UNORDERED = (closed_in_that_minute,)
UNKNOWN = {"time-of-": nobody_knows, "one-person": written_by_a_shared_account}
