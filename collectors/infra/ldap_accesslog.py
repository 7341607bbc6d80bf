"""OpenLDAP's access log (overlay accesslog): changes with old and new values, sign-ins and refused ones, by LDAP.

How an entry is kept and read stands in `collectors.infra.ldap_accesslog_entry`, the session in
`ldap_accesslog_session`.

- The log is read in stretches of time by reqStart, each as short as the server's limits of a search need it.
- An entry is written when its request ends, so one that began earlier may come later: the last `window_seconds` are
  read again at every look, and what was handed over of them (the snapshot) is left out.
- The log is cut by its owner (logpurge): where it now begins after what was read last, a gap says so.
- reqStart is the identity of an entry; its fraction only tells the requests of a second apart.
- Secret attributes (option `secrets`) are never kept, in records or originals.
- The collector's own sign-ins stand in the log too, if it logs them.
- The server's clock is measured by its monitor, if the account may read `cn=Current,cn=Time,cn=Monitor`. What the
  server says of itself, and where it must be readable for that, stands in `ldap_accesslog_facts`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from collectors.base import Check, CheckReport, Option, Secret, Stop, judge_clock, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import AUDIT_TRAIL, SCHEMA, VERSION
from collectors.infra.ldap_accesslog_entry import MEDIA_TYPE, OPERATIONAL, SECRETS, entry_item, read_entry, write_entry
from collectors.infra.ldap_accesslog_facts import directory_facts
from collectors.infra.ldap_accesslog_session import Found, NotThere, Place, Session, TooMany
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, FatalSource
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.source import SourceConfig
from ledger.core.times import Clock

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LIMIT: Final = 450
"""Entries of one search; a batch holds no more than one search gives."""
_FIRST_STEP: Final = timedelta(hours=1)
_LONGEST_STEP: Final = timedelta(days=365)
_MICROSECOND: Final = timedelta(microseconds=1)
_ALL: Final = ["*"]


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`read` is the reqStart up to which the log was read, in microseconds, `at` ours of the last look."""

    read: int
    at: str


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot: the entries of the window that were handed over, by reqStart."""

    taken: tuple[str, ...] = ()


class LdapAccesslog(MappedCollector):
    """See the module."""

    type = "ldap-accesslog"
    title = "OpenLDAP access log (LDAP)"
    format = "1"
    tells = (VERSION, SCHEMA, AUDIT_TRAIL)
    options = (
        Option(name="url", meaning="ldap://HOST:PORT or ldaps://HOST:PORT", required=True),
        Option(name="user", meaning="DN of an account that may read the log", required=True),
        Option(name="base", meaning="the log's suffix", default="cn=accesslog"),
        Option(name="start_tls", meaning="yes: ldap:// is encrypted by StartTLS", default="no"),
        Option(name="ca", meaning="TLS: file of the authorities that vouch for the server; empty: the system's"),
        Option(name="window_seconds", meaning="how long a request may take: this much is read again", default="60"),
        Option(name="secrets", meaning="attributes whose values are never kept", default=", ".join(SECRETS)),
        Option(name="without", meaning="attributes whose changes are left out", default=", ".join(OPERATIONAL)),
    )
    secrets = (Secret(name="password", meaning="the account's password"),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        if self.option("start_tls") not in {"yes", "no"}:
            raise ConfigError(f"option 'start_tls' is {self.option('start_tls')!r}", advice="Use yes or no.")
        if not self.option("url").startswith(("ldap://", "ldaps://")):
            raise ConfigError(f"option 'url' is {self.option('url')!r}", advice="Write ldap(s)://HOST:PORT.")
        self._place = Place(
            url=self.option("url"),
            user=self.option("user"),
            start_tls=self.option("start_tls") == "yes",
            ca=self.option("ca"),
        )
        self._window = timedelta(seconds=self.number("window_seconds", 0, 86_400))
        self._secret = _lower(self.option("secrets"))
        self._without = _lower(self.option("without"))

    def item(self, original: Original) -> Item:
        return entry_item(read_entry(original.data), self._without)

    def check(self) -> CheckReport:
        clock: Clock | None = None
        checks: list[Check] = []
        try:
            with self._session() as session:
                checks.append(Check(name="sign-in", ok=True, says=f"{self._place.user} is signed in"))
                checks += self._try_log(session)
                clock = session.measure()
        except CollectorError as error:
            checks.append(Check(name="sign-in", ok=False, says=error.message, advice=error.advice))
            return CheckReport(checks=tuple(checks))
        return CheckReport(checks=(*checks, self._judge_transport(), judge_clock(clock)), clock=clock)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id)
        taken = set(_memory(state.snapshot, self.config.id).taken)
        text, stored = state.cursor, state.snapshot
        with self._session() as session:
            clock = session.measure()
            builder = self._builder(clock)
            builder.facts = directory_facts(session, self.option("base"))
            first = self._first(session)
            begin = first if cursor is None else _moment(cursor.read) - self._window - _MICROSECOND
            if cursor is not None and first is not None and first > _moment(cursor.read):
                builder.gaps.append(self._purged(cursor, first))
            position = _moment(cursor.read) if cursor else None
            for found in self._stretches(session, begin) if begin and first else ():
                received = utc_text(self.clock.now_us())
                for entry in sorted(found, key=_start):
                    position = max(position or _instant(_start(entry)), _instant(_start(entry)))
                    if _start(entry) not in taken:
                        taken.add(_start(entry))
                        data = write_entry(entry.dn, entry.attributes, self._secret)
                        builder.add(self.original(data, MEDIA_TYPE), received)
                if position is not None:
                    taken = {start for start in taken if _instant(start) >= position - self._window}
                if len(builder):
                    batch, text, stored = self._finish(builder, text, stored, position, taken)
                    yield batch
                    builder = self._builder(clock)
                if stop.is_set():
                    break
            yield self._finish(builder, text, stored, position, taken)[0]

    def _stretches(self, session: Session, begin: datetime) -> Iterator[list[Found]]:
        """The entries from `begin` on, stretch by stretch: the rest, where it is few enough, else a part in time."""
        base, step = self.option("base"), _FIRST_STEP
        while True:
            try:
                yield session.search(base, f"(reqStart>={_text(begin)})", _ALL, _LIMIT)
            except TooMany:
                found, end, step = self._part(session, begin, step)
                yield found
                begin = end
            else:
                return

    def _part(self, session: Session, begin: datetime, step: timedelta) -> tuple[list[Found], datetime, timedelta]:
        """The entries of a stretch that is short enough for a search, its end, and how long to try the next."""
        while True:
            end = begin + step
            query = f"(&(reqStart>={_text(begin)})(reqStart<={_text(end)}))"
            try:
                found = session.search(self.option("base"), query, _ALL, _LIMIT)
            except TooMany:
                if step <= _MICROSECOND:
                    raise FatalSource(
                        f"{self._place.url} gives not even the entries of one instant",
                        advice="Raise the size limit of the account (`limits … size=500` in the log's database).",
                    ) from None
                step = max(step // 2, _MICROSECOND)
                continue
            return found, end, min(step * 2 if len(found) < _LIMIT // 3 else step, _LONGEST_STEP)

    def _first(self, session: Session) -> datetime | None:
        """Where the log begins; None for an empty one.

        A search that is cut off after one entry gives the one that was written first; one that began a little earlier
        may come after it.
        """
        base = self.option("base")
        try:
            found = session.search(base, "(reqStart=*)", ["reqStart"], 1)
        except TooMany as error:
            found = error.found
        except NotThere:
            raise FatalSource(
                f"{self._place.url} has no {base}, or the account may not see it",
                advice="Set `base` to the overlay's `logdb`, and let the account read it.",
            ) from None
        return _instant(_start(found[0])) - self._window - _MICROSECOND if found else None

    def _try_log(self, session: Session) -> list[Check]:
        first = self._first(session)
        base = self.option("base")
        if first is None:
            return [
                Check(
                    name="read log",
                    ok=False,
                    says=f"{base} holds no entry that the account can read",
                    advice="Let the account read it; let somebody change something, then test again.",
                )
            ]
        checks = [Check(name="read log", ok=True, says=f"{base} can be read, from {first:%Y-%m-%d} on")]
        changed = self._some(session, "(objectClass=auditModify)")
        if changed and not self._some(session, "(&(objectClass=auditModify)(reqOld=*))"):
            checks.append(
                Check(
                    name="old values",
                    ok=False,
                    says="no entry of a change holds old values",
                    advice='Set `logold "(objectclass=*)"` in the overlay.',
                )
            )
        elif changed:
            checks.append(Check(name="old values", ok=True, says="changes are logged with old values"))
        return checks

    def _some(self, session: Session, query: str) -> bool:
        try:
            return bool(session.search(self.option("base"), query, ["reqStart"], 1))
        except TooMany:
            return True

    def _judge_transport(self) -> Check:
        if self._place.url.startswith("ldaps://") or self._place.start_tls:
            return Check(
                name="transport", ok=True, says="the connection is encrypted, the server's certificate checked"
            )
        host = self._place.url.removeprefix("ldap://").rpartition(":")[0]
        near = host in {"localhost", "127.0.0.1", "[::1]"}
        return Check(
            name="transport",
            ok=near,
            says="the connection is not encrypted" + (", and stays on this machine" if near else ""),
            advice="" if near else "Use ldaps://, or set `start_tls` to yes.",
        )

    def _finish(
        self, builder: BatchBuilder, text: str | None, stored: bytes | None, position: datetime | None, taken: set[str]
    ) -> tuple[RunBatch, str | None, bytes | None]:
        memory = msgspec.json.encode(Memory(taken=tuple(sorted(taken))))
        following = text
        if position is not None:
            cursor = Cursor(read=(position - _EPOCH) // _MICROSECOND, at=utc_text(self.clock.now_us()))
            following = msgspec.json.encode(cursor).decode()
        return builder.build(text, following, None if memory == stored else memory), following, memory

    def _purged(self, cursor: Cursor, first: datetime) -> Gap:
        now = utc_text(self.clock.now_us())
        return Gap(
            subject=self.option("base"),
            reason=f"the log now begins at {first + self._window}, after what was read last: it was cut",
            between=Interval(after=min(cursor.at, now), before=now),
        )

    def _session(self) -> Session:
        return Session(self._place, self.secret("password"), self.clock)

    def _builder(self, clock: Clock | None) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, clock)


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


def _start(entry: Found) -> str:
    return entry.attributes.get("reqStart", [b""])[0].decode("ascii", "replace")


def _instant(start: str) -> datetime:
    """A reqStart as an instant; its fraction counts."""
    try:
        return datetime.strptime(start, "%Y%m%d%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise FatalSource(
            f"an entry has the reqStart {start!r}", advice="Is this the log of an OpenLDAP server?"
        ) from None


def _text(moment: datetime) -> str:
    """The boundary half a microsecond after an instant: no entry lies on it.

    slapd 2.5 does not find an entry that lies on one, by neither `<=` nor `>=`, when its fraction ends with zeros.
    """
    return moment.strftime("%Y%m%d%H%M%S.%f5Z")


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _lower(names: str) -> frozenset[str]:
    return frozenset(name.lower() for name in read_list(names))
