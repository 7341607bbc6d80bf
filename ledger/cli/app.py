"""The command `trailseal`, and how errors leave it."""

import sqlite3
from collections.abc import Sequence

import typer
from sqlalchemy.exc import DBAPIError

from ledger import __version__
from ledger.cli import (
    agent,
    alcoa,
    append,
    challenge,
    change,
    collect,
    demo,
    dispose,
    doctor,
    drill,
    exclude,
    hand,
    history,
    hold,
    importing,
    imports,
    incident,
    init,
    inventory,
    key,
    log,
    maps,
    notice,
    package,
    parameters,
    privacy,
    profile,
    query,
    rebuild,
    retention,
    review,
    review_findings,
    review_plans,
    roles,
    route_changes,
    rules,
    saved,
    searching,
    serve,
    sign,
    sign_external,
    sign_paper,
    sign_routes,
    source,
    terminals,
    tiles,
    timestamp,
    token,
    trace,
    upgrade,
    user,
    verify,
    verify_page,
    witness,
    witness_policy,
)
from ledger.cli.ledgers import database_trouble
from ledger.cli.output import complain
from ledger.cli.running import run_command
from ledger.store.trouble import trouble_of

app = typer.Typer(
    name="trailseal",
    help="Tamper-evident, verifiable audit trail for regulated manufacturing.\n\n"
    "Exit code 0 only when what the command says holds; 1 when it does not, or on an error; 130 after Ctrl-C.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (
    init,
    serve,
    doctor,
    collect,
    append,
    importing,
    searching,
    history,
    query,
    trace,
    verify,
    verify_page,
    drill,
    package,
    rebuild,
    upgrade,
    demo,
):
    module.add_to(app)
for part in (sign_external, sign_paper):
    part.add_to(sign.group)
for part in (review_findings, review_plans):
    part.add_to(review.group)
route_changes.add_to(sign_routes.route)
witness_policy.add_to(witness.group)
for name, group in (
    ("source", source.group),
    ("map", maps.group),
    ("parameter", parameters.group),
    ("change", change.group),
    ("alcoa", alcoa.group),
    ("rules", rules.group),
    ("review", review.group),
    ("inventory", inventory.group),
    ("hand", hand.group),
    ("exclude", exclude.group),
    ("imports", imports.group),
    ("saved", saved.group),
    ("challenge", challenge.group),
    ("tiles", tiles.group),
    ("key", key.group),
    ("log", log.group),
    ("timestamp", timestamp.group),
    ("token", token.group),
    ("agent", agent.group),
    ("user", user.group),
    ("role", roles.group),
    ("terminal", terminals.group),
    ("profile", profile.group),
    ("sign", sign.group),
    ("notice", notice.group),
    ("privacy", privacy.group),
    ("incident", incident.group),
    ("retention", retention.group),
    ("hold", hold.group),
    ("dispose", dispose.group),
    ("witness", witness.group),
):
    app.add_typer(group, name=name)


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
    if version:
        typer.echo(f"trailseal {__version__}")
        raise typer.Exit


_command = typer.main.get_command(app)


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code: 0 only when what the command says holds.

    An error is told on standard error, as a line that says what is wrong and one that says what to do, with `--json`
    too: standard output then stays empty. Its code is 1, for a mistyped option as well: 2 is an answer of `verify`.
    """
    try:
        return run_command(_command, arguments)
    except DBAPIError as error:
        trouble = database_trouble(error)
        return complain(trouble.message, trouble.advice)
    except sqlite3.Error as error:
        known = trouble_of(error)
        if known is None:
            raise
        return complain(known.message, known.advice)
