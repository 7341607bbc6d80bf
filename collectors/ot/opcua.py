"""OPC UA (DCS, SCADA, MES, historians): audit events with old and new values, alarms, values, edits of histories.

How an original becomes a record stands in `collectors.ot.opcua_record`, the connection in
`collectors.ot.opcua_session`, what one run remembers in `collectors.ot.opcua_run`, which value changes count in
`collectors.ot.opcua_echo`, how edits are found in `collectors.ot.opcua_edit_watch`.

- The cursor holds the server's time of the latest event and our time of the last good contact. A run begins by
  reading the event history from a little before the cursor; what is read twice has the same EventId and content.
- When the connection breaks, values that still wait for their audit event are recorded as they are: rather one change
  told twice, once by the audit event read later, than one not told.
- Conditions that still count are asked for after each connection (ConditionRefresh); one that stands as it was last
  told is not told again, whatever EventId the server gives it.
- An edit of a history is found where the value that was edited lies within `edit_days`; an edit that was there at an
  earlier look and is gone is a gap: somebody took it out of the server's own trail.
- A server that keeps no event history cannot say what happened while nobody listened: a gap from the last contact on.
- Idle, a run is handed over every `heartbeat_seconds`, so that silence is proven and not assumed.
- The server's clock is read at the start and every half minute; what it says of itself (`collectors.ot.opcua_facts`) at
  the start.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from collectors.base import CheckReport, Collector, Option, Secret, Stop, read_cursor
from collectors.facts import AUDIT_TRAIL, SCHEMA, VERSION
from collectors.options import read_list, read_map
from collectors.ot.opcua_check import check_server
from collectors.ot.opcua_connect import Access
from collectors.ot.opcua_heard import Lost
from collectors.ot.opcua_original import PARSER, PARSER_VERSION
from collectors.ot.opcua_record import Reader
from collectors.ot.opcua_run import Cursor, Run
from collectors.ot.opcua_session import Session, Wanted
from ledger.core.clock import WallClock, parse_utc
from ledger.core.errors import ConfigError
from ledger.core.record import Original, Record
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig
from ledger.core.times import parse_source_time

_LOOK_SECONDS = 0.2
_OVERLAP = timedelta(seconds=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OpcUa(Collector):
    """See the module."""

    type = "opcua"
    title = "OPC UA server (audit events, alarms, values, edits of histories)"
    parser = PARSER
    parser_version = PARSER_VERSION
    streaming = True
    options = (
        Option(name="url", meaning="endpoint, opc.tcp://HOST:PORT/PATH", required=True),
        Option(name="user", meaning="user name; empty for an anonymous session"),
        Option(
            name="security",
            meaning="POLICY,MODE,CERTIFICATE,KEY[,SERVER CERTIFICATE] (files), as Basic256Sha256,SignAndEncrypt,…",
        ),
        Option(
            name="plain_password",
            meaning="yes: where the server wants it so, send the password as plain text",
            default="no",
        ),
        Option(name="values", meaning="nodes whose values are watched: node ids or paths, comma-separated"),
        Option(name="batch", meaning="path of a node that holds the running batch = equipment, comma-separated"),
        Option(name="equipment", meaning="path = equipment, comma-separated: nodes below link to it (derived)"),
        Option(name="service_accounts", meaning="user names that are no persons, besides the collector's own"),
        Option(name="history_days", meaning="how far back the first run reads the event history", default="30"),
        Option(name="since", meaning="instead: from when on the first run reads events and watched values (ISO 8601)"),
        Option(name="history", meaning="nodes of a historian whose later edits are looked for: ids or paths"),
        Option(name="edit_days", meaning="of how many days back the values are whose edits are found", default="90"),
        Option(name="edit_seconds", meaning="how often edits are looked for", default="300"),
        Option(name="heartbeat_seconds", meaning="how often an idle run is handed over", default="60"),
    )
    tells = (VERSION, SCHEMA, AUDIT_TRAIL)
    lacks = (
        "who changed a value, where the server does not audit writes",
        "what happened while nobody listened, where the server keeps no event history",
        "who edited a historical value, where the server keeps no modified history or it is older than edit_days",
        "when an alarm cleared while nobody listened, where the server keeps no event history",
        "values that came and went between two samples of a server that samples",
        "a gap-free counter of events: one that a server loses without saying so is not missed",
    )
    secrets = (Secret(name="password", meaning="the user's password", required=False),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        batches = read_map(self.option("batch"), "batch")
        self._values = tuple(dict.fromkeys((*read_list(self.option("values")), *batches)))
        self._histories = read_list(self.option("history"))
        self._history = timedelta(days=self.number("history_days", 0, 36_500))
        self._since = self._moment("since")
        self._edit_window = timedelta(days=self.number("edit_days", 1, 36_500))
        self._edit_seconds = self.number("edit_seconds", 1, 86_400)
        self._heartbeat = self.number("heartbeat_seconds", 1, 86_400)
        self._access = Access(
            url=self.option("url"),
            user=self.option("user"),
            password=self.secret("password"),
            security=self.option("security"),
            plain_password=self.option("plain_password") == "yes",
        )
        self.reader = Reader(
            source=config.id,
            equipment=read_map(self.option("equipment"), "equipment"),
            batches=batches,
            services=frozenset((self.option("user"), *read_list(self.option("service_accounts")))),
        )

    def derive(self, original: Original) -> Record:
        return self.reader.derive(original)

    def check(self) -> CheckReport:
        return check_server(self._access, self._values, self._histories, self.clock)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id)
        run = Run(self.config.id, self.clock, self.reader, state, cursor)
        with Session(self._access, self._wanted(cursor, run), self.clock) as session:
            while not run.is_over(stop):
                heard = session.next(_LOOK_SECONDS)
                if isinstance(heard, Lost):
                    yield from run.rest()
                    raise heard.error
                if heard is not None:
                    run.take(heard)
                run.settle()
                if run.due(self._heartbeat):
                    yield run.finish()
                    if stop.is_set() and not run.caught_up:
                        return
            yield from run.rest(always=True)

    def _wanted(self, cursor: Cursor | None, run: Run) -> Wanted:
        if cursor is not None and cursor.events is not None:
            start = _EPOCH + timedelta(microseconds=parse_utc(cursor.events)) - _OVERLAP
        else:
            start = self._since or _EPOCH + timedelta(microseconds=self.clock.now_us()) - self._history
        return Wanted(
            values=self._values,
            events_from=start,
            values_from={
                node: _EPOCH + timedelta(microseconds=known.sample.at_us)
                for node, known in run.echoes.remembered.items()
            },
            values_since=self._since,
            histories=self._histories,
            known_edits=run.known_edits,
            edit_window=self._edit_window,
            edit_seconds=self._edit_seconds,
        )

    def _moment(self, name: str) -> datetime | None:
        text = self.option(name)
        if not text:
            return None
        moment = parse_source_time(text, "UTC").instant_us
        if moment is None:
            raise ConfigError(
                f"source {self.config.id!r}: option {name!r} is {text!r}", advice="Write 2026-11-25T07:10:00+01:00."
            )
        return _EPOCH + timedelta(microseconds=moment)
