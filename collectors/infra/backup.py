"""Backups: what restic or borg holds, asked of the program itself on the repository, or JSON reports of its jobs.

- Each snapshot (borg: archive) is a record once; its identity is the program's own id. One that is gone since the look
  before is a record with the interval: the programs keep no trail of who removed it, or why.
- With `check_hours` the repository's structure is checked by the program; the result is a record, whose actor is the
  collector. Data are not read for it, as that would load the source. Without, nothing at all is written there.
- With `program = reports`, jobs leave their JSON (one object, an array, or an object a line) as files in a folder:
  results of backups, restores, checks. Lines that only tell progress are left out. The identity of a report is its
  file's name and its own digest.
- Neither tells its clock: snapshots have the time of the machine that was backed up. Of itself restic or borg tells its
  version, a folder of reports nothing.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from collectors.base import Check, CheckReport, Option, Secret, Stop, judge_clock
from collectors.batch import BatchBuilder
from collectors.facts import VERSION, facts
from collectors.infra.backup_look import BackupLook
from collectors.infra.backup_original import MEDIA_TYPE, backup_item
from collectors.infra.backup_program import PROGRAMS, Program, Repository
from collectors.infra.drop_folder import Drop, listed
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Original
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig

REPORTS: Final = "reports"


class Backup(MappedCollector):
    """See the module."""

    type = "backup"
    title = "Backups (restic, borg, reports of jobs)"
    format = "1"
    options = (
        Option(name="program", meaning="restic, borg, or reports for a folder of JSON files", required=True),
        Option(
            name="repository", meaning="the repository, as the program names it; reports: the folder", required=True
        ),
        Option(
            name="cache", meaning="restic, borg: a folder of the collector's own, in which the program keeps its cache"
        ),
        Option(name="check_hours", meaning="hours between two checks of the repository; 0: none", default="0"),
        Option(name="check_seconds", meaning="at most so long may a check take", default="3600"),
        Option(name="seconds", meaning="at most so long may any other answer take", default="300"),
        Option(name="names", meaning="reports: names of the files, comma-separated, with wildcards", default="*.json"),
        Option(name="settle", meaning="reports: seconds without change after which a file is read", default="1"),
        Option(name="finished", meaning="reports: seconds after which one that is no JSON is rejected", default="60"),
    )
    secrets = (Secret(name="password", meaning="password of the repository", required=False),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._name, place = self.option("program"), self.option("repository")
        if self._name not in (*PROGRAMS, REPORTS):
            raise ConfigError(f"option 'program' is {self._name!r}", advice="Use restic, borg or reports.")
        if self._name != REPORTS and not Path(self.option("cache")).is_absolute():
            raise ConfigError("option 'cache' is no absolute path", advice="Write the whole path of the folder.")
        if place.startswith("-"):
            raise ConfigError(f"option 'repository' is {place!r}", advice="Write the repository's place.")
        self._check_us = int(self.number("check_hours", 0, 100_000) * 3_600_000_000)
        self._drop: Drop | None = None
        self._program: Program | None = None
        if self._name == REPORTS:
            self._drop = Drop(
                folder=Path(place),
                names=read_list(self.option("names")),
                settle=self.number("settle", 0, 3600),
                finished=self.number("finished", 0, 86_400),
            )
        else:
            repository = Repository(
                place=place,
                cache=Path(self.option("cache")),
                password=self.secret("password"),
                seconds=self.number("seconds", 1, 86_400),
                check_seconds=self.number("check_seconds", 1, 864_000),
            )
            self._program = PROGRAMS[self._name](repository)
            self.tells = (VERSION,)

    def item(self, original: Original) -> Item:
        return backup_item(original.data)

    def check(self) -> CheckReport:
        try:
            says = self._says()
        except (RetriableSource, FatalSource) as error:
            return CheckReport(checks=(Check(name="reach", ok=False, says=error.message, advice=error.advice),))
        checks = [Check(name="reach", ok=True, says=says)]
        if self._program is not None and not self._check_us:
            says = "the repository is not checked by this source (option check_hours); see that something else does"
            checks.append(Check(name="checks", ok=True, says=says))
        return CheckReport(checks=(*checks, judge_clock(None)))

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        told = None if self._program is None else facts(version=self._program.version())
        look = BackupLook(state, self.clock, self._builder, self._wrap, told)
        if self._drop is not None:
            yield from look.reports(self._drop, stop)
        elif self._program is not None:
            yield from look.repository(self._program, self._check_us, stop)

    def _says(self) -> str:
        place = self.option("repository")
        if self._program is not None:
            return f"{place} has {len(self._program.snapshots())} snapshots; read by {self._program.version()}"
        assert self._drop is not None, "there is one or the other"
        return f"{place} holds {len(listed(self._drop))} reports"

    def _builder(self) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, None)

    def _wrap(self, data: bytes) -> Original:
        return self.original(data, MEDIA_TYPE)
