"""The ways out: the site's mail server, and webhooks. Whatever goes wrong there is one `Undelivered`.

Where anything goes to is said by configuration entries and accounts alone, never by what a notice is about.
"""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

import httpx

from ledger.core.clock import MICROSECONDS
from ledger.core.errors import SchemaViolation
from ledger.core.notice import HEADER
from ledger.people.profile import Mail
from ledger.people.webhook import check_webhook, is_loopback
from ledger.present.inert import one_line

TIMEOUT_S: Final = 10.0
"""How long a mail server or webhook may take for each step."""


class Undelivered(Exception):
    """It did not go out. `final`: trying again cannot help. `closed`: nothing else goes that way now either."""

    def __init__(self, what: str, *, final: bool = False, closed: bool = False) -> None:
        super().__init__(what)
        self.final = final
        self.closed = closed


def mail_message(
    *, sender: str, to: str, name: str | None, subject: str, text: str, ident: str, origin: str, now_us: int
) -> EmailMessage:
    """The message; raises Undelivered for an address that cannot be one.

    Header values are inert text of one line, and the e-mail package refuses any that would end its line: nothing that
    stands in an account or a record can add a header or an addressee. `ident` makes the same delivery bear the same
    Message-ID each time that it is tried.
    """
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address("Trailseal", addr_spec=sender)
        message["To"] = Address(one_line(name or "", 80), addr_spec=to)
        message["Subject"] = one_line(subject, 200)
    except (ValueError, IndexError) as error:
        raise Undelivered(f"it cannot be addressed: {error}", final=True) from None
    message["Date"] = format_datetime(datetime.fromtimestamp(now_us // MICROSECONDS, UTC))
    message["Message-ID"] = f"<{ident}@{origin.partition('/')[0]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


@contextlib.contextmanager
def mail_session(mail: Mail, password: str | None) -> Iterator[smtplib.SMTP]:
    """A session with the mail server; raises Undelivered if there is none to be had.

    Over TLS the server's certificate is checked against the trust store of this machine; a server that offers no TLS is
    shown neither password nor notice, unless it is on this machine and the site says `none`.
    """
    if mail.security == "none" and not is_loopback(mail.host):
        raise Undelivered("a mail server on another machine is reached over TLS alone", closed=True)
    try:
        context = ssl.create_default_context()
        if mail.security == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=TIMEOUT_S, context=context)
        else:
            session = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_S)
        with session:
            if mail.security == "starttls":
                session.starttls(context=context)
            if mail.user is not None:
                session.login(mail.user, password or "")
            yield session
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(f"the mail server: {_said(error)}", closed=True) from None


def send_mail(session: smtplib.SMTP, message: EmailMessage) -> None:
    """Hands a message to the mail server, which has it once this returns; raises Undelivered."""
    try:
        session.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        ((code, said),) = refused.recipients.values()
        final = 500 <= code < 600
        raise Undelivered(f"the mail server refuses the address: {code} {_text(said)}", final=final) from None
    except smtplib.SMTPNotSupportedError as error:
        raise Undelivered(f"the mail server: {_said(error)}", final=True) from None
    except smtplib.SMTPDataError as error:
        raise Undelivered(f"the mail server: {_said(error)}", final=error.smtp_code >= 500) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(f"the mail server: {_said(error)}", closed=True) from None


def post_notice(client: httpx.Client, url: str, body: bytes, signature: str) -> None:
    """Posts a signed notice; a 2xx answer means that the receiver has it. Raises Undelivered.

    A redirect is not followed, and of the answer nothing but its status is read.
    """
    try:
        check_webhook(url)
    except SchemaViolation as error:
        raise Undelivered(error.message, final=True) from None
    headers = {"Content-Type": "application/json", HEADER: signature}
    try:
        with client.stream("POST", url, content=body, headers=headers) as answer:
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Undelivered(f"the webhook: {_said(error)}", closed=True) from None
    if not 200 <= status < 300:
        raise Undelivered(f"the webhook answered {status}", final=status == httpx.codes.GONE, closed=status >= 500)


def webhook_client() -> httpx.Client:
    """A client that follows no redirect and heeds no proxy of the environment."""
    context = ssl.create_default_context()
    return httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False, verify=context)


def _said(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return one_line(str(error) or type(error).__name__)


def _text(said: bytes | str) -> str:
    return one_line(said.decode("utf-8", "replace") if isinstance(said, bytes) else said)
