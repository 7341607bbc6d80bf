"""Snapshots that come and go, checks that find damage, and reports of jobs: of the real restic and borg."""

import json
import os
from pathlib import Path

import msgspec
import pytest

from collectors.infra.backup import Backup
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action, ActorKind, Outcome, Record
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets.backup import BackupTarget
from tests.support.backups import PASSWORD, BorgRepository, ResticRepository
from tests.support.memory_sink import MemorySink

AS_IN_TABLE: pytest.MarkDecorator = pytest.mark.tested(**msgspec.structs.asdict(BackupTarget.tried[0]))
ONCE = Patience(attempts=1, first=0.01, longest=0.01)


class LaterClock:
    """A clock that is an hour on."""

    def now_us(self) -> int:
        return SystemClock().now_us() + 3_600_000_000


class World:
    """A source of backups, and what it has told."""

    def __init__(self, folder: Path, name: str, place: Path, **options: str) -> None:
        self.sink = MemorySink("backups")
        self.options = {"repository": str(place), **options}
        if name != "backup-reports":
            self.options = {"cache": str(folder / "own-cache"), **self.options}
        self.mapping = template(name).text
        self.secrets = {} if name == "backup-reports" else {"password": PASSWORD}

    def source(self, clock: object = None) -> Backup:
        config = SourceConfig(id="backups", type="backup", title="B", options=self.options, mapping=self.mapping)
        return Backup(config, self.secrets, SystemClock() if clock is None else clock)  # type: ignore[arg-type]

    def pull(self, clock: object = None) -> list[Record]:
        before = len(self.sink.records)
        Runner(self.source(clock), self.sink, SystemClock(), patience=ONCE).pull()
        return self.sink.records[before:]


