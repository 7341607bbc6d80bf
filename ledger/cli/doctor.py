"""`trailseal doctor`: what is wrong with this installation, and what to do about it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.doctor_keys import key_findings
from ledger.cli.doctor_place import place_findings
from ledger.cli.doctor_regulation import show_regulation
from ledger.cli.finding import Finding
from ledger.cli.ledgers import ANY_LEDGER, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.address import LogId
from ledger.core.admission import AdmissionEvent
from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.errors import ConfigError, LedgerError, StorageDamaged
from ledger.new_log import NEXT_KEYS
from ledger.present.messages import message
from ledger.service import Service
from ledger.sources.overlapping import standing_overlaps
from ledger.sources.systems import counts
from ledger.store.append import CLOCK_BEHIND_NOTED_US, CLOCK_BEHIND_REFUSED_US
from ledger.store.engine import assert_durable, is_sqlite
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.exposure import exposure
from ledger.trust.key_history import choose_signers
from ledger.trust.next_keys import key_at, present_in

SOON_US = 60 * 86_400 * MICROSECONDS
"""A pinned certificate that ends within this time is told of."""
OVERLAPS = 5
"""Contradictions of maps that are named at once."""
LOW_DISK = 2 * 1024**3
"""Bytes free on the ledger's disk below which doctor warns."""


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("doctor")(doctor)


