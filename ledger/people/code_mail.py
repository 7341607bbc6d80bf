"""A one-time code by mail: it goes to its person's address, and to nobody else; whoever issues it never sees it.

The mail server is asked before anything is entered; what it does not take once the code stands is taken back.
"""

import contextlib
from collections.abc import Callable, Iterator

from ledger.core.errors import Conflict, NotFound
from ledger.people import channels
from ledger.people.channels import Undelivered
from ledger.people.contact import read_contact
from ledger.people.credentials import view
from ledger.people.profile import read_profile
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.store.store import Store

Send = Callable[[str, str, int], None]
"""Sends a code, with its end (`utc_text`) and its entry in the system log; raises Undelivered."""


class CodeMail:
    """Safe to use from any number of threads. `password`: what the mail server is shown."""

    def __init__(self, store: Store, password: Callable[[], str | None]) -> None:
        self._store = store
        self._password = password

    @contextlib.contextmanager
    def opened(self, account: str) -> Iterator[Send]:
        """A session with the mail server, to send one code to this account's person.

        Raises NotFound for an account that is not active, Conflict where the person has no address, the site no mail
        server, or the server does not answer.
        """
        with self._store.reading() as connection:
            contact = read_contact(self._store, connection, account)
            profile, origin = read_profile(connection), view(connection).origin
        if contact is None:
            raise NotFound(f"there is no active account {account!r}")
        to, mail = contact.email, profile.mail
        if to is None:
            raise Conflict(
                f"account {account!r} has no e-mail address",
                advice="Enter one, or have the code shown and hand it over.",
            )
        if mail is None:
            raise Conflict(
                "the site has no mail server",
                advice="Set `mail` in the profile, or have the code shown and hand it over.",
            )

        def send(code: str, expires_at: str, index: int) -> None:
            words = {"account": one_line(account), "code": code, "until": expires_at, "origin": one_line(origin)}
            lines = [message("code-mail.text", **words), "", code, "", message("code-mail.use", **words)]
            if profile.address:
                lines += [message("code-mail.where", address=f"{profile.address.rstrip('/')}/enrol")]
            sent = channels.mail_message(
                sender=mail.sender,
                to=to,
                name=contact.name,
                subject=message("code-mail.subject", **words),
                text="\n".join([*lines, message("code-mail.end", **words), ""]),
                ident=f"{index}.code",
                origin=origin,
                now_us=self._store.clock.now_us(),
            )
            channels.send_mail(session, sent)

        stack = contextlib.ExitStack()
        try:
            session = stack.enter_context(channels.mail_session(mail, self._password()))
        except Undelivered as failed:
            raise Conflict(
                f"the code was not issued: {failed}", advice="Try again, or have the code shown and hand it over."
            ) from None
        try:
            yield send
        finally:
            # What the server says to a farewell changes nothing of what it took.
            with contextlib.suppress(Undelivered):
                stack.close()
