"""`trailseal token`: what programs show to the API, such as a collector in another zone."""

from typing import Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.errors import ConfigError, NotCanonical
from ledger.people.access import Scope
from ledger.people.people import Held

group = typer.Typer(
    help="Service accounts' tokens for the API. Once two persons hold roles, scope admin is granted only by who holds "
    "it: give a token or a session's secret in TRAILSEAL_CREDENTIAL.",
    no_args_is_help=True,
)


@group.command("create")
def create(
    account: Annotated[
        str, typer.Option(help="The service account; made if there is none of that name. Lower case, digits, . _ -")
    ],
    scope: Annotated[list[Scope], typer.Option(help="What the token allows, as often as needed.")],
    ledger: LedgerOption,
    source: Annotated[
        list[str] | None, typer.Option(help="With scope ingest: a source it is for, as often as needed.")
    ] = None,
    expires: Annotated[str | None, typer.Option(help="Until when, such as 2027-01-01T00:00:00Z.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the entry.")] = "made at the terminal",
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Grant scopes to a service account; the token is printed once and kept nowhere."""
    expires_at = None if expires is None else utc_of("--expires", expires)
    with opened(ledger) as service:
        for one in source or []:
            service.record_log(log).sources.get(one)
        people, authority = service.people, acting(service)
        try:
            if account not in {known.account for known in people.accounts()}:
                people.create_account(account, account, reason, authority)
            token = people.grant(account, scope, reason, authority, source or (), expires_at)
        except NotCanonical as error:
            raise ConfigError(
                f"this is no account or no reason: {error.message}",
                advice="An account is of lower case letters, digits, '.', '_' and '-'; a reason is a sentence.",
            ) from None
    if as_json:
        say_json({"account": account, "grant": token.grant, "entry": token.index, "token": token.token})
        return
    say(f"Grant {token.grant} to {account}: entry {token.index} of the system log")
    say(f"Token, shown once {token.token}")


@group.command("list")
def list_tokens(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every grant there ever was: whose, what for, from when to when. Tokens themselves are kept nowhere."""
    with opened(ledger) as service:
        register = service.people.register()
    if as_json:
        say_json(register)
        return
    for held in register:
        scopes = ", ".join(scope.value for scope in held.scopes)
        sources = f" of {', '.join(held.sources)}" if held.sources else ""
        say(f"{held.grant} {held.account:20} {scopes}{sources}, since {held.from_at}, {_until(held)}")


@group.command("revoke")
def revoke(
    grant: Annotated[str, typer.Argument(help="The grant, as `token list` shows it.")],
    ledger: LedgerOption,
    reason: Annotated[str, typer.Option(help="Why; it stands in the entry.")] = "revoked at the terminal",
    as_json: AsJson = False,
) -> None:
    """End a grant at once: its token is refused from here on."""
    with opened(ledger) as service:
        index = service.people.revoke(grant, reason, acting(service))
    if as_json:
        say_json({"grant": grant, "entry": index})
    else:
        say(f"Grant {grant} is revoked: entry {index} of the system log.")


def _until(held: Held) -> str:
    if held.to_at is not None:
        return f"revoked {held.to_at}"
    return "without end" if held.expires_at is None else f"until {held.expires_at}"