def doctor(
    ledger: Annotated[Path | None, ANY_LEDGER] = None,
    regulation: Annotated[
        bool, typer.Option("--regulation", help="Show what regulations ask and where it is met; needs no ledger.")
    ] = False,
    clause: Annotated[
        str | None, typer.Option(help="With --regulation: one clause, by its id (R51) or its number (11.10(e)).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check configuration, database, clock, keys and disk, and say what to do. Exit code 1 if anything is wrong."""
    if clause is not None and not regulation:
        raise ConfigError("--clause is asked for without --regulation", advice="Give both, or neither.")
    if regulation:
        show_regulation(clause, as_json)
        return
    if ledger is None:
        raise ConfigError(
            "no ledger is named", advice="Give --ledger DIR, or set TRAILSEAL_LEDGER, to check an installation."
        )
    found = list(_look(ledger))
    if as_json:
        say_json(found)
    else:
        for one in found:
            say(f"{'●' if one.ok else '▲'} {one.name}: {one.says}")
            if not one.ok:
                say(f"  {one.advice}")
    if not all(one.ok for one in found):
        raise typer.Exit(1)


def _incidents(service: Service) -> Iterator[Finding]:
    with service.store.reading() as connection:
        cases = service.standings.now(connection).open_cases
    if cases:
        says = f"{len(cases)} integrity incidents are open: {', '.join(cases[:3])}"
        advice = f"`trailseal incident show {cases[0]}` tells what is doubted; change nothing before you have looked."
        yield Finding(name="incidents", ok=False, says=says, advice=advice)
        return
    yield Finding(name="incidents", ok=True, says="no integrity incident is open")


def _look(folder: Path) -> Iterator[Finding]:
    try:
        with opened(folder) as service:
            yield Finding(name="ledger", ok=True, says=f"{service.settings.origin} opens with the current schema")
            yield from place_findings(service)
            yield from _database(service)
            yield from _incidents(service)
            yield from _keys(service)
            yield from _clock(service)
            yield from _witnesses(service)
            yield from _listening(service)
            yield from _inventory(service)
            yield from map_findings(service)
            yield from _time_stamps(service)
    except LedgerError as error:
        yield Finding(name="ledger", ok=False, says=error.message, advice=error.advice)
    yield _disk(folder)


def _database(service: Service) -> Iterator[Finding]:
    assert_durable(service.store.writer)
    yield Finding(name="durability", ok=True, says="what the database acknowledges is on stable storage")
    if is_sqlite(service.store.writer):
        # An index that differs from its table gives wrong answers, and no entry is wrong.
        with service.store.reading() as connection:
            said = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
        yield Finding(
            name="database files",
            ok=said == "ok",
            says="every page and index of the database is sound" if said == "ok" else f"damaged: {said.strip()}",
            advice=StorageDamaged.default_advice,
        )


def _keys(service: Service) -> Iterator[Finding]:
    yield from key_findings(service)
    for log in service.logs.values():
        yield _key(service, log)
        yield _next_key(service, log)


def _key(service: Service, log: LogId) -> Finding:
    name = f"key, log {log.name}"
    if not service.keys.signs_here:
        return Finding(name=name, ok=True, says="only the signer opens it: not looked at here")
    try:
        history = service.key_life.history(log)
        choose_signers(history, 1 << 62, service.keys.log_signers(log.name, log.origin))
    except LedgerError as error:
        return Finding(name=name, ok=False, says=error.message, advice=error.advice)
    return Finding(name=name, ok=True, says="the key that the log names as its present one is at hand")


def _next_key(service: Service, log: LogId) -> Finding:
    """Who finds the next key beside the present one has both: it protects only where it is kept elsewhere."""
    name = f"next key, log {log.name}"
    history = service.key_life.history(log)
    here = present_in(service.folder / NEXT_KEYS, log.origin)
    if history.promise is None:
        return Finding(
            name=name,
            ok=False,
            says="no next key is promised: a stolen key could not be replaced in a way that others can check",
            advice="Run `trailseal key prepare-next` on another computer, then `trailseal key pre-rotate`.",
        )
    if here is not None and key_at(service.folder / NEXT_KEYS, log.origin) != history.promise:
        return Finding(
            name=name,
            ok=False,
            says=f"{here} is not the key that entry {history.promised} promises",
            advice="It is damaged, or of an earlier promise: a rotation by it is refused. Use the copy that was kept.",
        )
    return Finding(
        name=name,
        ok=True,
        says=f"promised by entry {history.promised}"
        + (f"; its secret still stands in {here}: carry it away, twice, and delete it there" if here else ""),
    )


def _clock(service: Service) -> Iterator[Finding]:
    now = service.clock.now_us()
    for log in service.logs.values():
        with service.store.reader(log.number) as reader:
            behind = reader.head().logged_us - now
        yield Finding(
            name=f"clock, log {log.name}",
            ok=behind <= CLOCK_BEHIND_NOTED_US,
            says=f"this machine's clock says {utc_text(now)}"
            + (f", {behind / MICROSECONDS:.1f} s before the log's last entry" if behind > 0 else ""),
            advice="Synchronise the clock (chrony); entries go on at the last entry's time until it has caught up."
            if behind <= CLOCK_BEHIND_REFUSED_US
            else "Nothing is taken in. Correct the clock; where it is right and the log ran ahead of it, two people "
            "let it go on: `trailseal log time-epoch`.",
        )


def _witnesses(service: Service) -> Iterator[Finding]:
    """Whether a quorum vouches for each log in time, and what makes its witnesses less independent."""
    policy = service.witnesses.policies().in_force
    limit = int(service.settings.witness_window_seconds * MICROSECONDS)
    for log in service.logs.values():
        with service.store.reading() as connection:
            seen = exposure(connection, log, policy)
        window = seen.window_us(service.clock.now_us())
        told = f"{seen.entries} entries after size {seen.witnessed} have no quorum of witnesses"
        if not seen.asked:
            told = "not witnessed: whoever holds database and key could rewrite all of it (`trailseal witness add`)"
        yield Finding(
            name=f"witnesses, log {log.name}",
            ok=not seen.asked or window <= limit,
            says=told,
            advice="Ask who operates them; `trailseal witness status` and `witness policy` say whom.",
        )
    shared = policy.shared()
    if policy.entry is not None:
        yield Finding(
            name="witnesses, independence",
            ok=not shared,
            says=f"shared with the log: {'; '.join(shared) or 'nothing that is known'}",
            advice="Have the witness run by others, on another machine, who sign in elsewhere.",
        )


def _listening(service: Service) -> Iterator[Finding]:
    host = service.settings.listen.host
    yield Finding(
        name="listening",
        ok=host in {"127.0.0.1", "::1", "localhost"},
        says=f"the service listens on {host}",
        advice="Put a reverse proxy with TLS in front and let the service listen on loopback.",
    )


def _inventory(service: Service) -> Iterator[Finding]:
    """How the site's systems stand: a system that is open is work to do, and nothing that is wrong with the ledger."""
    for log in service.logs.values():
        if log.number == SYSTEM_LOG:
            continue
        found = counts(service.record_log(log.name).systems.list())
        says = message(
            "inventory.counts", total=found.total, connected=found.connected, elsewhere=found.elsewhere, open=found.open
        )
        if found.open_systems:
            says += f" Open: {', '.join(found.open_systems)}."
        yield Finding(
            name=f"inventory, log {log.name}", ok=True, says=says if found.total else message("inventory.none")
        )


def map_findings(service: Service) -> Iterator[Finding]:
    """Whether lines of a map contradict each other: new ones are refused, older ledgers may hold some."""
    for log in service.logs.values():
        if log.number == SYSTEM_LOG:
            continue
        with service.store.reading() as connection:
            found = list(standing_overlaps(connection, log.number))
        more = f"; and {len(found) - OVERLAPS} more" if len(found) > OVERLAPS else ""
        yield Finding(
            name=f"maps, log {log.name}",
            ok=not found,
            says="; ".join(found[:OVERLAPS]) + more if found else "no line of a map contradicts another",
            advice="Enter the first line anew: the same beginning, and an end no later than the second begins.",
        )


def _time_stamps(service: Service) -> Iterator[Finding]:
    """How authorities of time answer; that there is none is a choice of the site, and nothing that is wrong."""
    asked = [one for one in service.tsas.all() if one.state is AdmissionEvent.CONFIRMED]
    says = message("doctor.stamps.none")
    if len(asked) == 1:
        says = message("doctor.stamps.one", tsa=asked[0].tsa)
    elif asked:
        last = max((one.last for one in asked if one.last), default="-")
        says = message("doctor.stamps.good", count=len(asked), last=last)
    yield Finding(name="time-stamps", ok=True, says=says)
    soon = utc_text(service.clock.now_us() + SOON_US)[:10]
    for one in asked:
        if one.failing_since:
            yield Finding(
                name=f"time-stamps, {one.tsa}",
                ok=False,
                says=message("doctor.stamps.failing", tsa=one.tsa, since=one.failing_since, error=one.error),
                advice="Check its address and the network: `trailseal timestamp now` asks it again at once.",
            )
        if one.valid_to <= soon:
            yield Finding(
                name=f"time-stamps, {one.tsa}",
                ok=False,
                says=message("doctor.stamps.ends", tsa=one.tsa, day=one.valid_to),
                advice="Let the authority in anew under its next certificates before then.",
            )


def _disk(folder: Path) -> Finding:
    place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(place).free
    return Finding(
        name="disk",
        ok=free >= LOW_DISK,
        says=f"{free / 1024**3:.1f} GiB free",
        advice="Make room: a full disk stops appends (nothing acknowledged is lost).",
    )
