"""`trailseal drill`: attacks of a catalogue on a copy, and which verification level caught each."""

import logging
import tempfile
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import structlog
import typer

from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, progress, say, say_json, tell
from ledger.core.clock import utc_text
from ledger.core.entry import decode_leaf
from ledger.core.errors import ConfigError, NotFound
from ledger.core.record import Record, RecordBody
from ledger.new_log import PRODUCT
from ledger.service import Service

if TYPE_CHECKING:
    from ledger.drill.run import Outcome

LEAST = 48
"""Records that a drill needs; fewer are handed in more than once."""


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("drill")(drill)


def drill(
    ledger: LedgerOption,
    log: LogOption = None,
    records: Annotated[int, typer.Option(help="How many of the newest records the copy gets.", min=24)] = 120,
    attack: Annotated[list[str] | None, typer.Option(help="Only this attack of the catalogue; repeat it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Attack a copy of the ledger as the catalogue says, and print which level of verification caught each attack.

    The copy has an origin, keys, people and witnesses of its own, and a sample of the newest records; the ledger itself
    is only read. Exit code 1 if an attack is caught elsewhere than declared, or not at all, or if the untouched copy
    does not verify. What no verification catches is mounted too, and listed with the reason.
    """
    # Imported here: the drill's people and witnesses take a while to load, which other commands should not wait for.
    from ledger.drill.catalogue import ATTACKS
    from ledger.drill.run import drill as mount
    from ledger.drill.run import prepare

    names = {one.name for one in ATTACKS}
    unknown = sorted(set(attack or ()) - names)
    if unknown:
        raise NotFound(f"there is no attack {unknown[0]!r}", advice=f"There are: {', '.join(sorted(names))}.")
    chosen = [one for one in ATTACKS if not attack or one.name in attack]
    with opened(ledger) as service:
        begun, clock = service.clock.now_us(), service.clock
        origin, sample = f"{service.settings.origin}/drill", list(_sample(service, log, records))
    # The copy refuses and warns all the time: that is what it is for.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="trailseal-drill-") as work, progress("drill", "attacks") as report:
        report(0, len(chosen) + 2)
        prepared = prepare(Path(work) / "prepared", origin, sample, clock)
        outcomes: list[Outcome] = []
        for outcome in mount(prepared, Path(work), chosen):
            outcomes.append(outcome)
            report(len(outcomes) + 1, len(chosen) + 2)
    passed = all(one.as_declared for one in outcomes)
    if as_json:
        say_json({"at": utc_text(begun), "product": PRODUCT, "origin": origin, "passed": passed, "attacks": outcomes})
    else:
        say(f"Tamper drill of {PRODUCT} at {utc_text(begun)}, on a copy with {len(sample)} records ({origin})")
        for one in outcomes:
            _print(one)
    if not passed:
        tell("The drill failed: see the lines marked ▲.")
        raise typer.Exit(1)


def _print(one: "Outcome") -> None:
    caught = "not caught" if one.caught is None else f"caught by level {one.caught}"
    say(f"{'●' if one.as_declared else '▲'} {one.name}: who {one.attacker} {one.does}: {caught}")
    if not one.as_declared:
        say(f"    declared: {'not caught' if one.declared is None else f'level {one.declared}'}")
    if one.says:
        say(f"    {one.says}")
    if one.impact:
        say(f"    rests on it: {', '.join(f'{count} {sort}' for sort, count in sorted(one.impact.items()))}")
    if one.why:
        say(f"    {one.why}")


def _sample(service: Service, log: str | None, number: int) -> Iterator[Record]:
    """The newest records; where there are few, the same again."""
    chosen, found = service.log(log), list[Record]()
    with service.store.reader(chosen.number) as reader:
        at = reader.head().size
        while at > 0 and len(found) < number:
            low = max(0, at - 256)
            for stored in reversed(list(reader.entries(low, at))):
                if stored.body is not None and decode_leaf(stored.leaf).kind == "record" and len(found) < number:
                    body = service.store.kinds["record"].decode(stored.body)
                    if isinstance(body, RecordBody):
                        found.append(_plain(body.record))
            at = low
    if not found:
        raise ConfigError(
            f"log {chosen.name} has no record that a drill could use", advice="Collect or append some first."
        )
    yield from islice(cycle(reversed(found)), max(len(found), LEAST))


def _plain(record: Record) -> Record:
    """The record with a word in place of each sealed value: the copy needs none."""
    return msgspec.convert(_unsealed(msgspec.to_builtins(record)), Record)


def _unsealed(value: Any) -> Any:
    if isinstance(value, dict):
        return "sealed" if set(value) == {"sealed"} else {name: _unsealed(one) for name, one in value.items()}
    return [_unsealed(one) for one in value] if isinstance(value, list) else value
