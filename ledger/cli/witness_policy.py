"""`trailseal witness`, the ledger's side: which witnesses it asks, and what they said."""

import socket
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ledger.cli.acting import acting
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.clock import MICROSECONDS
from ledger.core.cosignature import CosignatureKey, MldsaKey, parse_verifier
from ledger.core.errors import ConfigError, NotFound
from ledger.core.hashing import b64
from ledger.core.policy import NO_QUORUM, Policy
from ledger.core.witness_policy import InForce, RunBy, WitnessAbout, WitnessRole
from ledger.core.witnessing import AddCheckpoint, Answer
from ledger.present.card import words_of
from ledger.present.times import duration
from ledger.service import Service
from ledger.store import checkpoints
from ledger.trust.cards import read_card
from ledger.trust.exposure import exposure
from ledger.trust.witness_reading import of_checkpoint

Reason = Annotated[str, typer.Option(help="Why, for the entry.", prompt="Reason")]
QUORUM = "asked"
"""The group that `add` keeps: all witnesses that the policy names."""


def add_to(group: typer.Typer) -> None:
    """Adds the commands to those of the witness itself."""
    group.command("add")(add)
    group.command("policy")(policy)
    group.command("status")(status)
    group.command("request")(request)
    group.command("answer")(answer)
    group.command("card")(card)


