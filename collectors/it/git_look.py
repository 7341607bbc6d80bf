"""One look at the copy of a repository: new commits and tags, and refs that are not where they were."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from collectors.base import MAX_SNAPSHOT, Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.it.git_original import GitOriginal, Moved, Ref, Signature, parse_object, parse_raw
from collectors.it.git_program import Git
from collectors.payload import pack
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import FatalSource
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceState

_OBJECT_BYTES: Final = 1024 * 1024
_RAW_BYTES: Final = 4 * 1024 * 1024
_BATCH_BYTES: Final = 4 * 1024 * 1024
_DROPPED: Final = 1_000
_TAGS_DEEP: Final = 10
_TAGS: Final = "refs/tags/"
_NONE: Final = ("", "")


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs there were, and when the last look began that was told whole; empty while the first one is told."""

    look: int = 0
    at: str = ""


class Memory(msgspec.Struct, kw_only=True):
    """`refs`: name → object and the commit it leads to (empty for none), as last told. `told`: of the look that is
    not told whole yet, the commits and tags handed over that no other of them leads to.
    """

    refs: dict[str, tuple[str, str]] = {}
    told: list[str] = []


class GitLook:
    """Tells once what is there; `limits` are the bytes of a difference, and the files, that are kept of a commit."""

    def __init__(
        self,
        git: Git,
        state: SourceState,
        clock: WallClock,
        new_builder: Callable[[], BatchBuilder],
        wrap: Callable[[bytes], Original],
        limits: tuple[int, int],
    ) -> None:
        self._git, self._clock, self._new_builder, self._wrap = git, clock, new_builder, wrap
        self._max_diff, self._max_files = limits
        self._text, self._began = state.cursor, utc_text(clock.now_us())
        self._cursor = read_cursor(state.cursor, Cursor, state.source) or Cursor()
        self._memory = _read_memory(state)
        self._snapshot = state.snapshot
        self._told = dict.fromkeys(self._memory.told)
        self._builder, self._bytes = new_builder(), 0
        self._builder.facts = git.facts()
        self._now: dict[str, tuple[str, str]] = {}
        self._new_tags: list[str] = []

    def batches(self, stop: Stop) -> Iterator[RunBatch]:
        """What is new, at least one batch."""
        self._look_at_refs()
        tips = sorted({commit for _, commit in self._now.values() if commit})
        known = self._git.present([*(commit for _, commit in self._memory.refs.values() if commit), *self._told])
        tags = {oid for oid in self._told if oid in self._new_tags}
        for oid in self._git.commits(tips, sorted(known - tags)) if tips else ():
            if stop.is_set():
                yield self._finish()
                return
            parents = self._add_commit(oid)
            self._told[oid] = None
            for parent in parents:
                self._told.pop(parent, None)
            if self._full:
                yield self._finish()
        for oid in self._new_tags:
            if oid not in self._told:
                self._add_tag(oid)
                self._told[oid] = None
                if self._full:
                    yield self._finish()
        for ref, gap in self._moved(tips):
            if self._full:
                yield self._finish()
            self._add(GitOriginal(kind="ref", ref=ref))
            self._builder.gaps += gap
            self._take_over(ref.name)
        self._memory.refs = self._now
        self._told = {}
        self._cursor = msgspec.structs.replace(self._cursor, at=self._began)
        yield self._finish()

    @property
    def _full(self) -> bool:
        return self._builder.full or self._bytes >= _BATCH_BYTES

    def _look_at_refs(self) -> None:
        """Where each ref is now, and the annotated tags on the way there that were not met before."""
        known = dict(self._memory.refs.values())
        for name, (oid, kind) in self._git.refs().items():
            if kind == "tag" and oid in known:
                self._now[name] = (oid, known[oid])
            elif kind == "tag":
                self._now[name] = (oid, self._follow(oid))
            else:
                self._now[name] = (oid, oid if kind == "commit" else "")

    def _follow(self, oid: str) -> str:
        """The commit that an annotated tag leads to; tags of tags are met on the way."""
        for _ in range(_TAGS_DEEP):
            if oid not in self._new_tags:
                self._new_tags.append(oid)
            headers, _ = parse_object(self._git.object("tag", oid, _OBJECT_BYTES).out)
            kind, target = (headers.get(name, [b""])[0].decode("ascii", "replace") for name in ("type", "object"))
            if kind != "tag":
                return target if kind == "commit" else ""
            oid = target
        return ""

    def _moved(self, tips: list[str]) -> Iterator[tuple[Ref, list[Gap]]]:
        """The refs that are not where they were; a gap goes with those whose old commits are reached no longer."""
        for name in sorted({*self._memory.refs, *self._now}):
            (old, old_commit), (new, new_commit) = self._memory.refs.get(name, _NONE), self._now.get(name, _NONE)
            if old == new:
                continue
            dropped = self._dropped(old_commit, tips)
            change = self._change(name, (old, old_commit), (new, new_commit))
            lost = dropped is None or dropped or (change == "rewritten" and not name.startswith(_TAGS))
            ref = Ref(
                name=name,
                change=change,
                old=old or None,
                new=new or None,
                look=self._cursor.look + 1,
                after=self._cursor.at,
                before=max(self._began, self._cursor.at),
                dropped=tuple(dropped or ()),
            )
            yield ref, [self._gap(ref, dropped)] if lost else []

    def _change(self, name: str, old: tuple[str, str], new: tuple[str, str]) -> Moved:
        if not old[0]:
            return "created" if self._cursor.at else "found"
        if not new[0]:
            return "deleted"
        kept = bool(old[1] and new[1]) and not name.startswith(_TAGS) and self._git.reaches(new[1], old[1])
        return "advanced" if kept else "rewritten"

    def _dropped(self, commit: str, tips: list[str]) -> list[str] | None:
        """Commits that are in a ref's old history and that no ref reaches now; None where the copy has it no longer."""
        if not commit:
            return []
        if not self._git.present([commit]):
            return None
        return self._git.commits([commit], tips, at_most=_DROPPED)

    def _gap(self, ref: Ref, dropped: list[str] | None) -> Gap:
        count = "commits that it had" if dropped is None else f"{len(dropped)} commits that it had"
        return Gap(
            subject=ref.name,
            reason=f"the ref was {ref.change}: {count} are reached no longer; others may never have been seen there",
            between=Interval(after=ref.after or ref.before, before=ref.before),
        )

    def _take_over(self, name: str) -> None:
        """Remembers a ref as told."""
        if name in self._now:
            self._memory.refs[name] = self._now[name]
        else:
            self._memory.refs.pop(name, None)

    def _add_commit(self, oid: str) -> list[str]:
        """Adds a commit; its parents."""
        got = self._git.object("commit", oid, _OBJECT_BYTES)
        if got.cut:
            self._refuse(got.out, oid)
            return []
        headers, _ = parse_object(got.out)
        parents = [parent.decode("ascii", "replace") for parent in headers.get("parent", [])]
        raw = self._git.changed(parents[0] if parents else None, oid, _RAW_BYTES)
        files, left_out = parse_raw(raw.out, self._max_files)
        diff = self._git.difference(parents[0] if parents else None, oid, self._max_diff) if self._max_diff else None
        text, base64 = pack(got.out)
        original = GitOriginal(
            kind="commit",
            id=oid,
            text=text,
            base64=base64,
            files=tuple(files),
            files_left_out=left_out or raw.cut or raw.code != 0,
            diff=None if diff is None else diff.out.decode("utf-8", "backslashreplace"),
            diff_cut=diff is not None and (diff.cut or diff.code != 0),
            signature=self._signature("commit", oid) if {"gpgsig", "gpgsig-sha256"} & headers.keys() else None,
        )
        self._add(original)
        return parents

    def _add_tag(self, oid: str) -> None:
        got = self._git.object("tag", oid, _OBJECT_BYTES)
        if got.cut:
            self._refuse(got.out, oid)
            return
        text, base64 = pack(got.out)
        signed = b"\n-----BEGIN " in got.out
        signature = self._signature("tag", oid) if signed else None
        self._add(GitOriginal(kind="tag", id=oid, text=text, base64=base64, signature=signature))

    def _signature(self, kind: str, oid: str) -> Signature:
        said = self._git.signature(kind, oid)
        status, signer, key, fingerprint = (*said, "", "", "", "")[:4]
        if status in ("E", "N", ""):  # git says N too where its program for signatures fails
            return Signature(status="E", key=key)
        return Signature(status=status, signer=signer, key=key, fingerprint=fingerprint)

    def _refuse(self, data: bytes, oid: str) -> None:
        reason = f"the object {oid} has more than {_OBJECT_BYTES} bytes; these are its first"
        self._builder.reject(data, "application/octet-stream", reason, utc_text(self._clock.now_us()))
        self._bytes += len(data)

    def _add(self, original: GitOriginal) -> None:
        data = msgspec.json.encode(original)
        self._builder.add(self._wrap(data), utc_text(self._clock.now_us()))
        self._bytes += len(data)

    def _finish(self) -> RunBatch:
        self._memory.told = list(self._told)
        self._cursor = msgspec.structs.replace(self._cursor, look=self._cursor.look + 1)
        text, snapshot = msgspec.json.encode(self._cursor).decode(), msgspec.json.encode(self._memory)
        if len(snapshot) > MAX_SNAPSHOT:
            raise FatalSource(
                f"{self._git.place.url} has more refs than a snapshot holds", advice="Watch fewer: option refs."
            )
        batch = self._builder.build(self._text, text, None if snapshot == self._snapshot else snapshot)
        self._text, self._snapshot = text, snapshot
        self._builder, self._bytes = self._new_builder(), 0
        return batch


def _read_memory(state: SourceState) -> Memory:
    """Raises FatalSource where the refs as last told are lost."""
    if state.cursor is None:
        return Memory()
    try:
        return msgspec.json.decode(state.snapshot or b"", type=Memory)
    except msgspec.DecodeError:
        raise FatalSource(
            f"the snapshot of source {state.source!r} is lost: what was told of the repository is not known",
            advice="Register the source anew under another id.",
        ) from None
