"""`trailseal user add|list|show|change|deactivate|qualify|withdraw`: persons, inspectors, and what qualifies them."""

from enum import StrEnum
from typing import Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.errors import ConfigError
from ledger.people.persons import HeldRole, Person
from ledger.people.roles import Role

Account = Annotated[str, typer.Argument(help="The account: lower case letters, digits, '.', '_' and '-'.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]


class Sort(StrEnum):
    """What can be recorded of a person at the terminal."""

    IDENTITY = "identity"
    TRAINING = "training"
    DEVICE = "device"


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (
        ("add", add),
        ("list", list_persons),
        ("show", show),
        ("change", change),
        ("deactivate", deactivate),
        ("qualify", qualify),
        ("withdraw", withdraw),
    ):
        group.command(name)(command)


def add(
    account: Account,
    name: Annotated[str, typer.Option(help="The printed full name, as signatures show it.")],
    ledger: LedgerOption,
    reason: Reason,
    email: Annotated[str | None, typer.Option(help="Where the person is told what happens to the account.")] = None,
    inspector_until: Annotated[
        str | None, typer.Option(help="An inspector's account, until then, such as 2026-12-24T12:00:00Z; 90 days.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an account for a person, without any right yet; its id is never issued again."""
    until = None if inspector_until is None else utc_of("--inspector-until", inspector_until)
    with opened(ledger) as service:
        index = service.people.persons.create(
            account, name, reason, acting(service), email=email, inspector_until=until
        )
    _entered(as_json, index, account=account)


def list_persons(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Everybody who has or had an account: roles, state, and when they last signed in."""
    with opened(ledger) as service:
        found = service.people.persons.everyone()
    if as_json:
        say_json(found)
        return
    for one in found:
        roles = ", ".join(sorted({role.role.value for role in one.roles if role.role is not None})) or "no role"
        say(f"{one.account:20} {one.state.value:12} {roles}; {_used(one)}")


def show(account: Account, ledger: LedgerOption, as_json: AsJson = False) -> None:
    """One account with its roles and qualifications."""
    with opened(ledger) as service:
        found = service.people.persons.show(account)
        known = service.people.qualifications.of(account)
    if as_json:
        say_json({"person": found, "qualifications": known})
        return
    say(f"{found.account}: {found.sort.value}, {found.state.value}, since entry {found.since_index}")
    say(f"Name     {found.name or 'erased'}")
    say(f"E-mail   {found.email or 'none'}")
    say(f"Use      {_used(found)}")
    for role in found.roles:
        say(f"Role     {_role(role)}")
    for one in known:
        about = "".join(f", {text}" for text in (one.role, one.credential) if text)
        until = "" if one.until is None else f" until {one.until}"
        say(f"{one.sort.value}{about}: {one.how}, on {one.on}{until}, by {one.by} ({one.qualification})")


def change(
    account: Account,
    ledger: LedgerOption,
    reason: Reason,
    name: Annotated[str | None, typer.Option(help="The new printed name.")] = None,
    email: Annotated[str | None, typer.Option(help="The new address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Another name or address from here on; what it was stays on record."""
    with opened(ledger) as service:
        index = service.people.persons.change(account, reason, acting(service), name=name, email=email)
    _entered(as_json, index, account=account)


def deactivate(account: Account, ledger: LedgerOption, reason: Reason, as_json: AsJson = False) -> None:
    """End an account at once, with every right and session of it; it is never deleted."""
    with opened(ledger) as service:
        index = service.people.deactivate(account, reason, acting(service))
    _entered(as_json, index, account=account)


def qualify(
    account: Account,
    sort: Annotated[Sort, typer.Argument(help="What was established, by somebody else than the person.")],
    how: Annotated[str, typer.Option(help="By which means: 'passport, number seen', a course, the test's result.")],
    on: Annotated[str, typer.Option(help="The day, such as 2026-11-25.")],
    ledger: LedgerOption,
    reason: Reason,
    until: Annotated[
        str | None, typer.Option(help="Training: its last day. Device: when the next test is due.")
    ] = None,
    role: Annotated[Role | None, typer.Option(help="Training: the role that it is for.")] = None,
    credential: Annotated[str | None, typer.Option(help="Device: the component that was tested.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Device: the test was not passed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Record how an identity was verified, a training for a role, or the test of a device."""
    with opened(ledger) as service:
        known, authority = service.people.qualifications, acting(service)
        if sort is Sort.IDENTITY:
            index = known.identity(account, how, on, reason, authority)
        elif sort is Sort.TRAINING:
            if role is None:
                raise ConfigError("a training is for a role", advice="Name it: --role.")
            index = known.training(account, role, how, on, until, reason, authority)
        else:
            if credential is None:
                raise ConfigError("a device is named by its component", advice="Name it: --credential.")
            index = known.device(account, credential, how, on, reason, authority, passed=not failed, until=until)
    _entered(as_json, index, account=account)


def withdraw(
    qualification: Annotated[str, typer.Argument(help="What `user show` names in brackets.")],
    ledger: LedgerOption,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Take back what was established; roles that rest on a training end with it."""
    with opened(ledger) as service:
        index = service.people.qualifications.withdraw(qualification, reason, acting(service))
    _entered(as_json, index, qualification=qualification)


def _entered(as_json: bool, index: int, **about: str) -> None:
    if as_json:
        say_json({**about, "entry": index})
    else:
        say(f"{next(iter(about.values()))}: entry {index} of the system log")


def _used(person: Person) -> str:
    return "never signed in" if person.last_used is None else f"last signed in {person.last_used}"


def _role(held: HeldRole) -> str:
    where = f" for {', '.join(held.sites)}" if held.sites else ""
    sources = f" of {', '.join(held.sources)}" if held.sources else ""
    begins = "" if held.from_at is None else f", from {held.from_at}"
    ends = "" if held.expires_at is None else f", until {held.expires_at}"
    return f"{held.role}{where}{sources}{begins}{ends} (grant {held.grant}, entry {held.index})"
