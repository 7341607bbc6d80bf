"""Imports a file of an old audit trail: what the terminal and the API share, and the job that reads an uploaded one.

Whoever starts an import answers for its beginning. What a job then reads and counts is entered by the service itself,
between that beginning and the end, for as long as it takes and whether or not that person is still signed in.
"""

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ledger.core.authority import Authority
from ledger.core.errors import ConfigError, NotFound
from ledger.core.hashing import b64
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.jobs.frame import Context
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.sources.configuring import read_config
from ledger.sources.handover import first_run_at
from ledger.sources.import_kinds import Expected, ImportedFile, ImportState
from ledger.sources.imports import Known

if TYPE_CHECKING:
    from collectors.archive.archive import Archive, Readable

BY_JOB: Final = Authority(actor="service:imports", authenticated=False)
"""Who enters what a job reads."""
Report = Callable[[int, int], None]
"""Told how many rows were read, and of how many (at least those)."""


class Given(NamedTuple):
    """What configures an archive; None: as it is registered. `mapping` is the text of one."""

    source: str
    mapping: str | None
    options: dict[str, str]
    title: str | None = None
    zone: str | None = None
    owner: str | None = None
    seal: tuple[str, ...] | None = None

    def registered(self, chosen: RecordLog) -> SourceConfig | None:
        """How it is registered; None if it is not. Raises ConfigError for a source that is no archive."""
        try:
            config = chosen.sources.get(self.source)
        except NotFound:
            return None
        if config.type != ARCHIVE:
            raise ConfigError(
                f"source {self.source!r} is of type {config.type}: it is collected live",
                advice="Give the old audit trail an id of its own; name the live source as the one it continues in.",
            )
        return config

    def config(self, before: SourceConfig | None, *, mapped: bool = True) -> SourceConfig:
        """The archive's configuration with what is given now; raises ConfigError where it lacks a mapping."""
        text = self.mapping or (None if before is None else before.mapping)
        if text is None and mapped:
            raise ConfigError(
                "no mapping says what the rows mean", advice="Give a mapping; a dry run without one shows the columns."
            )
        usual = before or SourceConfig(id=self.source, type=ARCHIVE, title=self.source)
        return read_config(
            id=self.source,
            type=ARCHIVE,
            title=self.title or usual.title,
            options={**usual.options, **self.options},
            zone=self.zone or usual.zone,
            owner=self.owner or usual.owner,
            mapping=text,
            seal=usual.seal if self.seal is None else self.seal,
        )


class Wanted(NamedTuple):
    """What is said of an import when it begins: the old system's figures, the file's digest, what goes on in its place.

    `stated`: the digest came with the file from the old system.
    """

    expected: Expected
    sha256: str | None
    stated: bool
    continues_in: str | None
    live_from: str | None
    reason: str


def begin(
    service: Service, chosen: RecordLog, file: "Readable", given: Given, wanted: Wanted, authority: Authority
) -> Known:
    """Begins the import of a file, or goes on with it; what cannot be is told before anything is stored.

    Raises ConfigError for a file that is not the one that was handed over, or holds no row; else as `Imports.begin`.
    """
    # Imported here: drivers' libraries take time to load, which other commands should not wait for.
    from collectors.archive.archive import Archive
    from collectors.mapping.model import read_mapping

    before = given.registered(chosen)
    config = given.config(before)
    mapping = read_mapping(config.mapping or "")
    archive = Archive(config, {}, service.clock, file)
    if archive.option("format") == "sql" and not archive.option("table"):
        raise ConfigError(
            "option 'table' does not say which of the dump's tables is the audit trail",
            advice="Give `--option table=NAME`; a dry run shows the tables.",
        )
    found = archive.file
    if wanted.sha256 is not None and wanted.sha256.strip().lower() != found.sha256:
        raise ConfigError(
            f"{found.name} is not the file that was handed over: its SHA-256 is {found.sha256}",
            advice="Get it again from the old system; nothing was imported.",
        )
    _require_rows(archive)
    live_from = wanted.live_from
    if wanted.continues_in is not None:
        chosen.sources.get(wanted.continues_in)
        live_from = live_from or first_run_at(service.store, chosen.log.number, wanted.continues_in)
    if config != before:
        chosen.sources.register(config, authority)
    kept = ImportedFile(
        name=found.name[:512],
        sha256=b64(bytes.fromhex(found.sha256)),
        size=found.size,
        stated=wanted.stated,
    )
    name = f"{mapping.name}@{mapping.version}"
    return chosen.imports.begin(
        given.source, kept, name, wanted.expected, wanted.reason, authority, wanted.continues_in, live_from
    )


def read(
    service: Service, chosen: RecordLog, file: "Readable", known: Known, authority: Authority, report: Report
) -> None:
    """Reads what was not read yet of an import that was begun; raises what the runner raises."""
    from collectors.archive.archive import Archive, Cursor
    from collectors.base import read_cursor
    from collectors.runner import Runner

    source, expected = known.last.source, known.last.expected.rows or 0
    sink = chosen.sink(authority)
    state = sink.state(source)
    cursor = read_cursor(state.cursor, Cursor, source)
    moved = state.last_run is not None and state.last_run > known.entry
    if moved and cursor is not None and cursor.done:
        return
    already = cursor.rows if moved and cursor is not None else 0

    def advance(now: int) -> None:
        report(already + now, max(already + now, expected))

    archive = Archive(chosen.sources.get(source), {}, service.clock, file, anew=not moved)
    Runner(
        archive,
        sink,
        service.clock,
        progress=lambda now: advance(now.appended + now.duplicates + now.quarantined),
    ).pull()


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of an import's job: which import, and the uploaded file that it reads."""

    log: str
    source: str
    key: str
    upload: str
    reason: str


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an import's job: the entry with which the import ended, and where it stands."""

    entry: int
    state: ImportState


def work(service: Service, context: Context) -> str:
    """Works on an import's job, or goes on with one whose process died: reads the file to its end, reads back what the
    ledger holds of it, and takes the uploaded file away.
    """
    task = msgspec.json.decode(context.job.parameters, type=Task)
    chosen, uploads = service.record_log(task.log), service.uploads
    known = chosen.imports.get(task.key)
    if known.state is ImportState.RUNNING:
        uploads.read_by(task.upload, context.job.id)
        file = uploads.whole(task.upload)
        # One row more than were read, as long as it goes on: whoever reports all of them writes at once.
        read(service, chosen, file, known, BY_JOB, lambda done, of: context.progress(done, max(done + 1, of), "rows"))
        known = chosen.imports.finish(task.key, task.reason, BY_JOB)
    uploads.drop(task.upload)
    return msgspec.json.encode(Ended(entry=known.entry, state=known.state)).decode()


def _require_rows(archive: "Archive") -> None:
    """Raises ConfigError for a file that holds no row, or of which not even the first can be told."""
    from collectors.archive.pieces import Unreadable

    advice = "Is the option `format` right, and what belongs to it? Nothing was imported."
    try:
        with closing(archive.pieces()) as pieces:
            first = next(pieces, None)
    except Unreadable as error:
        raise ConfigError(f"{archive.file.name} cannot be read: {error}", advice=advice) from None
    if first is None:
        tables = ", ".join(sorted(archive.form.tables))
        raise ConfigError(
            f"{archive.file.name} holds no row" + (f" of that table; it has rows of: {tables}" if tables else ""),
            advice=advice,
        )
