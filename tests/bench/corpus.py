"""The records that are measured with: a seeded mix of plant-floor and business changes, as collectors bring them."""

import random
from collections.abc import Iterator

from ledger.core.clock import utc_text
from ledger.core.record import (
    Action,
    Actor,
    ActorKind,
    Change,
    Link,
    LinkBasis,
    LinkKind,
    Original,
    Record,
    Submission,
    Target,
)
from ledger.core.times import Basis, Precision, SourceTime

START_US = 1_790_000_000_000_000
MIX = "60 % setpoint changes, 20 % alarms, 20 % business documents; 1.6 links, 1.3 changes, one original a record"


def submissions(count: int, seed: int = 1, first: int = 0) -> Iterator[Submission]:
    """`count` submissions of one source `bench`, numbered from `first`; the same seed gives the same ones."""
    rng = random.Random(seed)
    for at in range(first, first + count):
        instant = START_US + at * 250_000 + rng.randrange(100_000)
        sort = rng.random()
        if sort < 0.6:
            record = _setpoint(rng, at, instant)
        elif sort < 0.8:
            record = _alarm(rng, at, instant)
        else:
            record = _document(rng, at, instant)
        yield Submission(
            record=record,
            received_at=utc_text(instant + 400_000),
            original=Original(
                data=rng.randbytes(180), media_type="application/octet-stream", parser="bench", parser_version="1"
            ),
        )


def _time(instant: int) -> SourceTime:
    text = utc_text(instant)
    return SourceTime(
        text=text, precision=Precision.MICROSECOND, basis=Basis.SOURCE_ZONE, instant_us=instant, offset="+00:00"
    )


def _links(rng: random.Random, at: int, unit: int) -> tuple[Link, ...]:
    links = [Link(kind=LinkKind.EQUIPMENT, id=f"REACTOR-{unit}", basis=LinkBasis.DERIVED)]
    if rng.random() < 0.6:
        links.append(Link(kind=LinkKind.BATCH, id=f"B-2026-{at // 500:05d}", basis=LinkBasis.READ))
    return tuple(links)


def _setpoint(rng: random.Random, at: int, instant: int) -> Record:
    unit = rng.randrange(12)
    tag = f"TIC{unit}{rng.randrange(10, 60)}.SP"
    old = rng.uniform(20, 90)
    return Record(
        source="bench",
        source_record_id=f"evt-{rng.getrandbits(64):016x}-{at}",
        action=Action.UPDATE,
        occurred_at=_time(instant),
        source_recorded_at=_time(instant + 900),
        actor=Actor(account=f"operator{rng.randrange(40)}", kind=ActorKind.PERSON, role="operator", channel="hmi"),
        object=Target(type="opcua-variable", id=f"ns=2;s=REACTOR-{unit}/{tag}", name=tag),
        changes=(Change(attribute="Value", old=f"{old:.2f}", new=f"{old + rng.uniform(-5, 5):.2f}", unit="degC"),),
        links=_links(rng, at, unit),
    )


def _alarm(rng: random.Random, at: int, instant: int) -> Record:
    unit = rng.randrange(12)
    return Record(
        source="bench",
        source_record_id=f"alm-{at}",
        action=rng.choice((Action.ALARM, Action.ACKNOWLEDGE, Action.ALARM_CLEAR)),
        occurred_at=_time(instant),
        actor=Actor(account=f"dcs{unit}", kind=ActorKind.DEVICE),
        object=Target(type="alarm", id=f"PIC{unit}01.HI", name="Pressure high"),
        changes=(Change(attribute="Severity", new=rng.choice(("500", "700", "900"))),),
        reason="pressure above limit, operator informed",
        links=_links(rng, at, unit),
    )


def _document(rng: random.Random, at: int, instant: int) -> Record:
    document = f"production.bom,{rng.randrange(400)}"
    return Record(
        source="bench",
        source_record_id=f"log-{at}",
        action=Action.UPDATE,
        occurred_at=_time(instant),
        actor=Actor(account=f"planner{rng.randrange(9)}", kind=ActorKind.PERSON),
        object=Target(type="production.bom", id=document, name="Buffer solution bill of materials"),
        changes=(
            Change(attribute="quantity", old=str(rng.randrange(100)), new=str(rng.randrange(100)), unit="kg"),
            Change(attribute="state", old="draft", new="released"),
        ),
        reason=f"change request CR-{rng.randrange(9999):04d}: adapted to the validated range after trial",
        links=_links(rng, at, rng.randrange(12)),
    )
