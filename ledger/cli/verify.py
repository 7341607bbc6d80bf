"""`trailseal verify`: a ledger, or an evidence package without any ledger."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.ledgers import local, opened
from ledger.cli.output import AsJson, progress, say, say_json, tell
from ledger.core.address import LogId
from ledger.core.card import Card
from ledger.core.cosignature import parse_verifier
from ledger.core.errors import ConfigError
from ledger.core.outside import FromOutside
from ledger.core.policy import Policy
from ledger.core.timestamps import certificates_in
from ledger.integrity.kinds import Verdict
from ledger.integrity.levels import LEVELS
from ledger.integrity.verifier import VerificationReport
from ledger.present.card import HOW, parse_card
from reports.complete import is_statement, verify_statement
from reports.verify import verify_package

_SYMBOLS = {Verdict.HOLDS: "●", Verdict.FAILS: "▲"}


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("verify")(verify)


def verify(
    package: Annotated[
        Path | None, typer.Argument(help="An evidence package, or a statement; without it, the ledger.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", envvar="TRAILSEAL_LEDGER", help="The ledger's folder.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="Only this log, by name or origin; by default every log.")] = None,
    full: Annotated[
        bool | None,
        typer.Option(
            "--full/--incremental",
            help="All entries (tiles: whatever --state says), or those since the last that held.",
        ),
    ] = None,
    tiles: Annotated[
        str | None, typer.Option(help="Audit a log from its published tiles: their folder or http(s) address.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that verify.", min=1, max=64)] = 1,
    vkey: Annotated[list[str] | None, typer.Option(help="A verifier key of the log, from outside; repeat it.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="A C2SP tlog-policy file, from outside: keys and witnesses.")
    ] = None,
    card: Annotated[
        list[str] | None,
        typer.Option(help="A checkpoint card, from outside: a file, or its text (QR code, or ORIGIN SIZE and words)."),
    ] = None,
    tsa_root: Annotated[
        list[Path] | None,
        typer.Option(help="Package: root of a time-stamp authority (PEM), from outside.", exists=True, dir_okay=False),
    ] = None,
    origin: Annotated[str | None, typer.Option(help="Tiles: the log's origin, if it is not the name of a key.")] = None,
    since: Annotated[
        Path | None, typer.Option(help="Tiles: an earlier signed checkpoint that the log has to continue.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Tiles: file that remembers this audit; the next one goes on from it.")
    ] = None,
    foreign: Annotated[
        bool, typer.Option("--foreign", help="Tiles: another product's log; of its entries only hashes are judged.")
    ] = False,
    require_pq: Annotated[
        bool, typer.Option("--require-pq", help="Package, tiles: the log's ML-DSA-44 line is needed beside Ed25519's.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Verify a ledger (exit code 1 when anything does not hold), or a package or published tiles without any ledger.

    A statement of completeness is verified as a package is. Exit code of either and of tiles, 0: it holds under the
    key, policy or card given; 1: something is wrong, and the file, tile or entry is named; 2: consistent with itself,
    but no key, policy or card of it from outside was given.

    A ledger names its keys and witnesses itself; with --policy or --vkey those from outside count: who rewrote all of
    it by the stolen key can then not have left the witnesses out. With --card the log has to have the card's root at
    the card's size; what came after it, only witnesses or a later card vouch for.

    Tiles: bundles hash to their tiles, tiles to the root, entries are one chain. With --state the next audit reads only
    what is new, and a log that is rolled back or forked is noticed, with both signed checkpoints as the proof.
    """
    cards = tuple(_card(one) for one in card or ())
    if tiles is not None:
        _require_alone(package=package, log=log)
        # Imported here: HTTP takes a while to load, which other commands should not wait for.
        from ledger.cli.verify_tiles import Asked, verify_tiles

        asked = Asked(vkey or [], _policy(policy), origin, since, state, foreign, bool(full), require_pq, cards)
        raise typer.Exit(verify_tiles(tiles, asked, as_json))
    _require_alone(origin=origin, since=since, state=state, foreign=foreign or None)
    if package is None and (require_pq or tsa_root):
        raise ConfigError(
            "--require-pq and --tsa-root are for a package or tiles", advice="Name it, or leave them out."
        )
    if package is not None:
        pinned = [one for path in tsa_root or () for one in certificates_in(path.read_bytes())]
        _verify_package(package, vkey or [], policy, require_pq, pinned, cards, as_json)
    elif ledger is not None:
        _verify_ledger(ledger, log, full is not False, workers, _outside(vkey or [], policy, cards), as_json)
    else:
        raise ConfigError("there is nothing to verify", advice="Name a package, tiles, or a ledger by --ledger.")


