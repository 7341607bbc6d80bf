"""`trailseal source coverage|sequence|exposure|complete`: how complete a source is over an interval of its time."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.instants import interval_us
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.core.clock import utc_text
from ledger.core.errors import ConfigError
from ledger.present.times import duration
from ledger.sources.complete import stated
from ledger.sources.covering import cover, type_of
from ledger.sources.exposed import exposed
from ledger.sources.sequences import Series, gaps

From = Annotated[
    str, typer.Option("--from", help="Where the interval begins, with its offset or in --zone.", show_default=False)
]
To = Annotated[
    str, typer.Option("--to", help="Before which instant it ends, with its offset or in --zone.", show_default=False)
]
ZoneOption = Annotated[
    str | None, typer.Option("--zone", help="IANA zone of instants without offset.", show_default=False)
]
SizeOption = Annotated[
    int | None, typer.Option("--size", min=0, help="As of this size of the log, not of now.", show_default=False)
]


def add_to(group: typer.Typer) -> None:
    """Adds these commands to `trailseal source`."""
    group.command("coverage")(coverage)
    group.command("sequence")(sequence)
    group.command("exposure")(exposure)
    group.command("complete")(complete)
    group.command("statements")(statements)


def coverage(
    source_id: str,
    ledger: LedgerOption,
    since: Annotated[str | None, typer.Option("--from", help="Where the interval begins; with --to.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before which instant it ends.")] = None,
    zone: ZoneOption = None,
    size: SizeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """What is covered of a source, run by run; with --from and --to the interval in stretches, without holes."""
    if since is None and until is None:
        _by_run(source_id, ledger, log, as_json)
        return
    if since is None or until is None:
        raise ConfigError("an interval has two ends", advice="Give both --from and --to, or neither.")
    low, high = interval_us(since, until, zone)
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        found = cover(reader.connection, service.store.kinds, chosen.log.number, at_size, source_id, low, high)
    if as_json:
        say_json(found)
        return
    for one in found.stretches:
        runs = "" if one.runs is None else f"runs {one.runs[0]}–{one.runs[1]}"
        say(f"{utc_text(one.low_us)}  {utc_text(one.high_us)}  {one.state.value:12} {runs}  {one.reason}".rstrip())
    for state, length in found.lengths.items():
        if length:
            say(f"{state.value}: {duration(length)}")


def sequence(
    source_id: str,
    ledger: LedgerOption,
    since: From,
    until: To,
    zone: ZoneOption = None,
    size: SizeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """A source's own numbers in an interval: which are missing, doubled, late."""
    low, high = interval_us(since, until, zone)
    with reading_as_of(ledger, log, size) as (_, chosen, reader, at_size):
        type_of(reader.connection, chosen.log.number, at_size, source_id)
        found = gaps(reader.connection, chosen.parameters, chosen.log.number, at_size, source_id, low, high)
    if as_json:
        say_json(found)
        return
    said = "nobody has said" if found.policy is None else f"{found.policy.value} (entry {found.entry})"
    say(f"whether every record has a number: {said}")
    say(f"records without a number: {found.unnumbered}")
    for one in found.series:
        _say_series(one)


def exposure(
    source_id: str,
    ledger: LedgerOption,
    since: From,
    until: To,
    zone: ZoneOption = None,
    size: SizeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """How long the source alone held the records of an interval: received minus source-recorded."""
    low, high = interval_us(since, until, zone)
    with reading_as_of(ledger, log, size) as (_, chosen, reader, at_size):
        type_of(reader.connection, chosen.log.number, at_size, source_id)
        found = exposed(reader.connection, chosen.parameters, chosen.log.number, at_size, source_id, low, high)
    if as_json:
        say_json(found)
        return
    window = found.window
    for name, length in (
        ("median", window.median_us),
        ("95 %", window.p95_us),
        ("longest", window.longest_us),
        ("limit", found.limit_us),
    ):
        say(f"{name}: {'not known' if length is None else duration(length)}")
    say(f"records that say when they were recorded: {window.records}; that do not: {window.unknown}")
    say(f"recorded, by the source's clock, after they were received: {window.negative}")
    if found.limit_us is not None:
        say(f"over the limit (entry {found.limit_entry}): {found.over}")
        for index in found.over_indices:
            say(f"  entry {index}")


def complete(
    source_id: str,
    ledger: LedgerOption,
    since: From,
    until: To,
    out: Annotated[Path, typer.Option(help="The file to write; there is none yet.", show_default=False)],
    reason: Annotated[str, typer.Option(help="What the statement is for; it stands in its entry.")],
    zone: ZoneOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """State, signed, what was received of an interval, and where it could not be known; verified offline by anybody."""
    low, high = interval_us(since, until, zone)
    if out.exists():
        raise ConfigError(f"{out} is there already", advice="Name another file: a statement is never overwritten.")
    with opened(ledger) as service:
        # Imported here: reports take a while to load, which other commands should not wait for.
        from ledger.completing import issue

        issued = issue(service, service.record_log(log), source_id, low, high, reason, local(service))
        out.write_bytes(issued.file)
    if as_json:
        say_json({"entry": issued.entry, "statement": issued.statement})
        return
    one = issued.statement
    say(f"{out}: {one.records} records in {one.runs} runs; the statement is entry {issued.entry}")
    for line in one.not_known:
        say(f"not known: {line}")
    say(f"Verify it anywhere: trailseal verify {out} --vkey KEY")


def _by_run(source_id: str, ledger: LedgerOption, log: str | None, as_json: bool) -> None:
    with opened(ledger) as service:
        spans = list(service.record_log(log).coverage(source_id))
    if as_json:
        say_json(spans)
        return
    if not spans:
        say(f"Source {source_id} has not been collected yet: nothing is covered.")
    for span in spans:
        say(f"{span.after}  {span.before}  {span.state.value:12} run {span.run}  {span.reason}")


def _say_series(one: Series) -> None:
    say(f"series {one.series!r}: {one.records} records, {one.first} to {one.last}")
    if one.lacking:
        ranges = ", ".join(f"{low}" if low == high else f"{low}–{high}" for low, high in one.missing)
        say(f"  missing: {one.lacking} ({ranges})")
    if one.doubles:
        say(f"  given again: {one.doubles} ({', '.join(map(str, one.doubled))})")
    if one.late:
        say(f"  came after a greater one: {one.late}")
    if one.elsewhere:
        say(f"  of another time: {one.elsewhere}")
    if one.began_again:
        resets = ", ".join(f"{each.last} then {each.first} (entry {each.entry})" for each in one.resets)
        say(f"  began again: {one.began_again} ({resets}); what came between is not known")


def statements(source_id: str, ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """The statements that were made of a source, oldest first; their files are where they were kept."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        chosen.sources.get(source_id)
        with service.store.reading() as connection:
            found = stated(connection, service.store.kinds, chosen.log.number, source_id)
    if as_json:
        say_json(found)
        return
    if not found:
        say(f"Of source {source_id} no statement was made yet.")
    for one in found:
        told = one.statement
        say(f"Entry {one.entry}: {told.from_at} to {told.to_at}, {told.records} records, as of size {told.size}; "
            f"SHA-256 {told.sha256}, by {told.authority.actor}: {told.reason}")  # fmt: skip
