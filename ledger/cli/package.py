"""`trailseal package`: an evidence package for a batch or a query."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, progress, say, say_json, tell
from ledger.core import canonical
from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.record import LinkKind
from ledger.present.messages import Language, message
from ledger.present.times import site_zone
from ledger.store.question import Query
from ledger.trace.selection import ByBatch, BySearch, Selection


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("package")(package)


def package(
    out: Annotated[Path, typer.Option(help="The zip file to write; it must not exist yet.")],
    ledger: LedgerOption,
    batch: Annotated[str | None, typer.Option(help="All records of this batch, named and derived.")] = None,
    link: Annotated[LinkKind, typer.Option(help="What the id given to --batch names.")] = LinkKind.BATCH,
    query: Annotated[
        str | None, typer.Option(help='JSON of a query, such as \'{"text": "TIC101.SP", "source": "dcs"}\'.')
    ] = None,
    disclose: Annotated[
        bool, typer.Option("--disclose", help="Give sealed values (names of persons) with the package.")
    ] = False,
    zone: Annotated[
        str | None, typer.Option(help="IANA zone of the report's times, beside UTC; by default the site's.")
    ] = None,
    language: Annotated[Language, typer.Option(help="The language of the report.")] = Language.ENGLISH,
    reason: Annotated[str, typer.Option(help="Why it is asked for: the report says so.")] = "",
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Write an evidence package: readable report, exact records, proofs, keys; verifiable without this ledger.

    A query is a JSON object; all members that it gives must hold: text, source, action, outcome, actor, object_type,
    object_id, link_kind, link_id, and occurred_from (inclusive) and occurred_to (exclusive) in microseconds UTC.
    Exit code 1, and no package, where the evidence does not hold.
    """
    # Imported here: what draws the report takes a second to load, which other commands should not wait for.
    from ledger.packages import issue

    if zone is not None:
        site_zone(zone)
    if out.exists():
        raise ConfigError(f"{out} exists already", advice="Choose another name; nothing was written.")
    selection = _selection(batch, link, query)
    with opened(ledger) as service, progress("package", "records") as report:
        chosen = service.log(log)
        issued = issue(
            service,
            chosen,
            selection,
            out,
            local(service),
            disclose=disclose,
            zone=zone,
            reason=reason,
            language=language,
            progress=lambda _step, done: report(done, done),
        )
        vkey = service.vkey(chosen)
    if issued.signers_hidden:
        tell(message("report.sealed.signers", count=issued.signers_hidden))
    if as_json:
        say_json({"package": str(out), "records": issued.records, "size": issued.size, "vkey": vkey})
        return
    say(f"{out}: {issued.records} records as of size {issued.size} of {issued.origin}")
    say(f"Verify it anywhere: trailseal verify {out} --vkey '{vkey}'")


def _selection(batch: str | None, link: LinkKind, query: str | None) -> Selection:
    if (batch is None) == (query is None):
        raise ConfigError("a package is of one batch or of one query", advice="Give --batch ID or --query JSON.")
    if batch is not None:
        return ByBatch(kind=link, id=batch)
    try:
        return BySearch(query=msgspec.convert(canonical.loads((query or "").encode()), Query))
    except (InvalidEntry, msgspec.ValidationError) as error:
        raise ConfigError(
            f"the query cannot be read: {error}", advice="Its members stand in `trailseal package --help`."
        ) from None