def _require_alone(**options: object) -> None:
    for name, given in options.items():
        if given is not None:
            raise ConfigError(
                f"{name} does not go with what is to be verified", advice="See `trailseal verify --help`."
            )


def _policy(path: Path | None) -> Policy | None:
    if path is None:
        return None
    try:
        return Policy.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the policy file {path} cannot be read: {error}") from None


def _card(given: str) -> Card:
    path = Path(given)
    try:
        return parse_card(path.read_text("utf-8") if path.is_file() else given)
    except (OSError, UnicodeDecodeError):
        # Text that is too long for a file's name is text; a file that is no text is no card.
        if len(given.split()) < 3:
            raise ConfigError(f"the card {given} cannot be read as text", advice=HOW) from None
        return parse_card(given)


def _verify_package(
    package: Path,
    vkeys: list[str],
    policy: Path | None,
    require_pq: bool,
    roots: list[bytes],
    cards: tuple[Card, ...],
    as_json: bool,
) -> None:
    chosen = _policy(policy)
    if is_statement(package):
        if require_pq or roots or cards:
            raise ConfigError(
                "--require-pq, --tsa-root and --card do not go with a statement", advice="Give --vkey or --policy."
            )
        verdict = verify_statement(package.read_bytes(), vkeys, chosen)
    else:
        verdict = verify_package(package, vkeys, chosen, post_quantum=require_pq, tsa_roots=roots, cards=cards)
    if as_json:
        say_json(verdict)
    else:
        for line in verdict.lines():
            say(line)
    raise typer.Exit(int(verdict.exit_code))


def _outside(vkeys: list[str], path: Path | None, cards: tuple[Card, ...]) -> FromOutside:
    given = _policy(path)
    if not vkeys:
        return FromOutside(policy=given, cards=cards)
    if given is not None:
        raise ConfigError("a policy names the keys itself", advice="Give --policy or --vkey, not both.")
    return FromOutside(policy=Policy.of_log_keys(parse_verifier(one) for one in vkeys), cards=cards)


def _verify_ledger(
    folder: Path, name: str | None, full: bool, workers: int, outside: FromOutside, as_json: bool
) -> None:
    with opened(folder, verify_workers=workers) as service, progress("verify") as report:
        chosen = list(service.logs.values()) if name is None else [service.log(name)]
        _require_of(chosen, outside.cards)
        authority = local(service)
        reports = [
            service.verifier.run(
                log,
                full=full,
                authority=authority,
                progress=lambda _level, done, total: report(done, total),
                outside=outside,
            )
            for log in chosen
        ]
    if as_json:
        say_json(
            [
                {"log": one.log.origin, "entry": one.index, "holds": one.holds, "alleged": one.alleged, **_said(one)}
                for one in reports
            ]
        )
    else:
        for one in reports:
            _print(one)
    if not all(one.holds for one in reports):
        tell("The ledger does not verify.")
        for one in reports:
            if one.alleged:
                tell(
                    f"Only what was brought along contradicts {one.log.origin}: no incident case was opened. Check "
                    "that it is the right card or policy; if it is, two people open a case: "
                    f"`trailseal incident open --log {one.log.name} --from …`."
                )
        raise typer.Exit(1)


def _require_of(logs: Sequence[LogId], cards: tuple[Card, ...]) -> None:
    """A card of a log that is not verified here must not look as if it had been compared."""
    origins = {log.origin for log in logs}
    for card in cards:
        if card.origin not in origins:
            raise ConfigError(
                f"the card of size {card.size} is of log {card.origin}, which is not verified here",
                advice=f"Verified are: {', '.join(sorted(origins))}.",
            )


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
