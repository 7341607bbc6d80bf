"""`trailseal profile show|set`: what is left to the site, item by item; each change is an entry with the old value."""

from typing import Annotated

import msgspec
import typer

from ledger.cli.acting import acting
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core import canonical
from ledger.core.errors import ConfigError, InvalidEntry, NotFound
from ledger.people.administration import require_admin
from ledger.people.profile import ITEMS, Profile

group = typer.Typer(help="The site's profile: what is left to the site, item by item.", no_args_is_help=True)


@group.command("show")
def show(
    ledger: LedgerOption,
    item: Annotated[str | None, typer.Argument(help="One item; all without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """The profile as it stands; an item that was never set has its default."""
    if item is not None and item not in ITEMS:
        raise NotFound(f"the profile has no item {item!r}", advice=f"Its items are {', '.join(ITEMS)}.")
    with opened(ledger) as service:
        found = msgspec.to_builtins(service.people.profiles.now())
    chosen = found if item is None else {item: found[item]}
    if as_json:
        say_json(chosen)
        return
    default = msgspec.to_builtins(Profile())
    for name, value in chosen.items():
        say(f"{name:24} {canonical.dumps(value).decode()}{'' if value == default[name] else '  (set)'}")


@group.command("set")
def set_item(
    item: Annotated[str, typer.Argument(help="The item, as `profile show` names it.")],
    value: Annotated[str, typer.Argument(help="""Its value in JSON, such as 30, '"always"' or '["10.0.0.0/8"]'.""")],
    ledger: LedgerOption,
    reason: Annotated[str, typer.Option(help="Why; it stands in the entry.")],
    as_json: AsJson = False,
) -> None:
    """Set an item for the whole ledger; the value before stays on record."""
    try:
        given = canonical.loads(value.encode())
    except InvalidEntry as error:
        raise ConfigError(
            f"the value is no JSON: {error.message}", advice="""Write text in quotes: '"always"'."""
        ) from None
    if not reason.strip():
        raise ConfigError("the reason has to be said in words", advice="Say why it is changed.")
    with opened(ledger) as service:
        authority = acting(service)
        index = service.people.profiles.set(
            item, given, reason, authority, lambda one: require_admin(service.store, one, authority)
        )
    if as_json:
        say_json({"item": item, "entry": index})
    else:
        say(f"{item}: entry {index} of the system log")