def changes(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


@pytest.mark.tested(
    system=SystemClass.BACKUP,
    source="restic",
    type="backup",
    against="restic 0.14 on its own repository",
    holds="snapshots made and removed (by whom: unknown), tags, paths, results of checks",
)
def test_restic_s_snapshots_come_and_go_and_a_check_finds_that_the_repository_is_damaged(tmp_path: Path) -> None:
    repository = ResticRepository(tmp_path / "plant")
    there = World(tmp_path, "restic-repository", repository.place, check_hours="1")
    repository.backup("--tag", "batch-7", "--host", "scada-1")
    snapshot, checked = there.pull()
    made = json.loads(repository.run("snapshots", "--json"))[0]
    assert (snapshot.action, snapshot.object.type, snapshot.object.id) == (Action.BACKUP, "snapshot", made["id"])
    assert snapshot.occurred_at.text == made["time"]
    assert snapshot.occurred_at.instant_us is not None
    assert (snapshot.actor.account, snapshot.actor.kind) == (f"{made['username']}@scada-1", ActorKind.UNKNOWN)
    assert changes(snapshot)["tags"] == (msgspec.UNSET, '["batch-7"]')
    assert there.sink.submissions[0].original is not None
    assert json.dumps(made, separators=(",", ":")) in json.loads(there.sink.submissions[0].original.data)["text"]
    assert (checked.action, checked.outcome, checked.actor.kind) == (Action.EXECUTE, Outcome.SUCCESS, ActorKind.SERVICE)
    assert "no errors were found" in str(changes(checked)["output"][1])
    assert changes(checked)["snapshots"] == (msgspec.UNSET, 1)
    assert there.pull() == []

    repository.backup()
    repository.run("forget", made["id"])
    gone, second = there.pull()
    assert (gone.action, gone.object.id, gone.actor.account) == (Action.DELETE, made["id"], None)
    assert gone.occurred_at.instant_us is None
    assert "/" in gone.occurred_at.text
    assert changes(gone)["tags"] == ('["batch-7"]', msgspec.UNSET)
    assert second.action is Action.BACKUP

    index = json.loads(repository.run("cat", "index", repository.run("list", "index").split()[0]))
    pack = next(one["id"] for one in index["packs"] if all(blob["type"] == "data" for blob in one["blobs"]))
    (repository.place / "data" / pack[:2] / pack).unlink()
    (checked,) = there.pull(LaterClock())
    assert checked.outcome is Outcome.FAILURE
    assert there.source().derive(there.sink.submissions[-1].original) == checked  # type: ignore[arg-type]


def test_restic_refusing_the_password_needs_a_person_and_a_repository_that_is_away_is_waited_for(
    tmp_path: Path,
) -> None:
    repository = ResticRepository(tmp_path / "plant")
    there = World(tmp_path, "restic-repository", repository.place)
    there.secrets = {"password": "wrong-Secret-17"}
    with pytest.raises(FatalSource) as caught:
        there.pull()
    assert "wrong-Secret-17" not in str((caught.value.message, caught.value.advice))
    there.secrets = {"password": PASSWORD}
    repository.place.rename(tmp_path / "away")
    with pytest.raises(RetriableSource, match="cannot be read by restic"):
        there.pull()


@AS_IN_TABLE
def test_borg_s_archives_come_and_go_and_a_check_finds_that_the_repository_is_damaged(tmp_path: Path) -> None:
    repository = BorgRepository(tmp_path / "plant")
    there = World(tmp_path, "borg-repository", repository.place, check_hours="1")
    create = ("create", "--comment=Before the upgrade", f"{repository.place}::a0", str(tmp_path / "plant" / "data"))
    repository.run(*create)
    repository.backup(["After it"])
    first, second, checked = there.pull()
    assert (first.action, first.object.name, first.reason) == (Action.BACKUP, "a0", "Before the upgrade")
    assert first.occurred_at.zone == "UTC"
    assert abs((first.occurred_at.instant_us or 0) - SystemClock().now_us()) < 600_000_000
    assert str(repository.place) in str(changes(first)["command"][1])
    assert second.object.name == "a1"
    assert checked.outcome is Outcome.SUCCESS
    repository.run("delete", f"{repository.place}::a0")
    (gone,) = there.pull()
    assert (gone.action, gone.object.id, gone.object.name) == (Action.DELETE, first.object.id, "a0")
    segment = max((repository.place / "data" / "0").iterdir(), key=lambda one: one.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    found = there.pull(LaterClock())
    assert found[-1].outcome is Outcome.FAILURE
    assert found[-1].object.type == "repository"


def test_a_repository_is_only_read(tmp_path: Path) -> None:
    repository = BorgRepository(tmp_path / "plant")
    repository.backup(["One"])

    def state() -> dict[str, tuple[int, int]]:
        return {str(one): (one.stat().st_size, one.stat().st_mtime_ns) for one in repository.place.rglob("*")}

    before = state()
    World(tmp_path, "borg-repository", repository.place).pull()
    assert state() == before


def test_a_check_that_takes_too_long_is_a_failure_and_said(tmp_path: Path) -> None:
    slow = tmp_path / "restic"
    slow.write_text('#!/bin/sh\n[ "$1" = snapshots ] && echo "[]" && exit 0\n[ "$1" = check ] && sleep 60\nexit 0\n')
    slow.chmod(0o755)
    there = World(tmp_path, "restic-repository", tmp_path, check_hours="1", check_seconds="1")
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{tmp_path}:{path}"
    try:
        (checked,) = there.pull()
    finally:
        os.environ["PATH"] = path
    assert checked.outcome is Outcome.FAILURE
    assert "took more than 1 s" in str(changes(checked)["output"][1])


class Reports:
    """A folder of reports."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder / "reports"
        self.folder.mkdir()
        self.world = World(folder, "backup-reports", self.folder, settle="0", **options)

    def leave(self, name: str, text: str | bytes) -> None:
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)


@pytest.mark.tested(
    system=SystemClass.BACKUP,
    source="reports of jobs",
    type="backup",
    against="what restic 0.14 and borg 1.2 print",
    holds="backups, restores, checks, as far as somebody reports them",
)
def test_what_the_jobs_of_restic_and_borg_report_is_read_from_their_own_output(tmp_path: Path) -> None:
    there, restic, borg = Reports(tmp_path), ResticRepository(tmp_path / "r"), BorgRepository(tmp_path / "b")
    there.leave("restic.json", restic.backup("--verbose=2"))
    there.leave("borg.json", borg.run("create", "--json", f"{borg.place}::nightly", str(tmp_path / "b" / "data")))
    site = {
        "operation": "restore",
        "time": "2026-11-20T08:15:00+01:00",
        "by": "mh",
        "outcome": "failure",
        "reason": "drill",
    }
    there.leave("restore.json", json.dumps([site]))
    found = {
        str(changes(record)["what was done"][1]) + str(record.object.name): record for record in there.world.pull()
    }
    assert set(found) == {"backupNone", "backupnightly", "restoreNone"}
    assert found["backupnightly"].action is Action.BACKUP
    assert changes(found["backupNone"])["files"] == (msgspec.UNSET, 1)
    restore = found["restoreNone"]
    assert (restore.action, restore.outcome, restore.actor.account) == (Action.RESTORE, Outcome.FAILURE, "mh")
    assert (restore.occurred_at.text, restore.reason) == ("2026-11-20T08:15:00+01:00", "drill")
    assert there.world.pull() == []


def test_a_report_that_is_being_written_is_waited_for_and_one_that_stays_broken_is_rejected(tmp_path: Path) -> None:
    there = Reports(tmp_path, finished="60")
    there.leave("a.json", '{"operation": "che')
    assert there.world.pull() == []
    assert there.world.sink.rejected == []
    there.leave("a.json", '{"operation": "check", "num_errors": 0}')
    there.leave("b.json", b"\xff\xfe")
    (record,) = there.world.pull()
    assert (record.action, record.outcome) == (Action.EXECUTE, Outcome.SUCCESS)
    os.utime(there.folder / "b.json", (1_000_000, 1_000_000))
    assert there.world.pull() == []
    (rejected,) = there.world.sink.rejected
    assert rejected.data == b"\xff\xfe"
    assert "b.json: not JSON" in rejected.reason
    there.world.pull()
    assert len(there.world.sink.rejected) == 1


def test_a_report_that_is_written_anew_each_night_is_read_each_time_and_other_files_never(tmp_path: Path) -> None:
    there = Reports(tmp_path, names="last*.json")
    (tmp_path / "secret.json").write_text('{"operation": "backup", "by": "nobody"}')
    (there.folder / "last-link.json").symlink_to(tmp_path / "secret.json")
    there.leave("other.json", "{}")
    for night in range(3):
        there.leave("last.json", json.dumps({"operation": "backup", "by": f"job-{night}"}))
        (record,) = there.world.pull()
        assert record.actor.account == f"job-{night}"
    (there.folder / "last.json").touch()
    assert there.world.pull() == []


def test_a_file_whose_name_is_no_text_is_read_and_named_as_well_as_can_be(tmp_path: Path) -> None:
    there = Reports(tmp_path)
    Path(os.fsdecode(os.fsencode(there.folder) + b"/night-\xff.json")).write_text('{"operation": "restore"}')
    (record,) = there.world.pull()
    assert (record.action, record.object.id) == (Action.RESTORE, "night-\\xff.json")
    assert there.world.pull() == []


def test_killed_between_runs_no_report_is_lost_or_doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.infra.backup_look._BATCH_BYTES", 500)
    there = Reports(tmp_path)
    for number in range(12):
        there.leave(
            f"{number:02}.json", "".join(f'{{"operation": "backup", "n": {number * 3 + at}}}\n' for at in range(3))
        )
    taken = 0

    def die(_: RunBatch) -> None:
        nonlocal taken
        taken += 1
        if taken % 3 == 0:
            raise AccessDenied("killed")

    there.world.sink.on_taken = die
    for _ in range(30):
        try:
            there.world.pull()
        except AccessDenied:
            continue
    assert len(there.world.sink.records) == 36
    assert there.world.sink.changed == []
    assert len(there.world.sink.runs) > 6


def test_what_cannot_be_configured_is_refused(tmp_path: Path) -> None:
    for options in ({"program": "tar"}, {"cache": "relative"}, {"repository": "--option"}, {"check_hours": "-1"}):
        there = World(tmp_path, "restic-repository", tmp_path, **options)
        with pytest.raises(ConfigError):
            there.source()
