"""A few hundred records of two sources, friendly and hostile, handed in as collection runs."""

from datetime import UTC, datetime, timedelta

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.record import (
    Action,
    Actor,
    ActorKind,
    Change,
    Interval,
    Link,
    LinkBasis,
    LinkKind,
    Original,
    Outcome,
    Record,
    Submission,
    Target,
)
from ledger.core.run import Gap, Rejected, RunBatch
from ledger.core.source import SourceConfig
from ledger.core.times import Basis, Clock, Precision, SourceTime, parse_source_time
from ledger.service import Service

START = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
HOSTILE = (
    '<script>document.title="owned"</script><img src=x onerror="document.title=1">',
    "\u202egnp.exe\u202c then \u2066isolated",
    "bell\x07 escape\x1b[31mred\x00nul\r\nline \ufeff end",
    "{{ 7 * 7 }} {% raw %} ${7*7} </textarea></title><style>*{display:none}</style>",
    "javascript:alert(1)",
    "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301 \U0001f600 \u05d0\u05d1\u05d2 \u0627\u0644\u0639",
)


def fill(service: Service, authority: Authority) -> None:
    """Registers two sources and hands in their runs."""
    erp = SourceConfig(id="erp", type="tryton", title="ERP of the demo plant", zone="Europe/Berlin")
    dcs = SourceConfig(id="dcs", type="opcua", title="Reactor line control system", zone="UTC")
    idle = SourceConfig(id="lims", type="opcua", title="Laboratory, not collected yet")
    for config in (erp, dcs, idle):
        service.sources.register(config, authority)
    service.ingest.submit(_run("dcs", [_setpoint(at) for at in range(240)], clock=_clock()), authority)
    service.ingest.submit(
        _run("erp", [_stock(at) for at in range(60)], gaps=(_gap(),), rejected=_rejected()), authority
    )
    service.publisher.publish_all()
    service.ingest.submit(_run("erp", hostile(), cursor="1", number=2), authority)


def hostile() -> list[Submission]:
    """Records whose every text tries to act, and one whose value is 100 kB long."""
    found = [
        _submission(
            Record(
                source="erp",
                source_record_id=f"hostile-{number} {text}",
                action=Action.UPDATE,
                occurred_at=SourceTime(text=text, precision=Precision.SECOND, basis=Basis.NONE),
                actor=Actor(account=text, kind=ActorKind.PERSON, name=text, role=text, workstation=text),
                object=Target(type=text, id=text, name=text),
                changes=(Change(attribute=text, old=text, new=text[::-1], unit=text),),
                reason=text,
                links=(Link(kind=LinkKind.BATCH, id=text, basis=LinkBasis.READ),),
            ),
            text.encode(),
        )
        for number, text in enumerate(HOSTILE)
    ]
    long = "W" * 100_000
    found.append(
        _submission(
            Record(
                source="erp",
                source_record_id="long",
                action=Action.UPDATE,
                occurred_at=parse_source_time("2026-11-25T09:00:00+00:00"),
                actor=Actor(account="operator1", kind=ActorKind.PERSON),
                object=Target(type="text", id="W" * 500),
                changes=(
                    Change(attribute="body", old=long, new=long + " and more"),
                    Change(attribute="procedure", old=_PROSE, new=_PROSE.replace("slowly", "at once")),
                ),
            ),
            long.encode(),
        )
    )
    return found


_PROSE = "Heat the reactor slowly to the setpoint, hold it for thirty minutes and take a sample before cooling down."


