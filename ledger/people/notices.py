"""Telling people: a notice is due once its entry stands, goes out whatever fails meanwhile, and is never forgotten.

A notice is entered first (`told`), in the transaction of what it tells of where that matters; the leader takes it from
there, tries until it went or a day has passed, and enters what came of it. A crash between sending and entering sends
it twice, with the same identity; it never loses it.
"""

import contextlib
import secrets
import smtplib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import httpx
import msgspec
from sqlalchemy import Connection, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from tenacity import RetryCallState, Retrying, wait_exponential

from ledger.core.address import Address
from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.entry import Draft, draft
from ledger.core.errors import Conflict
from ledger.core.note import SigningSecret
from ledger.core.notice import seal_notice
from ledger.people import channels, notice_text
from ledger.people.channels import Undelivered
from ledger.people.contact import read_contact
from ledger.people.credentials import current, read_entry, view
from ledger.people.notice_kinds import Channel, Delivery, NoticeEntry, NoticeState, Subject
from ledger.people.notice_projector import delivery_key
from ledger.people.notice_tables import notice, notice_attempt
from ledger.people.profile import Mail, Profile, read_profile
from ledger.people.roles import Role
from ledger.people.tables import access_grant
from ledger.store.append import Batch, Closing, Placed, Transaction
from ledger.store.engine import is_sqlite
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

GIVE_UP_US: Final = 24 * 3600 * MICROSECONDS
"""After so long without success a delivery has failed."""
AT_ONCE: Final = 200
"""Deliveries of one round; the next round takes the others."""
MAX_SHOWN: Final = 200
_WAIT: Final = wait_exponential(multiplier=2, max=1800)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as its addressee sees it. `index`: its entry in the system log."""

    notice: str
    index: int
    at: str
    subject: Subject
    title: str
    text: str
    about: str | None


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One way of a notice by e-mail or webhook, and where it stands; `error` of the last try, while it is due."""

    notice: str
    to: str
    channel: Channel
    state: NoticeState
    index: int
    attempts: int
    error: str


class Prepared:
    """A notice that is ready to be entered: at once, or in the transaction of what it tells of."""

    def __init__(self, entry: NoticeEntry, origin: str) -> None:
        self._entry = entry
        self._origin = origin

    def draft(self, about: str | None = None) -> Draft:
        """The entry; `about` is the address of what it tells of."""
        return draft(self._entry if about is None else msgspec.structs.replace(self._entry, about=about))

    def closing(self, which: int = 0) -> Closing:
        """For a batch of the system log: the notice is entered with it, about its entry number `which`."""

        def close(_transaction: Transaction, placed: Sequence[Placed]) -> Sequence[Draft]:
            return [self.draft(str(Address(self._origin, placed[which].index)))]

        return close


