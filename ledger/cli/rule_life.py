"""`trailseal rules list|state|challenge|challenges`: what state a site gives its rules, and on what they were tried."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.configuring import AsPerson, Request, Why, enter_one, setting
from ledger.cli.files import text_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.core.errors import ConfigError, NotFound, SchemaViolation
from ledger.core.ruling import RuleState, RuleStated
from ledger.review.life.states import standings
from ledger.review.rules import faulty, rule_named
from ledger.review.trials.cases import read_cases
from ledger.review.trials.challenges import Challenged

RuleArgument = Annotated[str, typer.Argument(metavar="RULE", help="The rule, such as D11.")]
SizeOption = Annotated[int | None, typer.Option("--size", min=0, help="As of this size of the log, not of now.")]


def add_to(group: typer.Typer) -> None:
    """Adds these commands to `trailseal rules`."""
    group.command("list")(list_all)
    group.command("state")(state)
    group.command("challenge")(challenge)
    group.command("challenges")(challenges)


def list_all(ledger: LedgerOption, size: SizeOption = None, log: LogOption = None, as_json: AsJson = False) -> None:
    """All rules, each with its version, its state in this log, and how much what it finds matters."""
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        found = standings(service.store, reader.connection, chosen.log, at_size)
        minutes = service.settings.rules_minutes
    if as_json:
        say_json({"rules": found, "faulty": faulty(), "every_minutes": minutes})
        return
    for one in found:
        about = one.about
        why = f"  ({one.why})" if one.why else ""
        say(f"{about.id}  version {about.version}  {one.state.value:9}  {about.severity.value:8}  {about.title}{why}")
    for wrong in faulty():
        say(f"{wrong.file} defines no rule: {wrong.error}")
    if minutes is None:
        say("No schedule runs them: set rules_minutes in trailseal.toml, or use `trailseal rules run`.")
    else:
        say(f"A schedule runs them every {minutes} minutes while the service runs.")


def state(
    rule: RuleArgument,
    state: Annotated[RuleState, typer.Argument(help="What the rule is from here on.")],
    ledger: LedgerOption,
    reason: Annotated[str, typer.Option(help="Why; it stands in the entry.")],
    tried: Annotated[
        int | None, typer.Option("--challenge", min=0, help="The signed challenge that validates it: its entry.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--rule-version", min=1, help="Of this version; by default the one that is here.")
    ] = None,
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Say what state a rule is in: draft, shadow, validated or retired. Without a word of it, it is shadow."""
    why = Why(reason, request, by)
    with opened(ledger) as service, setting(service, why) as authority:
        stated = RuleStated(
            rule=rule,
            version=rule_named(rule).about.version if version is None else version,
            state=state,
            challenge=tried,
            reason=reason,
            authority=authority,
        )
        enter_one(service, service.record_log(log).log, stated, why, authority, as_json)


def challenge(
    rule: RuleArgument,
    file: Annotated[
        Path, typer.Argument(help="JSON: a list of cases, each with name, expected, and an entry or runs.")
    ],
    ledger: LedgerOption,
    reason: Annotated[str, typer.Option(help="What the rule is tried for; it stands in the entry.")],
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Try a rule on cases of this log; what it says of each is entered, and signed by whoever looked at them.

    A case names a record of this log (`entry`), or runs of registered sources, which are placed in the log for the
    trial and taken out again. Exit code 1 if the cases do not validate the rule.
    """
    text = text_of(file, "JSON")
    with opened(ledger) as service:
        chosen = service.record_log(log).log
        try:
            made = service.quality.challenges.run(chosen, rule, read_cases(text.encode()), reason, acting(service))
        except (SchemaViolation, NotFound) as error:
            raise ConfigError(error.message, advice=error.advice) from None
    if as_json:
        say_json(made)
    else:
        _say(made)
        if not made.lacking:
            say(f"Sign it: trailseal sign entries {made.entry} --action rule --meaning verified --as ACCOUNT")
    if made.lacking:
        raise typer.Exit(1)


def challenges(
    ledger: LedgerOption,
    rule: Annotated[str | None, typer.Option("--rule", help="Of this rule only.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """The challenges of rules, newest first, each with what came of its cases and who signed it."""
    with opened(ledger) as service:
        found = service.quality.challenges.all(service.record_log(log).log, rule)
    if as_json:
        say_json(found)
        return
    for one in found:
        _say(one)
    if not found:
        say("No rule was tried yet.")


def _say(made: Challenged) -> None:
    tried = made.challenge
    outcome = f"does not validate it: {made.lacking}" if made.lacking else "shows what it should"
    signed = ", ".join(f"signed by {one.name}" for one in made.sign_off.given) or "not signed"
    say(f"entry {made.entry}  {tried.rule} version {tried.version}: {outcome}; {signed}")
    for case in tried.cases:
        said = "not examined" if case.said is None else case.said.value
        why = f" ({case.why})" if case.why else ""
        say(f"    {'ok   ' if case.holds else 'WRONG'}  {case.name}: {said}{why}, expected {case.expected.value}")