def _setpoint(at: int) -> Submission:
    when = START + timedelta(seconds=30 * at)
    actions = {17: Action.LOGIN, 34: Action.ALARM, 51: Action.ACKNOWLEDGE, 68: Action.LOGIN_FAILED}
    action = actions.get(at % 85, Action.UPDATE)
    record = Record(
        source="dcs",
        source_record_id=f"event-{at}",
        source_sequence=str(at),
        action=action,
        occurred_at=parse_source_time(when.isoformat(timespec="milliseconds")),
        source_recorded_at=parse_source_time((when + timedelta(milliseconds=40)).isoformat(timespec="milliseconds")),
        actor=Actor(
            account=f"operator{at % 3 + 1}",
            kind=ActorKind.PERSON,
            name=f"Operator {at % 3 + 1} of the day shift",
            role="operator",
            workstation="hmi-2",
            session=f"s-{at // 20}",
        ),
        object=Target(type="tag", id=f"TIC{101 + at % 4}.SP"),
        outcome=Outcome.DENIED if at % 40 == 39 and action is Action.UPDATE else Outcome.SUCCESS,
        changes=(Change(attribute="Value", old=f"{50 + at % 7}.0", new=f"{50.5 + at % 7}", unit="°C"),)
        if action is Action.UPDATE
        else (),
        reason="deviation from recipe step 4" if at % 9 == 0 else None,
        links=(
            Link(kind=LinkKind.EQUIPMENT, id="REACTOR-1", basis=LinkBasis.READ),
            Link(kind=LinkKind.BATCH, id=f"B-{2611 + at // 80}", basis=LinkBasis.DERIVED),
        ),
    )
    original = Original(
        data=b'{"SourceName":"AuditWriteUpdate","TIC":' + str(at).encode() + b', "OldValue": 50.0}',
        media_type="application/json",
        parser="opcua",
        parser_version="1",
    )
    return Submission(record=record, received_at=_received(when, 900 + at % 5), clock=_clock(), original=original)


def _stock(at: int) -> Submission:
    when = START + timedelta(minutes=2 * at)
    after, before = (utc_text(_us(when + timedelta(minutes=by))) for by in (-1, 1))
    record = Record(
        source="erp",
        source_record_id=f"ir.model.log,{at}",
        action=(Action.UPDATE, Action.CREATE, Action.UPDATE, Action.DELETE)[at % 4],
        occurred_at=parse_source_time(when.replace(tzinfo=None).isoformat(), "Europe/Berlin"),
        source_recorded_at=parse_source_time(when.replace(tzinfo=None).isoformat(), "Europe/Berlin"),
        actor=Actor(account="planner1", kind=ActorKind.PERSON, name="Planner of the site"),
        object=Target(type="stock.move", id=str(400 + at)),
        changes=tuple(
            Change(
                attribute=name,
                old=old,
                new=new,
                unit="kg" if name == "quantity" else None,
                inferred=Interval(after=after, before=before),
                gap=at % 12 == 0,
            )
            for name, old, new in (("quantity", "120.50", "118.00"), ("state", "draft", "done"), ("lot", None, "L-7"))
        )[: 1 + at % 3],
        links=(Link(kind=LinkKind.BATCH, id=f"B-{2611 + at // 20}", basis=LinkBasis.READ),),
    )
    return _submission(record, bytes(range(256)) * 4, _received(when, 61_000))


def _submission(record: Record, original: bytes, received_at: str | None = None) -> Submission:
    return Submission(
        record=record,
        received_at=received_at or _received(START + timedelta(hours=3), 0),
        original=Original(data=original, media_type="application/octet-stream", parser="test", parser_version="1"),
    )


def _run(
    source: str,
    submissions: list[Submission],
    cursor: str | None = None,
    number: int = 1,
    clock: Clock | None = None,
    gaps: tuple[Gap, ...] = (),
    rejected: tuple[Rejected, ...] = (),
) -> RunBatch:
    return RunBatch(
        source=source,
        started_at=_received(START + timedelta(hours=number), 0),
        ended_at=_received(START + timedelta(hours=number, minutes=1), 0),
        cursor_from=cursor,
        cursor_to=str(number),
        submissions=tuple(submissions),
        clock=clock,
        gaps=gaps,
        rejected=rejected,
    )


def _gap() -> Gap:
    between = Interval(after=_received(START, 0), before=_received(START + timedelta(minutes=1), 0))
    return Gap(subject="stock.move,400", reason="changed several times between two looks", between=between)


def _rejected() -> tuple[Rejected, ...]:
    return (Rejected(data=b"\xff\xfe", media_type="text/plain", reason="not UTF-8", received_at=_received(START, 0)),)


def _clock() -> Clock:
    return Clock(offset_us=-41_200, uncertainty_us=3_100, measured_at=_received(START, 0), method="half round trip")


def _received(when: datetime, milliseconds: int) -> str:
    return utc_text(_us(when + timedelta(milliseconds=milliseconds)))


def _us(when: datetime) -> int:
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