class Notices:
    """Safe to use from any number of threads; `work` by one process at a time."""

    def __init__(
        self,
        store: Store,
        key: Callable[[], SigningSecret],
        password: Callable[[], str | None],
    ) -> None:
        """`key`: what signs what goes to webhooks; `password`: what the mail server is shown."""
        self._store = store
        self._key = key
        self._password = password

    def tell(
        self,
        accounts: Iterable[str],
        subject: Subject,
        about: str | None = None,
        *,
        once: str | None = None,
        **places: str,
    ) -> str | None:
        """Tells these accounts, and every webhook, of something; returns the notice's id, durable.

        `about`: the address of the entry that it is about. `once`: an id of the caller's own, as in
        `task-7/overdue`; a second notice of that id is not entered (None). Accounts that are not active, or that
        there are not, are left out; None if nobody is left. Raises SchemaViolation for other places than the texts of
        the subject have.
        """
        prepared = self.prepare(accounts, subject, once=once, **places)
        if prepared is None:
            return None
        entry = prepared.draft(about)
        ident: str = entry.body.notice  # type: ignore[attr-defined]

        def check(transaction: Transaction) -> None:
            key = ("notice", ident)
            if transaction.scratch.get(key) or _known(transaction.connection, ident):
                raise Conflict(f"notice {ident!r} was entered before")
            transaction.scratch[key] = True

        try:
            self._store.append(SYSTEM_LOG, Batch([entry], before=check))
        except Conflict:
            return None
        return ident

    def prepare(
        self, accounts: Iterable[str], subject: Subject, *, once: str | None = None, **places: str
    ) -> Prepared | None:
        """A notice to be entered in a transaction of the caller's (`Prepared.closing`); else as `tell`."""
        chosen = notice_text.check_places(subject, places)
        with self._store.reading() as connection:
            profile = read_profile(connection)
            origin = view(connection).origin
            ways: list[Delivery] = []
            for account in dict.fromkeys(accounts):
                contact = read_contact(self._store, connection, account)
                if contact is None:
                    continue
                ways.append(Delivery(channel=Channel.PAGE, to=account))
                if contact.email is not None and profile.mail is not None:
                    ways.append(Delivery(channel=Channel.EMAIL, to=account))
        ways += [Delivery(channel=Channel.WEBHOOK, to=url) for url in profile.webhooks]
        if not ways:
            return None
        entry = NoticeEntry(
            notice=once or secrets.token_hex(8),
            event=NoticeState.TOLD,
            subject=subject,
            deliveries=tuple(ways),
            places=chosen,
        )
        return Prepared(entry, origin)

    def known(self, ident: str) -> bool:
        """Whether a notice of that id was entered."""
        with self._store.reading() as connection:
            return _known(connection, ident)

    def holders(self, role: Role) -> list[str]:
        """The accounts that hold a role, wherever."""
        with self._store.reading() as connection:
            return holders(connection, role)

    def responsible(self) -> list[str]:
        """Who is told of what happens at the door (`responsible`)."""
        with self._store.reading() as connection:
            return responsible(connection)

    def mine(self, account: str, limit: int = MAX_SHOWN) -> list[Notice]:
        """An account's own notices, the newest first."""
        row = notice.c
        with self._store.reading() as connection:
            indices = connection.scalars(
                select(row.from_index)
                .where(row.log == SYSTEM_LOG, row.account == account, row.channel == Channel.PAGE.value)
                .order_by(row.from_index.desc())
                .limit(limit)
            ).all()
            found = [(index, *read_entry(self._store, connection, index, NoticeEntry)) for index in indices]
        return [
            Notice(
                notice=body.notice,
                index=index,
                at=utc_text(at_us),
                subject=body.subject,
                title=notice_text.title(body),
                text=notice_text.text(body),
                about=body.about,
            )
            for index, body, at_us in found
        ]

    def outgoing(self, limit: int = MAX_SHOWN) -> list[Outgoing]:
        """What went out, is due or failed, by e-mail and webhook; the newest first."""
        row, tried = notice.c, notice_attempt.c
        with self._store.reading() as connection:
            found = connection.execute(
                select(row.key, row.notice, row.account, row.channel, row.state, row.from_index)
                .add_columns(tried.attempts, tried.error)
                .select_from(notice.outerjoin(notice_attempt, tried.key == row.key))
                .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.channel != Channel.PAGE.value)
                .order_by(row.from_index.desc(), row.key)
                .limit(limit)
            ).all()
        return [
            Outgoing(
                notice=one.notice,
                to=one.account or one.key.removeprefix(f"{one.notice}/{one.channel}/"),
                channel=Channel(one.channel),
                state=NoticeState(one.state),
                index=one.from_index,
                attempts=one.attempts or 0,
                error=one.error or "",
            )
            for one in found
        ]

    def work(self) -> int:
        """Sends what is due now; returns how many went out. To be called every second or two where the lock is held."""
        due = self._due()
        if not due:
            return 0
        mails = [one for one in due if one.delivery.channel is Channel.EMAIL]
        hooks = [one for one in due if one.delivery.channel is Channel.WEBHOOK]
        return self._send_mails(mails) + self._post(hooks)

    def _due(self) -> "list[_Due]":
        row, tried, now = notice.c, notice_attempt.c, self._store.clock.now_us()
        with self._store.reading() as connection:
            found = connection.execute(
                select(row.key, row.from_index, tried.attempts)
                .select_from(notice.outerjoin(notice_attempt, tried.key == row.key))
                .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.state == NoticeState.TOLD.value)
                .where(row.channel != Channel.PAGE.value, or_(tried.next_us.is_(None), tried.next_us <= now))
                .order_by(row.from_index, row.key)
                .limit(AT_ONCE)
            ).all()
            due = []
            for key, index, attempts in found:
                body, told_us = read_entry(self._store, connection, index, NoticeEntry)
                due += [
                    _Due(key=key, index=index, told_us=told_us, attempts=attempts or 0, body=body, delivery=way)
                    for way in body.deliveries
                    if delivery_key(body.notice, way) == key
                ]
        return due

    def _send_mails(self, due: "Sequence[_Due]") -> int:
        if not due:
            return 0
        with self._store.reading() as connection:
            profile, origin = read_profile(connection), view(connection).origin
        left, sent = list(due), 0
        try:
            if profile.mail is None:
                raise Undelivered("the site's profile names no mail server any more", closed=True)
            with channels.mail_session(profile.mail, self._password()) as session:
                while left:
                    one = left.pop(0)
                    sent += self._try(one, partial(self._mail, session, one, profile.mail, profile, origin))
        except Undelivered as failed:
            for one in left:
                self._put_off(one, failed)
        return sent

    def _mail(self, session: smtplib.SMTP, one: "_Due", mail: Mail, profile: Profile, origin: str) -> None:
        with self._store.reading() as connection:
            contact = read_contact(self._store, connection, one.delivery.to)
        if contact is None or contact.email is None:
            raise Undelivered("the account is not active any more, or has no e-mail address", final=True)
        message = channels.mail_message(
            sender=mail.sender,
            to=contact.email,
            name=contact.name,
            subject=notice_text.title(one.body),
            text=notice_text.mail_text(one.body, origin, profile.address),
            ident=f"{one.index}.{one.delivery.to}",
            origin=origin,
            now_us=self._store.clock.now_us(),
        )
        channels.send_mail(session, message)

    def _post(self, due: "Sequence[_Due]") -> int:
        if not due:
            return 0
        with self._store.reading() as connection:
            allowed, origin = read_profile(connection).webhooks, view(connection).origin
        silent: dict[str, Undelivered] = {}
        sent = 0
        with channels.webhook_client() as client:
            for one in due:
                url = one.delivery.to
                if url in silent:
                    self._put_off(one, silent[url])
                    continue
                try:
                    sent += self._try(one, partial(self._hook, client, one, url, url in allowed, origin))
                except Undelivered as failed:
                    silent[url] = failed
        return sent

    def _hook(self, client: httpx.Client, one: "_Due", url: str, allowed: bool, origin: str) -> None:
        if not allowed:
            raise Undelivered("the site's profile names this webhook no more", final=True)
        body, signature = seal_notice(origin, self._payload(one), self._key())
        channels.post_notice(client, url, body, signature)

    def _payload(self, one: "_Due") -> dict[str, object]:
        told = one.body
        return {
            "notice": told.notice,
            "index": one.index,
            "subject": told.subject.value,
            "title": notice_text.title(told),
            "about": told.about,
            "accounts": [way.to for way in told.deliveries if way.channel is Channel.PAGE],
            "places": {place.name: place.value for place in told.places},
            "told_at": utc_text(one.told_us),
            "sent_at": utc_text(self._store.clock.now_us()),
        }

    def _try(self, one: "_Due", send: Callable[[], None]) -> int:
        """Sends, and enters what came of it; raises Undelivered where the way itself is closed for now."""
        try:
            send()
        except Undelivered as failed:
            self._put_off(one, failed)
            if failed.closed:
                raise
            return 0
        self._enter(one, NoticeState.SENT, None)
        return 1

    def _put_off(self, one: "_Due", failed: Undelivered) -> None:
        now, attempts = self._store.clock.now_us(), one.attempts + 1
        if failed.final or now - one.told_us >= GIVE_UP_US:
            self._enter(one, NoticeState.FAILED, str(failed))
            return
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = attempts
        later = now + int(_WAIT(state) * MICROSECONDS)
        values = {"attempts": attempts, "next_us": later, "error": str(failed)[:500]}
        with self._store.writing() as connection:
            insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
            connection.execute(
                insert(notice_attempt)
                .values(key=one.key, **values)
                .on_conflict_do_update(index_elements=["key"], set_=values)
            )

    def _enter(self, one: "_Due", event: NoticeState, detail: str | None) -> None:
        """Enters the end of one delivery, if it is still due."""
        entry = NoticeEntry(
            notice=one.body.notice,
            event=event,
            subject=one.body.subject,
            deliveries=(one.delivery,),
            about=one.body.about,
            attempts=one.attempts + 1,
            detail=detail,
        )

        def check(transaction: Transaction) -> None:
            if current(transaction.connection, notice, one.key) != one.index:
                raise Conflict(f"delivery {one.key} is not due any more")

        with contextlib.suppress(Conflict):
            self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))
        with self._store.writing() as connection:
            connection.execute(delete(notice_attempt).where(notice_attempt.c.key == one.key))


class _Due(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is due: told by the entry `index`, tried so often before."""

    key: str
    index: int
    told_us: int
    attempts: int
    body: NoticeEntry
    delivery: Delivery


def holders(connection: Connection, role: Role) -> list[str]:
    """The accounts that were granted a role and hold it still, wherever."""
    row = access_grant.c
    return list(
        connection.scalars(
            select(row.account)
            .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.role == role.value, row.state == "granted")
            .distinct()
            .order_by(row.account)
        )
    )


def responsible(connection: Connection) -> list[str]:
    """Who answers for access: the profile's `alert_accounts`, else every security officer."""
    return list(read_profile(connection).alert_accounts) or holders(connection, Role.SECURITY_OFFICER)


def _known(connection: Connection, ident: str) -> bool:
    row = notice.c
    found = select(row.key).where(row.log == SYSTEM_LOG, row.notice == ident).limit(1)
    return connection.scalar(found) is not None
