"""Projectors of the people domain."""

from collections.abc import Iterable

from ledger.core import canonical
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row, Valid
from ledger.people import tables as t
from ledger.people.kinds import SecurityEntry, SessionEvent, account_of, grant_of, session_of
from ledger.store.position import pos_of


class AccountProjector:
    """Which accounts there are, and since which entry each is as it is."""

    name = "account"
    version = 1
    kinds = frozenset({"account"})
    table = t.account.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body = account_of(entry.body)
        title = body.title if isinstance(body.title, str) else ""
        yield Valid(body.account, (body.sort.value, body.state.value, title))


class GrantProjector:
    """The register: which account held which scopes, from which entry to which."""

    name = "grant"
    version = 1
    kinds = frozenset({"grant"})
    table = t.access_grant.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body = grant_of(entry.body)
        values = (
            body.account,
            body.state.value,
            canonical.dumps([scope.value for scope in body.scopes]).decode(),
            canonical.dumps(body.sources).decode(),
            _instant(body.expires_at),
            "" if body.role is None else body.role.value,
            canonical.dumps(body.sites).decode(),
            _instant(body.from_at),
        )
        yield Valid(body.grant, values)


class SessionProjector:
    """Which sessions and sign-in links are open."""

    name = "session"
    version = 1
    kinds = frozenset({"session-event"})
    table = t.browser_session.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body = session_of(entry.body)
        if body.redeems is not None:
            yield Valid(body.redeems, None)
        if body.event is SessionEvent.ENDED:
            yield Valid(body.session, None)
        else:
            yield Valid(body.session, (body.event.value, body.account, _instant(body.expires_at)))


class SecurityProjector:
    """One row for each count of a security event."""

    name = "security"
    version = 1
    kinds = frozenset({"security-event"})
    tables = (t.security_count.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: SecurityEntry = entry.body
        pos = pos_of(entry.log, entry.index)
        for one in body.counts:
            yield t.security_count.name, (pos, one.sort.value, one.account or "", one.source or "", one.count)


def _instant(text: str | None) -> int | None:
    return None if text is None else parse_utc(text)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return AccountProjector(), GrantProjector(), SessionProjector(), SecurityProjector()
