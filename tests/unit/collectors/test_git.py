"""What is read from real repositories: signatures, tags, merges, rewritten history; and what is never obeyed there."""

import os
import stat
from pathlib import Path

import msgspec
import pytest

from collectors.it.git import GitRepository
from collectors.it.git_program import Git, Place, checked_url
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action, Record
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from tests.conformance.targets.git import GitTarget
from tests.support.git_server import Repository, git
from tests.support.memory_sink import MemorySink

AS_IN_TABLE: pytest.MarkDecorator = pytest.mark.tested(**msgspec.structs.asdict(GitTarget.tried[0]))
ONCE = Patience(attempts=1, first=0.01, longest=0.01)


class World:
    """A repository on this machine, and the source that reads it."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.repository = Repository(folder / "team")
        self.sink = MemorySink("recipes")
        self.options = {"url": str(self.repository.bare), "cache": str(folder / "cache"), **options}

    def source(self) -> GitRepository:
        mapping = template("git-commits").text
        config = SourceConfig(id="recipes", type="git", title="Recipes", options=self.options, mapping=mapping)
        return GitRepository(config, {}, SystemClock())

    def pull(self) -> list[Record]:
        """The records of one look."""
        before = len(self.sink.records)
        Runner(self.source(), self.sink, SystemClock(), patience=ONCE).pull()
        return self.sink.records[before:]


def world(folder: Path, **options: str) -> World:
    return World(folder, **options)


def changes(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


def test_a_commit_says_who_when_why_and_what_in_the_words_of_its_author_s_git(tmp_path: Path) -> None:
    there = world(tmp_path)
    first = there.repository.commit("Recipe 7", {"recipes/7.txt": "temperature 60\n"})
    second = there.repository.commit(
        "Hotter\n\nCHG-0042: the filter clogs", {"recipes/7.txt": "temperature 65\n"}, "--date=1764000000 +0100"
    )
    there.repository.push()
    one, two, moved = there.pull()
    assert [one.source_record_id, two.source_record_id] == [f"commit/{first}", f"commit/{second}"]
    assert two.reason == "Hotter\n\nCHG-0042: the filter clogs"
    assert (two.actor.account, two.actor.name, two.actor.auth) == ("recipes@plant.example", "R. Cipe", "none")
    assert two.occurred_at.text == "2025-11-24T17:00:00+01:00"
    assert two.occurred_at.instant_us == 1764000000_000_000
    assert two.source_recorded_at is not None
    assert two.source_recorded_at.text != two.occurred_at.text
    old, new = (git(there.repository.own, "rev-parse", f"{one}:recipes/7.txt") for one in (first, second))
    assert changes(one)["recipes/7.txt"] == (None, old)
    assert changes(two)["recipes/7.txt"] == (old, new)
    assert "-temperature 60\n+temperature 65" in str(changes(two)["diff"][1])
    assert (moved.action, moved.object.id) == (Action.READ, "refs/heads/main")
    assert moved.occurred_at.instant_us is None


@AS_IN_TABLE
def test_the_status_of_a_signature_is_git_s_own(tmp_path: Path) -> None:
    there = world(tmp_path)
    there.options["allowed_signers"] = str(there.repository.signers)
    there.repository.commit("Signed", {"a": "1"}, sign=True)
    there.repository.commit("Not signed", {"a": "2"})
    there.repository.tag("v1", "Released for batch 7", sign=True)
    there.repository.tag("v2", "Released by nobody")
    raw = git(there.repository.own, "cat-file", "commit", "HEAD~1")
    forged = git(
        there.repository.own,
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--stdin",
        given=raw.replace("Signed", "Forged").encode(),
    )
    git(there.repository.own, "branch", "forged", forged)
    there.repository.push()
    records = {record.reason: record for record in there.pull() if record.reason}
    assert {reason: record.actor.auth for reason, record in records.items()} == {
        "Signed": "good",
        "Not signed": "none",
        "Forged": "bad",
        "Released for batch 7": "good",
        "Released by nobody": "none",
    }
    assert changes(records["Signed"])["signer"] == (msgspec.UNSET, "recipes@plant.example")
    assert records["Released for batch 7"].object.id == "v1"
    assert records["Released for batch 7"].action is Action.CREATE


def test_a_good_signature_of_a_key_that_nobody_named_is_nobody_s(tmp_path: Path) -> None:
    there = world(tmp_path)
    there.repository.commit("Signed", {"a": "1"}, sign=True)
    there.repository.tag("v1", "Tagged", sign=True)
    there.repository.push()
    found = {record.reason: record.actor.auth for record in there.pull() if record.reason}
    assert found == {"Signed": "good, signer not known here", "Tagged": "good, signer not known here"}


@AS_IN_TABLE
def test_a_forced_push_is_a_gap_and_names_what_it_dropped(tmp_path: Path) -> None:
    there = world(tmp_path)
    there.repository.commit("One", {"a": "1"})
    dropped = there.repository.commit("Two", {"a": "2"})
    there.repository.push()
    there.pull()
    assert there.sink.gaps == []
    amended = there.repository.commit("Two, differently", {"a": "3"}, "--amend")
    there.repository.push("--force")
    commit, moved = there.pull()
    assert commit.source_record_id == f"commit/{amended}"
    assert changes(moved) == {
        "ref": (dropped, amended),
        "how the ref moved": (msgspec.UNSET, "rewritten"),
        "dropped commits": (msgspec.UNSET, f'["{dropped}"]'),
    }
    (gap,) = there.sink.gaps
    assert gap.subject == "refs/heads/main"
    assert "rewritten: 1 commits" in gap.reason
    assert there.pull() == []
    assert len(there.sink.gaps) == 1


def test_a_rewriting_is_found_also_where_the_copy_was_lost(tmp_path: Path) -> None:
    there = world(tmp_path)
    there.repository.commit("One", {"a": "1"})
    there.repository.push()
    there.pull()
    there.repository.commit("Other one", {"a": "3"}, "--amend")
    there.repository.push("--force")
    git(there.repository.bare, "-c", "gc.pruneExpire=now", "gc", "--quiet", "--prune=now")
    there.options["cache"] = str(tmp_path / "another")
    records = there.pull()
    assert [record.action for record in records] == [Action.UPDATE, Action.UPDATE]
    assert "commits that it had are reached no longer" in there.sink.gaps[0].reason


def test_branches_that_come_go_on_and_go_are_told_and_only_lost_commits_are_a_gap(tmp_path: Path) -> None:
    there = world(tmp_path)
    base = there.repository.commit("Base", {"a": "1"})
    there.repository.push()
    there.pull()
    git(there.repository.own, "branch", "line-2")
    git(there.repository.own, "branch", "trial")
    git(there.repository.own, "checkout", "--quiet", "trial")
    trial = there.repository.commit("Trial", {"a": "2"})
    there.repository.push()
    commit, *moved = there.pull()
    assert commit.source_record_id == f"commit/{trial}"
    assert [(one.object.id, one.action) for one in moved] == [
        ("refs/heads/line-2", Action.CREATE),
        ("refs/heads/trial", Action.CREATE),
    ]
    git(there.repository.own, "checkout", "--quiet", "main")
    git(there.repository.own, "branch", "-D", "trial", "line-2")
    there.repository.push("--prune")
    gone = there.pull()
    assert [(one.object.id, one.action) for one in gone] == [
        ("refs/heads/line-2", Action.DELETE),
        ("refs/heads/trial", Action.DELETE),
    ]
    assert [gap.subject for gap in there.sink.gaps] == ["refs/heads/trial"]
    assert changes(gone[0])["ref"] == (base, None)


def test_a_merge_is_told_after_its_parents_against_the_first_of_them(tmp_path: Path) -> None:
    there = world(tmp_path)
    there.repository.commit("Base", {"a": "1"})
    git(there.repository.own, "checkout", "--quiet", "-b", "side")
    there.repository.commit("Side", {"b": "1"})
    git(there.repository.own, "checkout", "--quiet", "main")
    there.repository.commit("Main", {"c": "1"})
    git(there.repository.own, "merge", "--quiet", "--no-ff", "-m", "Merged", "side")
    there.repository.push()
    records = [record for record in there.pull() if record.object.type == "commit"]
    assert records[0].reason == "Base"
    assert records[-1].reason == "Merged"
    assert set(changes(records[-1])) == {"b", "diff", "committer"}


def test_killed_between_runs_it_goes_on_with_the_next_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.it.git_look._BATCH_BYTES", 2_000)
    there = world(tmp_path)
    for number in range(12):
        there.repository.commit(f"Step {number}", {"a": str(number)})
        if number % 4 == 3:
            there.repository.tag(f"v{number}", f"Tag {number}")
    there.repository.push()
    taken = 0

    def die(_: RunBatch) -> None:
        nonlocal taken
        taken += 1
        if taken % 2 == 0:
            raise AccessDenied("killed")

    there.sink.on_taken = die
    for _ in range(10):
        try:
            there.pull()
        except AccessDenied:
            continue
    assert [record.reason for record in there.sink.records if record.object.type == "commit"] == [
        f"Step {number}" for number in range(12)
    ]
    assert len({record.source_record_id for record in there.sink.records}) == len(there.sink.records) == 19
    assert there.sink.duplicates == 0
    assert len(there.sink.runs) > 5


def test_nothing_of_the_source_s_own_settings_hooks_and_filters_is_run(tmp_path: Path) -> None:
    there = world(tmp_path)
    bare, mark = there.repository.bare, tmp_path / "was-run"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
    evil.chmod(evil.stat().st_mode | stat.S_IXUSR)
    there.repository.commit("One", {"a.txt": "1\n", ".gitattributes": "*.txt diff=evil filter=evil\n"}, sign=True)
    there.repository.push()
    for name in ("core.fsmonitor", "diff.external", "diff.evil.textconv", "diff.evil.command", "gpg.ssh.program"):
        git(bare, "config", name, str(evil))
    for name in ("uploadpack.packObjectsHook", "core.pager", "core.sshCommand", "filter.evil.smudge"):
        git(bare, "config", name, str(evil))
    for hook in ("post-checkout", "reference-transaction", "post-upload-pack", "pre-receive"):
        (bare / "hooks" / hook).unlink(missing_ok=True)
        (bare / "hooks").mkdir(exist_ok=True)
        (bare / "hooks" / hook).symlink_to(evil)
    assert [record.reason for record in there.pull()] == ["One", None]
    assert not mark.exists()


def test_a_long_difference_and_many_files_are_bounded_and_said_to_be(tmp_path: Path) -> None:
    there = world(tmp_path, max_diff="1000", max_files="5")
    there.repository.commit("Many", {f"file-{number}": "x" * 100 + "\n" for number in range(30)})
    there.repository.push()
    record = there.pull()[0]
    names = [name for name in changes(record) if name.startswith("file-")]
    assert len(names) == 5
    assert len(str(changes(record)["diff"][1])) == 1000
    original = there.sink.submissions[0].original
    assert original is not None
    item = there.source().item(original)
    assert (item["files_left_out"], item["diff_cut"]) == (True, True)


def test_a_commit_with_a_message_beyond_bounds_is_rejected_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.it.git_look._OBJECT_BYTES", 10_000)
    there = world(tmp_path)
    there.repository.commit("x" * 20_000, {"a": "1"})
    there.repository.commit("After it", {"a": "2"})
    there.repository.push()
    assert [record.reason for record in there.pull()] == ["After it", None]
    (rejected,) = there.sink.rejected
    assert rejected.data.endswith(b"xxx")
    assert "more than 10000 bytes" in rejected.reason


def test_a_lock_that_a_killed_git_left_behind_does_not_stop_the_next_look(tmp_path: Path) -> None:
    there = world(tmp_path)
    there.repository.commit("One", {"a": "1"})
    there.repository.push()
    there.pull()
    (tmp_path / "cache" / "repository.git" / "packed-refs.lock").touch()
    (tmp_path / "cache" / "repository.git" / "refs" / "heads" / "main.lock").touch()
    there.repository.commit("Two", {"a": "2"})
    there.repository.push()
    assert [record.reason for record in there.pull()] == ["Two", None]


def test_a_repository_that_takes_forced_pushes_is_named_with_what_to_do(tmp_path: Path) -> None:
    there = world(tmp_path)
    there.repository.commit("One", {"a": "1"})
    there.repository.push()
    (found,) = [check for check in there.source().check().checks if check.name == "rewriting"]
    assert not found.ok
    assert "receive.denyNonFastForwards" in found.advice
    git(there.repository.bare, "config", "receive.denyNonFastForwards", "true")
    (found,) = [check for check in there.source().check().checks if check.name == "rewriting"]
    assert found.ok
    there.options["allowed_signers"] = str(tmp_path / "nowhere")
    assert not next(check for check in there.source().check().checks if check.name == "signers").ok


def test_a_copy_that_is_broken_and_a_program_that_is_not_there_need_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(tmp_path)
    there.repository.commit("One", {"a": "1"})
    there.repository.push()
    with pytest.raises(FatalSource, match="cannot be read"):
        Git(Place(url="/x", cache=tmp_path / "none", refs=())).refs()
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(FatalSource, match="git cannot be run"):
        there.pull()


def test_an_answer_that_takes_too_long_is_given_up_and_its_program_is_gone(tmp_path: Path) -> None:
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    place = Place(url="/x", cache=tmp_path, refs=(), seconds=0.2)
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{tmp_path}:{path}"
    try:
        with pytest.raises(RetriableSource, match=r"/x: git took more than 0\.2 s"):
            Git(place).refs()
    finally:
        os.environ["PATH"] = path


@pytest.mark.parametrize(
    "url",
    ["ssh://host/x", "ext::sh -c id", "git://h/x", "http://plant.example/x", "https://a:b@h/x", "-x", "file://h/x"],
)
def test_addresses_that_would_run_something_or_leak_are_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        checked_url(url)


@pytest.mark.parametrize("refs", ["heads/main", "refs/heads/*/*", "refs/heads/a:b", "refs/ x"])
def test_refs_that_are_none_are_refused(tmp_path: Path, refs: str) -> None:
    with pytest.raises(ConfigError):
        world(tmp_path, refs=refs).source()
