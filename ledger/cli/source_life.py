"""`trailseal source life`, `validate`, `suspend`, `resume`, `close`, `decommission`, `statement`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.challenge import came
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.signed import say_signed
from ledger.core.authority import Authority
from ledger.record_log import RecordLog
from ledger.signing.sign_off import signs_off
from ledger.sources.challenge_kinds import ChallengeResult
from ledger.sources.handover import sentences
from ledger.sources.statement import equivalence

Source = Annotated[str, typer.Argument(help="The source.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    for command in (life, validate, suspend, resume, close, decommission, statement):
        group.command(command.__name__)(command)


def life(source: Source, ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """All that happened to a source since it was connected, and where it stands."""
    with opened(ledger) as service:
        lives = service.record_log(log).lives
        now, found = lives.standing(source), lives.history(source)
        challenge = service.record_log(log).challenges.last_result(source)
        imports = service.record_log(log).handovers(source)
        signed = signs_off(service.store, service.record_log(log).log, found)
    if as_json:
        history = [
            {"entry": index, "life": one, "signed": how} for (index, one), how in zip(found, signed, strict=True)
        ]
        say_json({"state": now.state, "history": history, "challenge": challenge, "imports": imports})
        return
    for (index, one), how in zip(found, signed, strict=True):
        say(f"entry {index}  {one.event.value:14} {one.authority.actor:20} {one.reason}")
        say_signed(how)
    say(f"Source {source} is {now.state.value}{'' if now.entry is None else f' since entry {now.entry}'}.")
    say(_last(challenge))
    for handover in imports:
        for line in sentences(handover):
            say(f"  - {line}")


def validate(
    source: Source,
    ledger: LedgerOption,
    sample: Annotated[list[int], typer.Option(help="An entry that you looked at and found right; as often as needed.")],
    reason: Reason,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Say that a sample of a source's records is right: who, when, old and new as in the source."""
    _decide(ledger, log, as_json, lambda chosen, by: chosen.lives.validate(source, sample, reason, by))


def suspend(
    source: Source, ledger: LedgerOption, reason: Reason, log: LogOption = None, as_json: AsJson = False
) -> None:
    """Take nothing of a source until it is resumed."""
    _decide(ledger, log, as_json, lambda chosen, by: chosen.lives.suspend(source, reason, by))


def resume(
    source: Source, ledger: LedgerOption, reason: Reason, log: LogOption = None, as_json: AsJson = False
) -> None:
    """Take a suspended source's runs again; it is to be validated anew."""
    _decide(ledger, log, as_json, lambda chosen, by: chosen.lives.resume(source, reason, by))


def close(
    source: Source,
    ledger: LedgerOption,
    reason: Reason,
    at_source: Annotated[int | None, typer.Option(help="How many records the source itself counts.", min=0)] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Draw up the final account of a source; somebody else confirms it with `decommission`."""
    _decide(ledger, log, as_json, lambda chosen, by: chosen.lives.close(source, reason, by, at_source))


def decommission(
    source: Source, ledger: LedgerOption, reason: Reason, log: LogOption = None, as_json: AsJson = False
) -> None:
    """Confirm the account that somebody else drew up: the source ends, its records stay searchable."""
    _decide(ledger, log, as_json, lambda chosen, by: chosen.lives.decommission(source, reason, by))


def statement(source: Source, ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """The equivalence statement: what the source's own trail lacks, what Trailseal adds, what stays open."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        config, now = chosen.sources.get(source), chosen.lives.standing(source)
        challenge, imports = chosen.challenges.last_result(source), chosen.handovers(source)
    # Imported here: the sources' own libraries take seconds to load, which other commands should not wait for.
    from collectors.lacks import lacks_of

    told = equivalence(config, now, lacks_of(config), challenge, imports)
    if as_json:
        say_json(told)
        return
    say(f"{told.title} ({source}, {told.type}) is {told.state.value}")
    for title, lines in (("Its own trail lacks", told.lacks), ("Added here", told.adds), ("Stays open", told.open)):
        say(f"{title}:")
        for line in lines or ("nothing that is known",):
            say(f"  - {line}")
    if told.imported:
        say("Imported, and collected live:")
        for line in told.imported:
            say(f"  - {line}")
    say(_last(challenge))


def _last(challenge: ChallengeResult | None) -> str:
    return "Never challenged by a planted change." if challenge is None else f"Last challenge: {came(challenge)}"


def _decide(ledger: Path, log: str | None, as_json: bool, act: Callable[[RecordLog, Authority], int]) -> None:
    with opened(ledger) as service:
        index = act(service.record_log(log), local(service))
    if as_json:
        say_json({"entry": index})
    else:
        say(f"Entry {index}.")
