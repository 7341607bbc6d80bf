"""`trailseal user enrol|unlock|reset|sessions`: how people begin, what locks them out, and what ends."""

from typing import Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.errors import ConfigError
from ledger.people.enrolment import Code, Mailed

Account = Annotated[str, typer.Argument(help="The person's account.")]
ByMail = Annotated[bool, typer.Option("--mail", help="The code goes to the person's address, and is not shown here.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]


def add_to(group: typer.Typer) -> None:
    """Adds the commands to `trailseal user`."""
    group.command("enrol")(enrol)
    group.command("unlock")(unlock)
    group.command("reset")(reset)
    group.command("sessions")(sessions)


def enrol(
    account: Account, ledger: LedgerOption, reason: Reason = "to begin", mail: ByMail = False, as_json: AsJson = False
) -> None:
    """Give a one-time code by which a person sets their own password and device; it is printed once, or mailed.

    With direct access to the folder this works until two people have components; from then on TRAILSEAL_CREDENTIAL has
    to hold the token or session of an administrator.
    """
    with opened(ledger) as service:
        enrolment = service.entrance.enrolment
        give = enrolment.mail if mail else enrolment.issue
        code = give(account, reason, acting(service))
    _tell(code, as_json)


def unlock(
    account: Account, ledger: LedgerOption, reason: Annotated[str, typer.Option(help="Why.")], as_json: AsJson = False
) -> None:
    """Open an account that refused components locked. The entry says whether who did it was authenticated."""
    with opened(ledger) as service:
        index = service.entrance.attempts.unlock(account, reason, acting(service))
    if as_json:
        say_json({"account": account, "entry": index})
    else:
        say(f"Account {account} is unlocked: entry {index} of the system log.")


def reset(
    ledger: LedgerOption,
    account: Annotated[str | None, typer.Argument(help="The account to be reset; without it, what waits.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; it stands in the entry.")] = None,
    password: Annotated[bool, typer.Option("--password", help="Take the password away too.")] = False,
    confirm: Annotated[str | None, typer.Option(help="Confirm this reset, which somebody else asked for.")] = None,
    mail: ByMail = False,
    as_json: AsJson = False,
) -> None:
    """Ask that a person's second factors be taken away, or confirm it; without an account, list what waits.

    Two people decide, and neither is the subject: who confirms has to be authenticated by TRAILSEAL_CREDENTIAL.
    """
    if confirm is None and (account is None) != (reason is None):
        raise ConfigError("an account to be reset takes a reason", advice="Give ACCOUNT and --reason, or neither.")
    with opened(ledger) as service:
        resets = service.entrance.resets
        if confirm is not None:
            give = resets.confirm_by_mail if mail else resets.confirm
            _tell(give(confirm, reason or "confirmed at the terminal", acting(service)), as_json)
            return
        if account is not None and reason is not None:
            found = [resets.ask(account, password, reason, acting(service))]
        else:
            found = resets.waiting()
    if as_json:
        say_json(found)
        return
    for one in found:
        what = "all components" if one.password else "second factors"
        say(f"{one.reset} {one.account}: {what}, asked by {one.asked_by} ({one.reason}), until {one.lapses_at}")


def sessions(
    account: Account,
    ledger: LedgerOption,
    end: Annotated[bool, typer.Option("--end", help="End every one of them.")] = False,
    reason: Reason = "ended at the terminal",
    as_json: AsJson = False,
) -> None:
    """List the sessions of a person, or end them all."""
    with opened(ledger) as service:
        people = service.people
        found = people.sessions.of(account)
        ended = people.sessions.end_others(account, None, reason, acting(service)) if end else 0
    if as_json:
        say_json({"ended": ended} if end else found)
    elif end:
        say(f"{ended} sessions of {account} are ended.")
    else:
        for one in found:
            how, where = ", ".join(one.methods), one.network or "unknown"
            say(f"{one.session} since {one.started_at}, used {one.last_used_at}, from {where}, by {how}")


def _tell(code: Code | Mailed, as_json: bool) -> None:
    if as_json:
        say_json(code)
        return
    if isinstance(code, Mailed):
        entry = f"entry {code.index} of the system log"
        say(f"The code for {code.account} went to their address, and is good until {code.expires_at}: {entry}")
        return
    say(f"Code for {code.account}, shown once, good until {code.expires_at}: entry {code.index} of the system log")
    say(code.code)
