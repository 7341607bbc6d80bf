"""`trailseal upgrade`: the database's schema and projections, brought to what this program is written for."""

import typer
from sqlalchemy.exc import DBAPIError

from ledger import settings
from ledger.cli.ledgers import LedgerOption, database_trouble, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.opening import require_database
from ledger.store.database import upgrade as upgrade_database
from ledger.store.projections import read_versions
from ledger.store.rebuild import rebuild


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("upgrade")(upgrade)


def upgrade(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Migrate the database to this version, as the owner's role; stop the service first. Forward only.

    Projections of which this version has a newer form are rebuilt from the log.
    """
    chosen, _ = settings.load(ledger)
    owner = chosen.owner_url(ledger)
    require_database(owner)
    try:
        before, now = upgrade_database(owner)
    except DBAPIError as error:
        raise database_trouble(error) from None
    with opened(ledger) as service:  # it opens: the service's role sees the new schema
        with service.store.reading() as connection:
            live = read_versions(connection)
        newest = service.store.projections.newest().versions
        older = [name for name, version in newest.items() if name in live and live[name] < version]
        if older:
            with progress("rebuild") as report:
                rebuild(service.store, owner, older, progress=report)
    if as_json:
        say_json({"before": before, "now": now, "rebuilt": older})
        return
    say(f"The database has schema {now}" + (" already." if before == now else f"; it had {before}."))
    if older:
        say(f"Rebuilt from the log: {', '.join(older)}.")
