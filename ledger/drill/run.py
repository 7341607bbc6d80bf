"""Runs the catalogue: prepares the copy, mounts each attack on a copy of that, verifies, and says what caught it."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.address import LogId
from ledger.core.clock import WallClock
from ledger.core.errors import LedgerError
from ledger.core.members import Members
from ledger.core.outside import FromOutside
from ledger.core.record import Record
from ledger.domains import assembly, impacts
from ledger.drill.attack import RECORDS_LOG, Attack, Prepared, Target
from ledger.drill.catalogue import ATTACKS
from ledger.drill.clock import DrillClock
from ledger.drill.plant import Outside, Trust, build, drilled, open_ledger
from ledger.findings.impact import Reading
from ledger.integrity.fault import Fault, first
from ledger.integrity.incidents.impacts import counted, impact_of
from ledger.integrity.levels import BUILT
from ledger.integrity.verifier import Verifier

CONTROL: Final = "control"


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What verification said of a copy: the lowest level that does not hold, and why; `open`: what was not judged.

    `affected`: entries of the record log that a case would name; `impact`: what rests on them, by sort.
    """

    level: int | None
    says: str
    open: str
    affected: Members
    impact: dict[str, int]
    batches: tuple[str, ...]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attack. `as_declared`: caught by the very level that was declared, and named as planted."""

    name: str
    attacker: str
    does: str
    declared: int | None
    caught: int | None
    as_declared: bool
    says: str
    why: str
    planted: tuple[int, ...] | None
    affected: str
    impact: dict[str, int]
    impact_is_planted: bool | None


def prepare(folder: Path, origin: str, records: Sequence[Record], clock: WallClock) -> Prepared:
    """Makes what is attacked in a folder that is empty or not there yet."""
    fast, ledger, earlier = DrillClock(clock), folder / "ledger", folder / "earlier"
    outside = Outside(folder / "witnesses", fast)
    chosen = drilled(records)

    def keep() -> None:
        shutil.copytree(ledger, earlier)

    built = build(ledger, origin, chosen, fast, outside, halfway=keep)
    return Prepared(
        folder=ledger,
        earlier=earlier,
        origin=origin,
        records=tuple(chosen),
        entries=built.entries,
        secrets=built.secrets,
        clock=fast,
        outside=outside,
    )


def drill(
    prepared: Prepared, work: Path, attacks: Iterable[Attack] = ATTACKS, tell: Callable[[str], None] = lambda name: None
) -> Iterator[Outcome]:
    """Mounts the control and each attack in turn; `work` is emptied as it goes."""
    tell(CONTROL)
    yield _control(prepared, work / CONTROL)
    for attack in attacks:
        tell(attack.name)
        yield mount(prepared, attack, work / attack.name)


def _control(prepared: Prepared, folder: Path) -> Outcome:
    target = Target(prepared, folder)
    seen = verify(target)
    target.remove()
    return Outcome(
        name=CONTROL,
        attacker="nobody",
        does="leaves the copy as it is",
        declared=None,
        caught=seen.level,
        as_declared=seen.level is None and not seen.open,
        says=seen.says or seen.open or "every level holds",
        why="what is not touched has to hold, or the drill shows nothing",
        planted=(),
        affected=seen.affected.text,
        impact=seen.impact,
        impact_is_planted=not seen.impact,
    )


def mount(prepared: Prepared, attack: Attack, folder: Path) -> Outcome:
    """Mounts one attack on a copy in a folder that is not there yet, and says what caught it."""
    target = Target(prepared, folder)
    touched = attack.run(target)
    seen = verify(target)
    target.remove()
    planted = None if touched is None else tuple(touched)
    named = (
        None
        if planted is None
        else seen.affected == Members.of(planted) and seen.batches == _batches(prepared, planted)
    )
    return Outcome(
        name=attack.name,
        attacker=attack.attacker,
        does=attack.does,
        declared=attack.level,
        caught=seen.level,
        as_declared=seen.level == attack.level and named is not False,
        says=seen.says,
        why=attack.why,
        planted=planted,
        affected=seen.affected.text,
        impact=seen.impact,
        impact_is_planted=named,
    )


def verify(target: Target) -> Verified:
    """Every level, by keys and witnesses from outside; nothing is entered, so one level cannot hide another."""
    with closing(open_ledger(target.folder, target.prepared.clock)) as service:
        trust = Trust(service, target.outside)
        mac = service.keys.digests()
        with closing(Verifier(service.store, assembly, mac, 1, trust.rollback.judge)) as verifier:
            outside = FromOutside(policy=target.outside.policy)
            level, fault = _first(verifier, service.store.logs(), outside)
        with service.store.reading() as connection:
            logs = {log.number: log for log in service.store.logs()}
            unknown = [
                standing.unknown
                for log in logs.values()
                for standing in (trust.rollback.judge(connection, log, outside),)
                if standing.unknown
            ]
            affected = {
                number: damage.affected
                for number, log in logs.items()
                for damage in (service.cases.damage(connection, log),)
                if damage.affected
            }
            reading = Reading(connection, service.store.kinds, {number: log.origin for number, log in logs.items()})
            artefacts = list(impact_of(impacts(), reading, affected))
    return Verified(
        level=level,
        says="" if fault is None else str(fault),
        open="; ".join(unknown),
        affected=affected.get(RECORDS_LOG, Members()),
        impact={one.sort: one.count for one in counted(artefacts)},
        batches=tuple(sorted(one.id for one in artefacts if one.sort == "link:batch")),
    )


def _first(verifier: Verifier, logs: Sequence[LogId], outside: FromOutside) -> tuple[int | None, Fault | None]:
    for level in BUILT:
        try:
            fault = first(verifier.look(log, None, (level,), outside) for log in logs)
        except LedgerError as error:
            return level, Fault(log=RECORDS_LOG, index=0, table="", what=error.message)
        if fault is not None:
            return level, fault
    return None, None


def _batches(prepared: Prepared, planted: Sequence[int]) -> tuple[str, ...]:
    """The batches that the touched records are linked to, as they were handed in."""
    by_entry = dict(zip(prepared.entries, prepared.records, strict=True))
    return tuple(
        sorted(
            {
                link.id
                for index in planted
                if index in by_entry
                for link in by_entry[index].links
                if link.kind == "batch"
            }
        )
    )
