"""`trailseal verify`: a ledger, or an evidence package without any ledger."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.ledgers import local, opened
from ledger.cli.output import AsJson, progress, say, say_json, tell
from ledger.core.errors import ConfigError
from ledger.core.policy import Policy
from ledger.integrity.kinds import Verdict
from ledger.integrity.levels import LEVELS
from ledger.integrity.verifier import VerificationReport
from reports.verify import verify_package

_SYMBOLS = {Verdict.HOLDS: "●", Verdict.FAILS: "▲"}


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("verify")(verify)


def verify(
    package: Annotated[Path | None, typer.Argument(help="An evidence package; without it, the ledger.")] = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", envvar="TRAILSEAL_LEDGER", help="The ledger's folder.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="Only this log, by name or origin; by default every log.")] = None,
    full: Annotated[
        bool, typer.Option("--full/--incremental", help="All entries, or those since the last run that held.")
    ] = True,
    workers: Annotated[int, typer.Option(help="Processes that verify.", min=1, max=64)] = 1,
    vkey: Annotated[
        list[str] | None, typer.Option(help="Package: verifier key of the log, from outside the package.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Package: C2SP tlog-policy file, from outside the package.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a ledger (exit code 1 when anything does not hold), or a package offline.

    A package needs no ledger and no network. Exit code 0: it holds under the key or policy given; 1: something is
    wrong, and the file or entry is named; 2: consistent with itself, but no key or policy from outside was given.
    """
    if package is None and (vkey or policy):
        raise ConfigError("--vkey and --policy are for a package", advice="Name the package, or leave them out.")
    if package is not None:
        _verify_package(package, vkey or [], policy, as_json)
    elif ledger is not None:
        _verify_ledger(ledger, log, full, workers, as_json)
    else:
        raise ConfigError("there is nothing to verify", advice="Name a package, or a ledger by --ledger.")


def _verify_package(package: Path, vkeys: list[str], policy: Path | None, as_json: bool) -> None:
    rules = None
    if policy is not None:
        try:
            rules = Policy.parse(policy.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the policy file {policy} cannot be read: {error}") from None
    verdict = verify_package(package, vkeys, rules)
    if as_json:
        say_json(verdict)
    else:
        for line in verdict.lines():
            say(line)
    raise typer.Exit(int(verdict.exit_code))


def _verify_ledger(folder: Path, name: str | None, full: bool, workers: int, as_json: bool) -> None:
    with opened(folder, verify_workers=workers) as service, progress("verify") as report:
        chosen = list(service.logs.values()) if name is None else [service.log(name)]
        authority = local(service)
        reports = [
            service.verifier.run(
                log, full=full, authority=authority, progress=lambda _level, done, total: report(done, total)
            )
            for log in chosen
        ]
    if as_json:
        say_json([{"log": one.log.origin, "entry": one.index, "holds": one.holds, **_said(one)} for one in reports])
    else:
        for one in reports:
            _print(one)
    if not all(one.holds for one in reports):
        tell("The ledger does not verify.")
        raise typer.Exit(1)


def _said(report: VerificationReport) -> dict[str, object]:
    return {"size": report.result.size, "root": report.result.root, "levels": report.result.levels}


def _print(report: VerificationReport) -> None:
    say(f"{report.log.origin}: entries {report.result.low} to {report.result.size}, result is entry {report.index}")
    proves = {level.number: level.proves for level in LEVELS}
    for level in report.result.levels:
        say(f"  {_SYMBOLS.get(level.verdict, '○')} level {level.level} {level.verdict.value}: {proves[level.level]}")
        if level.open:
            say(f"      not covered: {level.open}")
        if level.fault is not None:
            one = level.fault
            place = f"{one.table}.{one.column}" if one.column else one.table
            say(f"      first bad entry: {one.index} of log {one.log} ({place}): {one.what}")
