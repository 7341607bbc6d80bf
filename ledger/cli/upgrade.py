"""`trailseal upgrade`: the database's schema, brought to what this program is written for."""

import typer
from sqlalchemy.exc import DBAPIError

from ledger import settings
from ledger.cli.ledgers import LedgerOption, database_trouble, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.opening import require_database
from ledger.store.database import upgrade as upgrade_database


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("upgrade")(upgrade)


def upgrade(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Migrate the database to this version, as the owner's role; stop the service first. Forward only."""
    chosen, _ = settings.load(ledger)
    owner = chosen.owner_url(ledger)
    require_database(owner)
    try:
        before, now = upgrade_database(owner)
    except DBAPIError as error:
        raise database_trouble(error) from None
    with opened(ledger):
        pass  # it opens: the service's role sees the new schema
    if as_json:
        say_json({"before": before, "now": now})
    else:
        say(f"The database has schema {now}" + (" already." if before == now else f"; it had {before}."))
