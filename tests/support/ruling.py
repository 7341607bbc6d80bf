"""What tests of rules collect, and what the rules make of it."""

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
from sqlalchemy import select

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName, System, Value, written
from ledger.core.record import ActorKind, Change, Maybe, Submission
from ledger.core.rule_run import Examined
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import RuleEvent, RuleFinding
from ledger.findings.tables import rule_finding
from ledger.review.exceptions.runs import Ran
from ledger.sources.map_kinds import AssetMapped2, IdentityMapped2
from ledger.sources.parameter_kinds import Parameter
from ledger.store import schema
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger, submission
from tests.support.seeds import SEED

SINCE = "2026-01-01T00:00:00.000000Z"
LAST_S = 1_000
"""Up to when, after the start, all that is given here is collected in the end."""


def change(number: int, old: Maybe, new: Maybe, **members: Any) -> Submission:
    """At second `number` a value was `old` and is `new`."""
    gap = members.pop("gap", False)
    return submission(number, changes=(Change(attribute="Value", old=old, new=new, gap=gap),), **members)


def collect(ledger: Ledger, found: Sequence[Submission], until_s: int = LAST_S, **run: Any) -> None:
    """A run that began at the start and reached so far."""
    ledger.submit(found, ended_at=utc_text(START_US + until_s * 1_000_000), **run)


def look(ledger: Ledger) -> Ran:
    service = ledger.service
    return service.quality.rules.run(service.record_log().log, AUTHORITY)


def of(ran: Ran, rule: str) -> Examined:
    return next(one for one in ran.rules if one.rule == rule)


def entered(ledger: Ledger) -> list[RuleFinding]:
    """What rules entered, in order."""
    with ledger.store.reader(RECORDS) as reader:
        kind = ledger.store.kinds["finding"]
        bodies = [one.body for one in reader.entries(0, reader.head().size) if one.body is not None]
    found = (kind.decode(body) for body in bodies if b'"schema":"finding/2"' in body)
    return [one for one in found if isinstance(one, RuleFinding)]


def standing(ledger: Ledger, rule: str) -> set[str]:
    """The keys of the rule's findings that stand."""
    row = rule_finding.c
    chosen = select(row.key).where(row.rule == rule, row.stands == 1, schema.as_of(rule_finding, None))
    with ledger.store.reading() as connection:
        return set(connection.scalars(chosen))


def found(ledger: Ledger, rule: str) -> list[RuleFinding]:
    """What the rule found that stands, in the order in which it was entered."""
    keys = standing(ledger, rule)
    return [one for one in entered(ledger) if one.event is RuleEvent.OPENED and one.key in keys]


def put(ledger: Ledger, name: ParameterName, value: Value, type_: str | None = None, source: str = SOURCE) -> None:
    """Sets a parameter of a source, or of one of its types."""
    entry = Parameter(name=name, source=source, type=type_, value=written(value), reason="set", authority=AUTHORITY)
    ledger.service.record_log().parameters.put(RECORDS, [entry])


def connect(ledger: Ledger, **systems: SystemClass) -> None:
    """Registers sources, each of a class of systems; that of the ledger itself there is already."""
    for source, system in systems.items():
        if source != SOURCE:
            ledger.register(source)
        put(ledger, ParameterName.SYSTEM, System(classes=(system,)), source=source)


def account(name: str, person: str | None, kind: ActorKind = ActorKind.PERSON, **more: Any) -> IdentityMapped2:
    """A line of the identity map."""
    usual: dict[str, Any] = {
        "source": SOURCE, "account": name, "person": person, "kind": kind, "valid_from": SINCE, "valid_to": None,
        "reason": "list of accounts", "authority": AUTHORITY,
    }  # fmt: skip
    return IdentityMapped2(**(usual | more))


def place(tag: str, equipment: str, **more: Any) -> AssetMapped2:
    """A line of the asset map."""
    usual: dict[str, Any] = {
        "source": SOURCE, "tag": tag, "site": None, "area": None, "line": None, "unit": None, "equipment": equipment,
        "description": None, "gxp": True, "valid_from": SINCE, "valid_to": None, "reason": "list of tags",
        "authority": AUTHORITY, "critical": True,
    }  # fmt: skip
    return AssetMapped2(**(usual | more))


def map_(ledger: Ledger, *rows: IdentityMapped2 | AssetMapped2) -> None:
    """Enters lines of the maps."""
    ledger.service.record_log().maps.put(list(rows))


def rests_on(ledger: Ledger, rule: str) -> set[tuple[str, frozenset[str]]]:
    """Of what the rule found and stands: why, and the sources' own ids of the records that it rests on."""
    told = found(ledger, rule)
    with ledger.store.reader(RECORDS) as reader:
        bodies = {entry: reader.entry(entry).body or b"" for one in told for entry in one.entries}
    ids = {entry: msgspec.json.decode(body)["record"]["source_record_id"] for entry, body in bodies.items()}
    return {(one.why, frozenset(ids[entry] for entry in one.entries)) for one in told}


def arrived(
    ledger: Ledger, told: Sequence[Submission], sources: Sequence[str], rule: str, order: int, until_s: int = LAST_S
) -> None:
    """Collects records in an order that is drawn, and has the rules look in between, as they do every hour.

    Once all is there, the same records again and another look add nothing to what the rule found.
    """
    mixed = list(told)
    Random(f"{SEED}:{order}").shuffle(mixed)
    most = 1 + len(mixed) // 4
    for at in range(0, len(mixed), most):
        for source in sources:
            collect(
                ledger, [one for one in mixed[at : at + most] if one.record.source == source], until_s, source=source
            )
        look(ledger)
    keys, entries = standing(ledger, rule), len(entered(ledger))
    for source in sources:
        collect(ledger, [one for one in told if one.record.source == source], until_s, source=source)
    look(ledger)
    assert (standing(ledger, rule), len(entered(ledger))) == (keys, entries), "nothing is doubled by a replay"
