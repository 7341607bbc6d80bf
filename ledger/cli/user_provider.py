"""`trailseal user provider`: the site's identity provider, its keys, and whose subject is whose account."""

import getpass
import sys
from typing import Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.errors import ConfigError
from ledger.people.oidc import CALLBACK, Agreement
from ledger.people.oidc_door import ProviderView, provider_view
from ledger.service import Service

group = typer.Typer(
    help="The site's identity provider (OpenID Connect): people sign in there, and sign where the site allows it.",
    no_args_is_help=True,
)
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]


@group.command("set")
def set_provider(
    issuer: Annotated[str, typer.Argument(help="The provider's issuer, such as https://id.plant.example.")],
    client_id: Annotated[str, typer.Option(help="What the provider knows this ledger as.")],
    redirect: Annotated[str, typer.Option(help=f"https://HOST{CALLBACK}, as people reach the pages.")],
    acr: Annotated[list[str], typer.Option(help="A class of authentication that signs in, as often as needed.")],
    ledger: LedgerOption,
    signing_acr: Annotated[
        list[str] | None, typer.Option(help="A class of authentication that signs, as often as needed; none: nobody.")
    ] = None,
    claim: Annotated[str, typer.Option(help="The member of its tokens that names a person.")] = "sub",
    ask_secret: Annotated[
        bool,
        typer.Option("--ask-secret", help="Ask for the client secret, or read it from standard input, and keep it."),
    ] = False,
    reason: Reason = "set at the terminal",
    as_json: AsJson = False,
) -> None:
    """Agree on the provider: it is asked for its description and keys, and both are entered.

    The client secret is read from TRAILSEAL_OIDC_CLIENT_SECRET or `keys/oidc-client.key`; it stands in no entry.
    """
    wanted = Agreement(
        issuer=issuer,
        client_id=client_id,
        redirect_uri=redirect,
        acr=tuple(acr),
        signing_acr=tuple(signing_acr or ()),
        claim=claim,
    )
    with opened(ledger) as service:
        if ask_secret:
            service.keys.keep_client_secret(_secret())
        service.provider.set(wanted, reason, acting(service))
        _tell(service, as_json)


@group.command("show")
def show(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """What is agreed, and the keys as they were entered."""
    with opened(ledger) as service:
        _tell(service, as_json)


@group.command("keys")
def keys(ledger: LedgerOption, reason: Reason = "asked at the terminal", as_json: AsJson = False) -> None:
    """Fetch the provider's keys, and enter them if they changed; the service does so by itself every five minutes."""
    with opened(ledger) as service:
        service.provider.refresh(reason, acting(service))
        _tell(service, as_json)


@group.command("retire")
def retire(ledger: LedgerOption, reason: Reason = "ended at the terminal", as_json: AsJson = False) -> None:
    """End its use: nobody signs in there from here on."""
    with opened(ledger) as service:
        index = service.provider.retire(reason, acting(service))
    if as_json:
        say_json({"entry": index})
    else:
        say(f"Nobody signs in at the provider from here on: entry {index} of the system log.")


@group.command("link")
def link(
    account: Annotated[str, typer.Argument(help="The person's account.")],
    subject: Annotated[str, typer.Argument(help="Whom the provider knows the person as.")],
    ledger: LedgerOption,
    reason: Reason = "linked at the terminal",
    as_json: AsJson = False,
) -> None:
    """Say that a subject of the provider is this account's person.

    It counts only once a second administrator who is signed in has confirmed it; a person who links their own account
    on its page needs neither.
    """
    with opened(ledger) as service:
        issuer = service.provider.agreed().body.issuer
        made = service.provider_door.links.link(account, issuer, subject, reason, acting(service))
    if as_json:
        say_json(made)
        return
    say(f"Link {made.credential} of {account} to {subject}: entry {made.index} of the system log")
    say("It counts once an administrator who is signed in has confirmed it.")


def _tell(service: Service, as_json: bool) -> None:
    found = provider_view(service.provider.agreed(), service.provider.held())
    if as_json:
        say_json(found)
    else:
        _say(found)


def _say(found: ProviderView) -> None:
    say(f"Issuer             {found.issuer} (entry {found.entry} of the system log)")
    say(f"Client             {found.client_id}, {'with a secret' if found.secret else 'public, without a secret'}")
    say(f"Redirect           {found.redirect_uri}")
    say(f"Person named by    {found.claim}")
    say(f"Signs in with acr  {', '.join(found.acr)}")
    say(f"Signs with acr     {', '.join(found.signing_acr) or 'none: nobody signs there'}")
    for key in found.keys:
        say(f"Key                {key} (entry {found.keys_entry})")


def _secret() -> str:
    text = getpass.getpass("Client secret: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not text:
        raise ConfigError("no client secret was given", advice="Type it, or give it on standard input.")
    return text
