"""Tryton (ERP) over JSON-RPC: who changed what from its log, old and new values from two looks at the rows.

Tryton writes a row of `ir.model.log` for each write, delete, button, wizard step and transition of a user: with field
names, without values; and none for a creation. So each run is a *look*: it reads the new log rows, the rows of the
watched models that are new or were written (`collectors.it.tryton_watch`), and pairs them with the look before
(`collectors.it.tryton_look`); how one original becomes one record stands in `collectors.it.tryton_record`, what is
watched in `collectors.it.tryton_models`, what rights the account needs in `collectors.it.tryton_log`.

- A transaction that began earlier may commit log numbers below some that were already read, so the last minutes of the
  log (option `window_minutes`) are listed again at every look; what is listed twice is handed over once.
- A look reads log, rows, and the log once more: rows count only when no log row came in between. Where the source does
  not come to rest, a gap says so.
- The cursor names the look (number, part, time, highest log number); what is needed for pairing is in the snapshot.
- The server's clock is measured by the Date header of its answers.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import msgspec

from collectors.base import (
    MAX_SUBMISSIONS,
    Check,
    CheckReport,
    Collector,
    Option,
    Secret,
    Stop,
    judge_clock,
    read_cursor,
)
from collectors.batch import BatchBuilder
from collectors.facts import VERSION, facts
from collectors.it.tryton_log import LogReader
from collectors.it.tryton_look import Look, Memory, gaps, hand_over, pending, settle
from collectors.it.tryton_models import LABORATORY, MODELS, for_version, watched
from collectors.it.tryton_record import PARSER, PARSER_VERSION, Reader
from collectors.it.tryton_rpc import Refused, TrytonRpc
from collectors.it.tryton_watch import Watcher
from collectors.options import read_list, read_map
from ledger.core.clock import WallClock, parse_utc, utc_text
from ledger.core.errors import CollectorError, FatalSource
from ledger.core.record import Interval, Original, Record
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.source import SourceConfig


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Look number, parts of the next one already handed over, when its reading began, and the highest log number."""

    look: int
    part: int
    at: str
    log: int


_START = Cursor(look=0, part=0, at="", log=0)


class Tryton(Collector):
    """See the module."""

    type = "tryton"
    title = "Tryton ERP (JSON-RPC)"
    tells = (VERSION,)
    parser = PARSER
    parser_version = PARSER_VERSION
    options = (
        Option(
            name="url",
            meaning="RPC address, http(s)://HOST:PORT/DATABASE/rpc/ (before 8.0 without rpc/)",
            required=True,
        ),
        Option(name="user", meaning="login of an account that may read the log and the models", required=True),
        Option(
            name="models",
            meaning=(
                "watched models, comma-separated; MODEL:FIELD+FIELD chooses the fields; for a laboratory: "
                + ", ".join(LABORATORY)
            ),
            default=", ".join(MODELS),
        ),
        Option(
            name="window_minutes",
            meaning="how long a transaction may take: this much of the log is listed again",
            default="10",
        ),
        Option(
            name="equipment",
            meaning="location code = equipment, comma-separated: a production order there links to it (derived)",
        ),
        Option(
            name="service_accounts", meaning="logins that are no persons, besides the collector's own", default="root"
        ),
    )
    secrets = (Secret(name="password", meaning="the account's password"),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._models = watched(read_list(self.option("models")))
        self._window = timedelta(minutes=self.number("window_minutes", 0, 1440))
        self._reader = Reader(
            source=config.id,
            zone=config.zone or "UTC",
            models=self._models,
            equipment=read_map(self.option("equipment"), "equipment"),
            services=frozenset((self.option("user"), *read_list(self.option("service_accounts")))),
        )

    def derive(self, original: Original) -> Record:
        return self._reader.derive(original)

    def check(self) -> CheckReport:
        checks: list[Check] = []
        clock = None
        try:
            with self._session() as rpc:
                checks.append(Check(name="sign-in", ok=True, says=f"{self.option('user')} is signed in"))
                checks.append(_try_log(rpc))
                models = for_version(self._models, rpc.version())
                checks += [_try_model(rpc, name, model.asked()) for name, model in models.items()]
                clock = rpc.source_clock
        except CollectorError as error:
            checks.append(Check(name="sign-in", ok=False, says=error.message, advice=error.advice))
        else:
            checks.append(judge_clock(clock))
        return CheckReport(checks=tuple(checks), clock=clock)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id) or _START
        memory = _memory(state.snapshot, self.config.id)
        with self._session() as rpc:
            builder = self._builder(rpc)
            version = rpc.version()
            builder.facts = facts(version=f"Tryton {version}")
            models = for_version(self._models, version)
            look, began, settled = Watcher(rpc, models, memory, self._window, self.clock).look(cursor.at or None)
            text, part = state.cursor, cursor.part
            found = list(pending(look, memory, models))
            while len(found) > MAX_SUBMISSIONS:
                chunk, found = found[:MAX_SUBMISSIONS], found[MAX_SUBMISSIONS:]
                for item in chunk:
                    builder.add(item.original, look.at)
                memory, part = hand_over(memory, chunk), part + 1
                following = _text(msgspec.structs.replace(cursor, part=part))
                yield builder.build(text, following, memory.to_bytes())
                text, builder = following, self._builder(rpc)
                if stop.is_set():
                    return
            for item in found:
                builder.add(item.original, look.at)
            horizon = utc_text(parse_utc(look.at) - self._window // timedelta(microseconds=1))
            after, unknown = settle(look, memory, horizon)
            builder.gaps += [*gaps(look, memory, models), *unknown]
            if not settled:
                builder.gaps.append(_restless(look))
            snapshot = after.to_bytes()
            mark = Cursor(look=cursor.look + 1, part=0, at=began, log=max((*look.log_ids, cursor.log)))
            yield builder.build(text, _text(mark), None if snapshot == state.snapshot else snapshot)

    def _session(self) -> TrytonRpc:
        return TrytonRpc(self.option("url"), self.option("user"), self.secret("password"), self.clock)

    def _builder(self, rpc: TrytonRpc) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, rpc.source_clock)


def _memory(snapshot: bytes | None, source: str) -> Memory:
    if snapshot is None:
        return Memory()
    try:
        return msgspec.json.decode(snapshot, type=Memory)
    except msgspec.DecodeError as error:
        raise FatalSource(
            f"the snapshot of source {source!r} cannot be read: {error}",
            advice="It was written by another collector version; register the source anew under another id.",
        ) from None


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _restless(look: Look) -> Gap:
    return Gap(
        subject="look",
        reason="log rows kept coming while the rows were read: new values may be those of a later change",
        between=Interval(after=look.since or look.at, before=look.at),
    )


def _try_log(rpc: TrytonRpc) -> Check:
    reading = LogReader(rpc).read(0, frozenset())
    if not reading.ids:
        return Check(
            name="read log",
            ok=False,
            says="no row of ir.model.log can be read: nothing was logged yet, or the account may not read it",
            advice="Let a user change something, then test again; the account needs the right to read ir.model.log.",
        )
    return Check(name="read log", ok=True, says=f"{len(reading.ids)} rows of the log can be read")


def _try_model(rpc: TrytonRpc, model: str, fields: tuple[str, ...]) -> Check:
    try:
        ids = rpc.search(model, [])
        list(rpc.rows(model, ids[-1:], fields))
    except Refused as error:
        return Check(
            name=f"read {model}",
            ok=False,
            says=error.message,
            advice=f"Give the account the right to read {model}, or leave it out of `models`.",
        )
    return Check(name=f"read {model}", ok=True, says=f"{len(ids)} rows of {model} can be read")