def add(
    name: Annotated[str, typer.Argument(help="What the policy calls it, as in qa.")],
    vkey: Annotated[str, typer.Option(help="Its verifier key, as `witness about` prints it where it runs.")],
    role: Annotated[WitnessRole, typer.Option(help="Whose witness it is.")],
    operator: Annotated[str, typer.Option(help="Who answers for it.", prompt="Operated by")],
    administrator: Annotated[str, typer.Option(help="Who may change its host and key.", prompt="Administered by")],
    host: Annotated[str, typer.Option(help="Where it runs.", prompt="Host")],
    reason: Reason,
    ledger: LedgerOption,
    url: Annotated[
        str | None, typer.Option(help="Where it is asked; without it requests are carried as files.")
    ] = None,
    identity_provider: Annotated[str, typer.Option(help="What its administrators sign in by.")] = "",
    quorum: Annotated[
        str, typer.Option(help="How many of all witnesses have to cosign: all, any or a number.")
    ] = "all",
    log_operator: Annotated[str | None, typer.Option(help="Who answers for the ledger itself.")] = None,
    log_administrator: Annotated[str | None, typer.Option(help="Who may change its host and key.")] = None,
    log_host: Annotated[str | None, typer.Option(help="Where it runs; by default this machine.")] = None,
    log_identity_provider: Annotated[str | None, typer.Option(help="What its administrators sign in by.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask one more witness for every checkpoint. The policy counts once a checkpoint that covers it met the one before.

    Who runs the ledger itself is asked for with the first witness: what both have in common is shown everywhere.
    """
    with opened(ledger) as service:
        last = _newest(service)
        if last.policy.groups and set(last.policy.groups) != {QUORUM}:
            raise ConfigError(
                "the policy has groups of its own", advice="Write it into a file, and give that to `witness policy`."
            )
        if name in last.policy.witnesses:
            raise ConfigError(f"the policy names a witness {name!r} already", advice="Choose another name.")
        if not isinstance(parse_verifier(vkey), CosignatureKey | MldsaKey):
            raise ConfigError(f"{vkey} is not the key of a witness", advice="Give a key of type 04 or 06.")
        named = {one: (str(held.key), held.url) for one, held in last.policy.witnesses.items()} | {name: (vkey, url)}
        lines = [" ".join(filter(None, ("witness", one, key, at))) for one, (key, at) in named.items()]
        text = "\n".join([*lines, f"group {QUORUM} {quorum} {' '.join(named)}", f"quorum {QUORUM}", ""])
        run_by = RunBy(operator=operator, administrator=administrator, host=host, identity_provider=identity_provider)
        told = WitnessAbout(witness=name, role=role, run_by=run_by)
        log = _log_run_by(last, log_operator, log_administrator, log_host, log_identity_provider)
        index = service.witnesses.set_policy(text, log, (*last.about, told), reason, acting(service))
        _say_policy(service, as_json, index)


def policy(
    ledger: LedgerOption,
    file: Annotated[
        Path | None, typer.Option("--set", help="A C2SP tlog-policy without log lines, of witnesses that are known.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the entry; with --set.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the policy in force and those that wait, or set one: other groups or quorum, fewer witnesses.

    Witnesses come with `witness add`, which says who runs them.
    """
    with opened(ledger) as service:
        index = None
        if file is not None:
            if not reason:
                raise ConfigError("a policy is set for a reason", advice="Give --reason.")
            last = _newest(service)
            text = file.read_text("utf-8")
            named = Policy.parse(text).witnesses
            about = tuple(one for one in last.about if one.witness in named)
            unknown = sorted(set(named) - {one.witness for one in about})
            if unknown or last.log is None:
                raise ConfigError(f"nothing says who runs {', '.join(unknown)}", advice="Use `witness add` first.")
            index = service.witnesses.set_policy(text, last.log, about, reason, acting(service))
        _say_policy(service, as_json, index)


def status(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """What witnesses said of each log's newest checkpoint, and what no quorum has cosigned yet.

    Exit code 1 where a quorum is asked for and missing.
    """
    with opened(ledger) as service:
        rows = [_status(service, name) for name in sorted(service.logs)]
    if as_json:
        say_json(rows)
    else:
        for row in rows:
            say(f"{row['log']:10} {row['says']}")
            say(f"{'':10} {row['open']}")
    if any(row["quorum"] == "missing" for row in rows):
        raise typer.Exit(1)


def request(
    ledger: LedgerOption,
    witness: Annotated[str, typer.Option(help="Its name in the policy.")],
    out: Annotated[Path, typer.Option(help="The file that is carried to it.")],
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Write what a witness that no network reaches is asked, for `trailseal witness cosign` there."""
    with opened(ledger) as service:
        chosen = service.log(log)
        keys = {
            name: one.key
            for known in (service.witnesses.policies().in_force, *service.witnesses.policies().pending)
            for name, one in known.policy.witnesses.items()
        }
        if witness not in keys:
            raise NotFound(f"the policy has no witness {witness!r}", advice=f"It has: {', '.join(keys) or 'none'}.")
        service.publisher.publish(chosen)
        with service.store.reading() as connection:
            stored = checkpoints.latest(connection, chosen.number)
            seen = service.witnesses.known(connection, chosen).get(str(keys[witness]))
        made = service.witnesses.request(chosen, 0 if seen is None else seen.size, stored)
    out.write_bytes(made.encode())
    shown = {"log": chosen.name, "size": stored.size, "old": made.old, "file": str(out)}
    if as_json:
        say_json(shown)
    else:
        say(f"{out}: checkpoint of {chosen.origin} at size {stored.size}, from size {made.old}.")
        say(f"There: trailseal witness cosign DIR {out.name} --out ANSWER")


def answer(
    answer_file: Annotated[Path, typer.Argument(help="What the witness answered.")],
    request_file: Annotated[Path, typer.Option("--request", help="What it was asked, as `witness request` wrote it.")],
    ledger: LedgerOption,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Enter what a witness answered on a request that was carried by hand."""
    with opened(ledger) as service:
        asked = AddCheckpoint.parse(request_file.read_bytes())
        found = Answer.parse(answer_file.read_bytes())
        entered = service.witnesses.take_answer(service.log(log), asked, found, acting(service))
    if as_json:
        say_json({"size": entered.size, "quorum": entered.state.value, "missing": entered.missing})
    else:
        say(f"Entered for size {entered.size}: quorum {entered.state.value}. {entered.missing}".rstrip())


def card(
    ledger: LedgerOption,
    out: Annotated[Path, typer.Option(help="The PDF to write; it must not exist yet.")],
    log: LogOption = None,
    size: Annotated[
        int | None, typer.Option(help="Of the checkpoint of this size; by default one of now, which is published.")
    ] = None,
    paper: Annotated[Literal["a4", "letter"], typer.Option(help="The paper it is printed on.")] = "a4",
    as_json: AsJson = False,
) -> None:
    """Write a checkpoint card: one page to print, sign by hand and keep outside, for `trailseal verify --card`."""
    # Imported here: what draws the page takes a second to load, which other commands should not wait for.
    from reports.card import Paper, card_page

    if out.exists():
        raise ConfigError(f"{out} exists already", advice="Choose another name; nothing was written.")
    with opened(ledger) as service:
        chosen = service.log(log)
        if size is None:
            service.publisher.publish(chosen)
        facts = read_card(
            service.store, chosen, service.verifiers(chosen), service.witnesses.policies().in_force.witnesses, size
        )
        out.write_bytes(card_page(facts, service.clock.now_us(), service.settings.zone, Paper(paper)))
    words = words_of(facts.card.root)
    if as_json:
        shown = {"log": facts.log, "origin": facts.card.origin, "size": facts.card.size, "root": b64(facts.card.root)}
        say_json({**shown, "words": words, "note": facts.note, "file": str(out)})
    else:
        say(f"{out}: {facts.card.origin} {facts.card.size}")
        say(" ".join(words))
        say("Print it, have it signed by hand, and keep it where the ledger's administrators cannot reach it.")


def _newest(service: Service) -> InForce:
    policies = service.witnesses.policies()
    return policies.pending[-1] if policies.pending else policies.in_force


def _log_run_by(
    last: InForce, operator: str | None, administrator: str | None, host: str | None, provider: str | None
) -> RunBy:
    before = last.log
    operator = operator or (before.operator if before else None)
    administrator = administrator or (before.administrator if before else None)
    if operator is None or administrator is None:
        raise ConfigError(
            "it is not known who runs the ledger itself",
            advice="Give --log-operator and --log-administrator: what a witness shares with them is shown.",
        )
    return RunBy(
        operator=operator,
        administrator=administrator,
        host=host or (before.host if before else socket.gethostname()),
        identity_provider=provider if provider is not None else (before.identity_provider if before else ""),
    )


def _say_policy(service: Service, as_json: bool, entered: int | None) -> None:
    policies = service.witnesses.policies()
    shown = [(policies.in_force, "in force"), *((one, "waits") for one in policies.pending)]
    if as_json:
        say_json({"entered": entered, "policies": [_policy(one, state) for one, state in shown]})
        return
    for one, state in shown:
        say(f"{state}: " + ("no witness is asked for" if one.entry is None else f"entry {one.entry}"))
        for row in _policy(one, state)["witnesses"]:
            say(f"  {row['witness']} ({row['role']}) {row['url'] or 'by hand'} {row['vkey']}")
            say(f"    operated by {row['operator']}, administered by {row['administrator']}, at {row['host']}")
        if one.entry is not None:
            say(f"  quorum {one.policy.quorum}: {_quorum(one.policy)}")
        for what in one.shared():
            say(f"  ○ shared with the log, so that it is less independent: {what}")


def _policy(one: InForce, state: str) -> dict[str, Any]:
    about = {told.witness: told for told in one.about}
    return {
        "entry": one.entry,
        "state": state,
        "quorum": one.policy.quorum,
        "shared": one.shared(),
        "witnesses": [
            {
                "witness": name,
                "role": about[name].role.value,
                "vkey": str(held.key),
                "url": held.url,
                "operator": about[name].run_by.operator,
                "administrator": about[name].run_by.administrator,
                "host": about[name].run_by.host,
                "identity_provider": about[name].run_by.identity_provider,
            }
            for name, held in one.policy.witnesses.items()
        ],
    }


def _quorum(policy: Policy) -> str:
    group = policy.groups.get(policy.quorum)
    if group is None:
        return "no witness" if policy.quorum == NO_QUORUM else policy.quorum
    return f"{group.threshold} of {', '.join(group.members)}"


def _status(service: Service, name: str) -> dict[str, Any]:
    log, now = service.logs[name], service.clock.now_us()
    policy = service.witnesses.policies().in_force
    with service.store.reading() as connection:
        seen = exposure(connection, log, policy)
        try:
            size = checkpoints.latest(connection, log.number).size
        except NotFound:
            size = 0
        said = of_checkpoint(connection, log.origin, size)
    quorum = "none" if said is None else said[0].value
    words = {
        "none": "was cosigned by nobody whose word is asked for",
        "met": "has its quorum",
        "missing": f"lacks its quorum: {'' if said is None else said[1]}",
    }
    window = seen.window_us(now)
    return {
        "log": name,
        "checkpoint": size,
        "quorum": quorum,
        "witnessed": seen.witnessed,
        "open_entries": seen.entries,
        "open_seconds": window // MICROSECONDS,
        "says": f"checkpoint of size {size} {words[quorum]}",
        "open": f"{seen.entries} entries after size {seen.witnessed} have no quorum"
        + (f", the oldest for {duration(window)}" if seen.entries else ""),
    }
