"""A read-only LDAP session: signs in, searches with bounds, says what time the server has."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import ldap3
import msgspec
from ldap3.core.exceptions import LDAPException

from collectors.clocks import clock_told
from ledger.core.clock import WallClock
from ledger.core.errors import FatalSource, RetriableSource
from ledger.core.times import Clock

_REFUSED: Final = {8, 13, 48, 49, 50, 53}
_TOO_MANY: Final = {4, 11}
_NOT_THERE: Final = 32
_SECONDS: Final = 20


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A server and an account; `ca` is a file of the authorities that vouch for the server, empty: the system's."""

    url: str
    user: str
    start_tls: bool = False
    ca: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An entry: its attributes with their values as bytes."""

    dn: str
    attributes: dict[str, list[bytes]]


class TooMany(Exception):
    """The search finds more entries than asked for, or than the server gives; `found` are some of them."""

    def __init__(self, found: list[Found]) -> None:
        super().__init__("too many entries")
        self.found = found


class NotThere(Exception):
    """There is no such base."""


class Session:
    """Entered: signed in. Raises RetriableSource and FatalSource."""

    def __init__(self, place: Place, password: str, clock: WallClock) -> None:
        self._place, self._clock = place, clock
        tls = None
        if place.start_tls or place.url.startswith("ldaps"):
            tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=place.ca or None)
        try:
            server = ldap3.Server(place.url, get_info=ldap3.NONE, connect_timeout=_SECONDS, tls=tls)
            self._connection = ldap3.Connection(
                server,
                place.user or None,
                password or None,
                read_only=True,
                receive_timeout=_SECONDS,
                return_empty_attributes=False,
                auto_referrals=False,
            )
        except LDAPException as error:
            raise self._fatal(str(error)) from None

    def __enter__(self) -> Self:
        try:
            self._connection.open()
            if self._place.start_tls:
                self._connection.start_tls()
            bound = self._connection.bind()
        except (LDAPException, OSError, ValueError) as error:
            self._drop()
            raise self._away(error) from None
        if not bound:
            said = self._said()
            self._drop()
            if said["result"] in _REFUSED:
                raise FatalSource(
                    f"{self._place.url} refuses the account {self._place.user or '(anonymous)'}: {said['description']}",
                    advice="Correct user and password of the source; see whether the account is locked.",
                )
            raise self._away(said["description"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def search(
        self, base: str, query: str, names: Sequence[str], limit: int, *, only: bool = False, deep: bool = False
    ) -> list[Found]:
        """At most `limit` entries below the base; with `only` the base itself, with `deep` all levels.

        Raises TooMany, NotThere, and the session's errors.
        """
        try:
            self._connection.search(
                base,
                query,
                search_scope=ldap3.BASE if only else ldap3.SUBTREE if deep else ldap3.LEVEL,
                attributes=list(names),
                size_limit=limit,
                time_limit=_SECONDS,
            )
        except (LDAPException, OSError, ValueError, TypeError, IndexError, AttributeError) as error:
            raise self._away(error) from None
        said = self._said()
        if said["result"] == _NOT_THERE:
            raise NotThere
        if said["result"] in _REFUSED:
            raise FatalSource(
                f"{self._place.url}: the account {self._place.user or '(anonymous)'} may not search {base}: "
                f"{said['description']}",
                advice=f"Let the account read {base} (an `access to *` rule of its database).",
            )
        if said["result"] != 0 and said["result"] not in _TOO_MANY:
            raise self._away(said["description"])
        answer: list[Any] = self._connection.response or []
        found = [
            Found(dn=str(one["dn"]), attributes={name: list(values) for name, values in one["raw_attributes"].items()})
            for one in answer
            if one.get("type") == "searchResEntry"
        ]
        if said["result"] in _TOO_MANY:
            raise TooMany(found)
        return found

    def measure(self) -> Clock | None:
        """The server's clock, by its monitor (OpenLDAP) or its root (Active Directory); None where neither tells it.

        It is told in whole seconds.
        """
        for base, name in (("", "currentTime"), ("cn=Current,cn=Time,cn=Monitor", "monitorTimestamp")):
            before = self._clock.now_us()
            try:
                found = self.search(base, "(objectClass=*)", [name], 1, only=True)
            except (NotThere, TooMany, FatalSource):
                continue
            after = self._clock.now_us()
            told = _instant(found[0].attributes.get(name, [b""])[0]) if found else None
            if told is not None:
                return clock_told(told, before, after, f"LDAP {name}", resolution_us=1_000_000)
        return None

    def _said(self) -> dict[str, Any]:
        said = self._connection.result
        return said if isinstance(said, dict) else {"result": -1, "description": "no answer"}

    def _drop(self) -> None:
        try:
            self._connection.unbind()
        except (LDAPException, OSError):
            return

    def _away(self, error: object) -> RetriableSource:
        return RetriableSource(
            f"{self._place.url} does not answer as it should: {error}",
            advice="Check that the server runs and is reached from here, and its certificate; see its own log.",
        )

    def _fatal(self, error: str) -> FatalSource:
        return FatalSource(f"{self._place.url} is no place to connect to: {error}", advice="Write ldap(s)://HOST:PORT.")


def _instant(value: bytes) -> int | None:
    try:
        moment = datetime.strptime(value.decode("ascii", "replace")[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000
