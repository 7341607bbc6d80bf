"""Takes in what came across a one-way transfer: each batch once and in order, and says what did not come.

Nothing can be asked back, so whatever is not as it should be is told: numbers that are missing, an agent that is
silent, files that are no batch. What follows a missing batch waits until that is there; a person has it written again.
"""

import os
import stat
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from ledger.agents.agents import Agents
from ledger.agents.deliveries import Deliveries
from ledger.core.address import LogId
from ledger.core.batch import Heartbeat, SignedBatch, SignedHeartbeat, verify_heartbeat
from ledger.core.clock import parse_utc
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, InvalidEntry, LedgerError, NotFound, SchemaViolation
from ledger.core.hashing import unb64
from ledger.core.note import SigningSecret
from ledger.core.transfer import MAX_FILE, TransferName, read_name
from ledger.findings.kinds import Finding, FindingSort
from ledger.store.store import Store
from ledger.trust.files import exclusively, write_durably

STATE_FILE: Final = ".received.json"
REFUSED_FOLDER: Final = "refused"
MAX_BEAT: Final = 4096
MAX_NAMED: Final = 20
"""Missing stretches that are named one by one."""
_batch = msgspec.json.Decoder(SignedBatch)
_beat = msgspec.json.Decoder(SignedHeartbeat)


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an agent: its epoch, the last number it named, when it said so by its clock and when that was
    heard by ours; `since_us`: since when numbers up to `last` are missing; what was told of already.
    """

    epoch: int
    last: int
    alive_at: str
    heard_us: int
    since_us: int | None = None
    told_missing: int | None = None
    told_silent: bool = False


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person has to look at."""

    agent: str | None
    what: str


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at the folder brought: batches taken, files that were known already, and what is wrong."""

    taken: int
    known: int
    troubles: tuple[Trouble, ...]


class Receiver:
    """Takes files from one folder into one log. One process at a time looks at a folder."""

    def __init__(
        self,
        store: Store,
        log: LogId,
        agents: Agents,
        deliveries: Deliveries,
        receipt_key: SigningSecret,
        folder: Path,
        *,
        silence_s: float = 900.0,
        patience_s: float = 60.0,
    ) -> None:
        """`silence_s`: how long an agent may say nothing; `patience_s`: how long a file may be overtaken by others."""
        self._store = store
        self._log = log
        self._agents = agents
        self._deliveries = deliveries
        self._receipt_key = receipt_key
        self._folder = folder
        self._silence_us = int(silence_s * 1e6)
        self._patience_us = int(patience_s * 1e6)
        self._troubles: list[Trouble] = []

    def look(self) -> Received:
        """Takes all that can be taken, and tells what is wrong; findings are entered once each."""
        with exclusively(self._folder / ".receiving.lock"):
            self._troubles = []
            heard = self._load()
            taken = known = 0
            waiting: dict[str, set[int]] = {}
            for name, path in self._files():
                if name.number is None:
                    self._hear(heard, name, path)
                    continue
                batch = self._read(path)
                if batch is None:
                    continue
                before = self._last(batch.header.agent)
                try:
                    self._deliveries.take(batch, self._receipt_key)
                except Conflict as error:
                    if batch.header.number > before + 1:
                        waiting.setdefault(batch.header.agent, set()).add(batch.header.number)
                    else:
                        self._refuse(path, batch.header.agent, error)
                    continue
                except (AccessDenied, InvalidEntry, NotFound) as error:
                    self._refuse(path, batch.header.agent, error)
                    continue
                if batch.header.number > before:
                    taken += 1
                else:
                    known += 1
                path.unlink(missing_ok=True)
            for agent in sorted(heard.keys() | waiting.keys()):
                self._judge(agent, heard, waiting.get(agent, set()))
            write_durably(self._folder / STATE_FILE, msgspec.json.encode(heard))
            return Received(taken=taken, known=known, troubles=tuple(self._troubles))

    def _files(self) -> list[tuple[TransferName, Path]]:
        found = [(read_name(path.name), path) for path in self._folder.iterdir()]
        named = [(name, path) for name, path in found if name is not None]
        return sorted(named, key=lambda one: (one[0].agent, one[0].epoch, one[0].number or 0, one[1].name))

    def _bytes(self, path: Path, limit: int) -> bytes:
        """The bytes of a plain file of at most so many; raises InvalidEntry for anything else."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise InvalidEntry(f"it cannot be read: {error.strerror}") from None
        with os.fdopen(descriptor, "rb") as file:
            known = os.fstat(descriptor)
            if not stat.S_ISREG(known.st_mode) or known.st_size > limit:
                raise InvalidEntry(f"it is no plain file of at most {limit} bytes")
            data = file.read(limit + 1)
        if len(data) > limit:
            raise InvalidEntry(f"it has more than {limit} bytes")
        return data

    def _read(self, path: Path) -> SignedBatch | None:
        try:
            return _batch.decode(self._bytes(path, MAX_FILE))
        except (msgspec.DecodeError, UnicodeError) as error:
            self._refuse(path, None, SchemaViolation(f"it holds no signed batch: {error}"))
        except InvalidEntry as error:
            self._refuse(path, None, error)
        return None

    def _hear(self, heard: dict[str, Heard], name: TransferName, path: Path) -> None:
        try:
            signed = _beat.decode(self._bytes(path, MAX_BEAT))
            beat = self._verified(signed)
            parse_utc(beat.alive_at)
        except (msgspec.DecodeError, UnicodeError) as error:
            self._refuse(path, None, SchemaViolation(f"it holds no sign of life: {error}"))
            return
        except LedgerError as error:
            self._refuse(path, name.agent, error)
            return
        was = heard.get(beat.agent)
        if was is not None and (beat.epoch, beat.alive_at) <= (was.epoch, was.alive_at):
            return  # the same once more, or an older one: no sign that it is alive now
        heard[beat.agent] = Heard(
            epoch=beat.epoch,
            last=beat.last,
            alive_at=beat.alive_at,
            heard_us=self._store.clock.now_us(),
            since_us=None if was is None or was.epoch != beat.epoch else was.since_us,
            told_missing=None if was is None or was.epoch != beat.epoch else was.told_missing,
        )

    def _verified(self, signed: SignedHeartbeat) -> Heartbeat:
        agent = signed.heartbeat.agent
        with self._store.reading() as connection:
            standing = self._agents.standing(connection, agent)
        if standing is None:
            raise AccessDenied(f"agent {agent!r} is not in use")
        return verify_heartbeat(signed, self._log.origin, unb64(standing[0].public_key or "", 32))

    def _judge(self, agent: str, heard: dict[str, Heard], waiting: set[int]) -> None:
        """Tells of missing numbers once others had the time to come, and of silence."""
        now = self._store.clock.now_us()
        last = self._last(agent)
        was = heard.get(agent) or Heard(epoch=0, last=0, alive_at="", heard_us=now)
        reach = max([was.last, *waiting])
        if reach <= last or waiting == set(range(last + 1, reach + 1)):
            was = msgspec.structs.replace(was, since_us=None, told_missing=None)
        else:
            since = was.since_us if was.since_us is not None else now
            was = msgspec.structs.replace(was, since_us=since)
            if now - since >= self._patience_us:
                what = f"{_missing(last, reach, waiting)} did not come"
                self._troubles.append(Trouble(agent=agent, what=f"{what}: have them written again (`agent resend`)"))
                if was.told_missing != last:
                    self._find(FindingSort.BATCHES_MISSING, f"Of agent {agent}, {what}.")
                    was = msgspec.structs.replace(was, told_missing=last)
        if now - was.heard_us > self._silence_us:
            what = f"nothing was heard of it for {(now - was.heard_us) // 1_000_000} s"
            self._troubles.append(Trouble(agent=agent, what=what))
            if not was.told_silent:
                self._find(FindingSort.AGENT_SILENT, f"Of agent {agent}: {what}.")
                was = msgspec.structs.replace(was, told_silent=True)
        heard[agent] = was

    def _last(self, agent: str) -> int:
        """The last number that the log has of an agent; 0 for one that is not in use."""
        try:
            return self._deliveries.last(agent).number
        except NotFound:
            return 0

    def _find(self, sort: FindingSort, detail: str) -> None:
        self._store.append_one(self._log.number, draft(Finding(sort=sort, source=None, entries=(), detail=detail)))

    def _refuse(self, path: Path, agent: str | None, error: LedgerError) -> None:
        """Sets a file aside, as it is; it is looked at by a person, not again by us."""
        aside = self._folder / REFUSED_FOLDER
        aside.mkdir(mode=0o700, exist_ok=True)
        path.rename(aside / path.name)
        self._troubles.append(Trouble(agent=agent, what=f"{path.name} was set aside: {error.message}"))

    def _load(self) -> dict[str, Heard]:
        try:
            return msgspec.json.decode((self._folder / STATE_FILE).read_bytes(), type=dict[str, Heard])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}  # damaged: as if nothing had been heard yet; what is missing or silent is told once more


def _missing(last: int, reach: int, waiting: set[int]) -> str:
    """The numbers between, as stretches."""
    edges = [last, *sorted(waiting), reach + 1] if reach not in waiting else [last, *sorted(waiting)]
    stretches = [(low + 1, high - 1) for low, high in pairwise(edges) if high - low > 1]
    named = [str(low) if low == high else f"{low} to {high}" for low, high in stretches[:MAX_NAMED]]
    more = f" and {len(stretches) - MAX_NAMED} stretches more" if len(stretches) > MAX_NAMED else ""
    return f"batches {', '.join(named)}{more}"
