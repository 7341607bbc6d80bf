"""`trailseal log`: logs of other ledgers that this one watches, and this ledger's move to another server."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, local, opened
from ledger.cli.log_move import move
from ledger.cli.output import AsJson, say, say_json, tell
from ledger.cli.time_epoch import time_epoch
from ledger.core.clock import utc_text
from ledger.core.errors import ConfigError
from ledger.trust.site_watch import Came, Look, Standing
from ledger.trust.watch_kinds import WatchedLog, WatchEvent

HOURS_2 = 7200
_SYMBOLS = {Came.ENTERED: "●", Came.UNCHANGED: "●", Came.WRONG: "▲", Came.UNREACHABLE: "○"}
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]

group = typer.Typer(
    help="Logs of other ledgers, watched; this one, moved to another server, or in the right time again.",
    no_args_is_help=True,
)
watch = typer.Typer(help="Watch logs of other ledgers: enter each of their checkpoints here.", no_args_is_help=True)
group.add_typer(watch, name="watch")
group.add_typer(move, name="move")
group.command("time-epoch")(time_epoch)


@watch.command("add")
def add(
    origin: Annotated[str, typer.Option(help="The log's origin.")],
    tiles: Annotated[str, typer.Option(help="Folder or http(s) address of its published tiles.")],
    reason: Reason,
    ledger: LedgerOption,
    vkey: Annotated[list[str] | None, typer.Option(help="Verifier key of the log; its keys, while it rotates.")] = None,
    policy: Annotated[Path | None, typer.Option(help="C2SP tlog-policy file, in place of --vkey.")] = None,
    silent: Annotated[int, typer.Option(help="Seconds it may show nothing new.", min=1)] = HOURS_2,
    as_json: AsJson = False,
) -> None:
    """Watch a log, in place of how it was watched before. What it shows is entered in this ledger's system log.

    Exit code 1, and nothing entered, for a key, policy or address that is none.
    """
    with opened(ledger) as service:
        watched = WatchedLog(
            event=WatchEvent.WATCHED,
            origin=origin,
            tiles=tiles if "://" in tiles else str(Path(tiles).resolve()),
            silent_s=silent,
            reason=reason,
            authority=local(service),
            keys=tuple(vkey or ()),
            policy="" if policy is None else _text(policy),
        )
        index = service.site_watch.put(watched)
    _entered(index, f"{origin} is watched", as_json)


@watch.command("remove")
def remove(
    origin: Annotated[str, typer.Option(help="The log's origin.")],
    reason: Reason,
    ledger: LedgerOption,
    as_json: AsJson = False,
) -> None:
    """Watch a log no more; what was entered of it stays."""
    with opened(ledger) as service:
        index = service.site_watch.release(origin, reason, local(service))
    _entered(index, f"{origin} is watched no more", as_json)


@watch.command("list")
def list_watched(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every watched log: what was last entered of it, and what is wrong with it."""
    with opened(ledger) as service:
        standings = service.site_watch.standings()
    if as_json:
        say_json([_told(one) for one in standings])
        return
    for one in standings:
        last = f"{one.last.size} entries, entry {one.last_index}" if one.last else "nothing entered yet"
        say(f"{'▲' if one.faults else '●'} {one.watched.origin}: {last}, {utc_text(one.shown_us)}")
        for fault in one.faults:
            say(f"    {fault.sort.value}: {fault.detail}")


@watch.command("now")
def now(
    ledger: LedgerOption,
    origin: Annotated[str | None, typer.Option(help="Only this log.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look at the watched logs now, as the service does each minute.

    Exit code 0 only if each could be read, and holds.
    """
    with opened(ledger) as service:
        looks: list[Look] = service.site_watch.work() if origin is None else [service.site_watch.look(origin)]
    if as_json:
        say_json(looks)
    else:
        for look in looks:
            say(f"{_SYMBOLS[look.came]} {look.origin}: {look.detail}")
    if any(look.came in (Came.WRONG, Came.UNREACHABLE) for look in looks):
        tell("Not every watched log could be read and holds.")
        raise typer.Exit(1)


def _told(one: Standing) -> dict[str, object]:
    return {
        "origin": one.watched.origin,
        "tiles": one.watched.tiles,
        "silent_s": one.watched.silent_s,
        "keys": one.watched.keys,
        "size": one.last.size if one.last else None,
        "entry": one.last_index,
        "shown_at": utc_text(one.shown_us),
        "faults": [{"sort": fault.sort, "detail": fault.detail} for fault in one.faults],
    }


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the policy file {path} cannot be read: {error}") from None


def _entered(index: int, said: str, as_json: bool) -> None:
    if as_json:
        say_json({"index": index})
    else:
        say(f"{said} (entry {index} of the system log).")
