"""What commands that set configuration share: who sets it, why, and whether it holds at once or waits to be signed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from ledger.changes.proposing import Proposed
from ledger.cli.acting import acting
from ledger.cli.ledgers import opened
from ledger.cli.output import say, say_json
from ledger.cli.persons import AsPerson as AsPerson
from ledger.cli.persons import person
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.change import MAX_LINES
from ledger.core.errors import ConfigError, SchemaViolation
from ledger.service import Service

Request = Annotated[
    str | None,
    typer.Option(
        "--change-request",
        help="The number of the change request, such as CR-0042; needed once two persons hold roles.",
    ),
]


class Why(NamedTuple):
    """The reason, the change request, and the account of who acts here (`--as`)."""

    reason: str
    request: str | None
    by: str | None


@contextmanager
def setting(service: Service, why: Why) -> Iterator[Authority]:
    """Who sets it: somebody who signs in here, whoever's credential the environment bears, or the ledger's folder."""
    if why.by is None:
        yield acting(service)
        return
    with person(service, why.by) as caller:
        yield caller.authority


def enter(
    service: Service, log: LogId, bodies: Sequence[msgspec.Struct], why: Why, authority: Authority
) -> list[int] | Proposed:
    """Enters configuration, a longer list in parts, each in whole or not at all; or proposes it. Raises as
    `Configuration.enter`.
    """
    configuration = service.quality.configuration
    placed: list[int] = []
    parts = (
        [bodies]
        if why.request is not None
        else [bodies[at : at + MAX_LINES] for at in range(0, len(bodies), MAX_LINES)]
    )
    for part in parts:
        made = configuration.enter(log, part, why.reason, authority, why.request)
        if isinstance(made, Proposed):
            return made
        placed += made.entries
    return placed


def enter_system(ledger: Path, make: Callable[[Service, Authority], msgspec.Struct], why: Why, as_json: bool) -> None:
    """Enters, or proposes, configuration of the system log, and says so."""
    with opened(ledger) as service, setting(service, why) as authority:
        made = enter(service, service.system, [make(service, authority)], why, authority)
    if isinstance(made, Proposed):
        say_proposed(made, as_json, "system")
    elif as_json:
        say_json({"entry": made[0]})
    else:
        say(f"Entry {made[0]} of the system log.")


def enter_one(
    service: Service, log: LogId, entry: msgspec.Struct, why: Why, authority: Authority, as_json: bool
) -> None:
    """Enters, or proposes, configuration of a record log, and says so. Raises ConfigError for what cannot be."""
    try:
        made = enter(service, log, [entry], why, authority)
    except SchemaViolation as error:
        raise ConfigError(error.message, advice=error.advice) from None
    if isinstance(made, Proposed):
        say_proposed(made, as_json)
    elif as_json:
        say_json({"entry": made[0]})
    else:
        say(f"Entry {made[0]}.")


def say_proposed(made: Proposed, as_json: bool, log: str | None = None) -> None:
    """What waits to be signed, and how it is."""
    if as_json:
        say_json(made)
        return
    say(f"Proposed as change {made.change}, entry {made.index}.")
    say(
        f"A second person signs it: trailseal sign entries {made.index} --action change --meaning approved --as ACCOUNT"
    )
