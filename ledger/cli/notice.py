"""`trailseal notice`: what went out by mail and webhook, a test of it, and the key that receivers pin."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.errors import NotFound
from ledger.people.notice_kinds import Subject
from ledger.people.notices import MAX_SHOWN

group = typer.Typer(help="Notices by mail and webhook.", no_args_is_help=True)


@group.command("list")
def outgoing(
    ledger: LedgerOption,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=MAX_SHOWN)] = 50,
    as_json: AsJson = False,
) -> None:
    """What is due by mail and webhook, went out or failed, the newest first."""
    with opened(ledger) as service:
        found = service.notices.outgoing(limit)
    if as_json:
        say_json(found)
        return
    for one in found:
        said = f": {one.error}" if one.error else ""
        say(f"{one.index:>9}  {one.state.value:6} {one.channel.value:7} {one.to}  ({one.attempts} tries){said}")
    say(f"{len(found)} deliveries.")


@group.command("test")
def send_test(
    account: Annotated[str, typer.Argument(help="Whom to tell.")], ledger: LedgerOption, as_json: AsJson = False
) -> None:
    """Send an account, and every webhook, a notice to see that it arrives. The service sends it, or this command."""
    with opened(ledger) as service:
        told = service.notices.tell([account], Subject.TEST)
        if told is None:
            raise NotFound(f"there is no active account {account!r}, and no webhook")
        service.notices.work()
        found = [one for one in service.notices.outgoing() if one.notice == told]
    if as_json:
        say_json(found)
        return
    for one in found:
        say(f"{one.state.value:6} {one.channel.value:7} {one.to} {one.error}".rstrip())
    if not found:
        say("Told on the pages alone: the profile names no mail server and no webhook, or the account has no address.")


@group.command("key")
def key(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """The verifier key by which a webhook's receiver checks what it gets."""
    with opened(ledger) as service:
        vkey = service.notice_vkey()
    if as_json:
        say_json({"vkey": vkey})
        return
    say(vkey or "There is none before the first notice to a webhook.")
