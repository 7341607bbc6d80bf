"""`trailseal saved`: searches that are saved; `trailseal search --save` saves one, `--saved` makes it again."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.errors import SchemaViolation
from ledger.present.messages import message
from ledger.sources.narrowing import Where
from ledger.sources.saved_queries import NewQuery, Saved
from ledger.store.ordering import Sort
from ledger.store.question import Query
from ledger.trace.asking import parameters_of

group = typer.Typer(help="Searches that are saved: your own, and those that others share.", no_args_is_help=True)


@group.command("list")
def show_all(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Your own, then what others share, each with what it asks."""
    with opened(ledger) as service:
        found = service.quality.saved.listed(local(service).actor)
    if as_json:
        say_json(found)
        return
    if not found:
        say(message("saved.none"))
    for one in found:
        asked = " ".join(f"{name}={value}" for name, value in parameters_of(one.query, one.where))
        shared = f" ({message('saved.shared')})" if one.shared else ""
        say(f"{one.id}  {one.name}{shared}, {one.owner}: {asked or message('saved.all')}")


@group.command("remove")
def remove(
    ledger: LedgerOption, saved: Annotated[str, typer.Argument(help="Its id or name.")], as_json: AsJson = False
) -> None:
    """Remove one, your own or a shared one."""
    with opened(ledger) as service:
        authority = local(service)
        index = service.quality.saved.remove(authority.actor, saved, all_shared=True, authority=authority)
    if as_json:
        say_json({"entry": index})
    else:
        say(message("saved.removed", entry=index))


def save(
    ledger: LedgerOption,
    log: str | None,
    name: str,
    shared: bool,
    query: Query,
    where: Where,
    sort: Sort,
    columns: str | None,
) -> Saved:
    """Saves a search under a name of one's own; raises as `Quality.save_query`."""
    with opened(ledger) as service:
        chosen, authority = service.log(log), local(service)
        new = NewQuery(
            name=name.strip(),
            log=chosen.name,
            query=query,
            where=where,
            sort=sort,
            columns=tuple(one.strip() for one in columns.split(",")) if columns else (),
            shared=shared,
        )
        return service.quality.save_query(new, chosen, authority.actor, authority)


def kept(ledger: LedgerOption, log: str | None, saved: str) -> Saved:
    """The saved search of that id or name; raises NotFound, and SchemaViolation for one of another log."""
    with opened(ledger) as service:
        found = service.quality.saved.get(local(service).actor, saved)
    if log not in (None, found.log):
        raise SchemaViolation(message("saved.other-log", name=found.name, log=found.log), advice=f"--log {found.log}")
    return found
