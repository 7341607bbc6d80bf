"""What a notice says, in the words of the catalogue: one line of subject, and a text. Nothing in a place can act."""

from ledger.core.errors import SchemaViolation
from ledger.people.notice_kinds import NoticeEntry, Place, Subject
from ledger.present.inert import one_line
from ledger.present.messages import message, parts


def check_places(subject: Subject, places: dict[str, str]) -> tuple[Place, ...]:
    """The places of a notice; raises SchemaViolation unless they are those that its texts have."""
    wanted = {
        name for key in (f"notice.{subject.value}", f"notice.text.{subject.value}") for _, name in parts(key) if name
    }
    if wanted != places.keys():
        raise SchemaViolation(f"a notice of {subject.value} has places {sorted(wanted)}, not {sorted(places)}")
    return tuple(Place(name=name, value=value) for name, value in sorted(places.items()))


def title(body: NoticeEntry) -> str:
    """What the notice is about, in one line."""
    return message(f"notice.{body.subject.value}", **_shown(body))


def text(body: NoticeEntry) -> str:
    """What the notice says, in a sentence or two of one line."""
    return message(f"notice.text.{body.subject.value}", **_shown(body))


def mail_text(body: NoticeEntry, origin: str, address: str) -> str:
    """The whole text of an e-mail: what the notice says, the entry that it is about, and where to look."""
    lines = [text(body), ""]
    if body.about is not None:
        lines += [message("notice.mail.about", address=one_line(body.about))]
    if address:
        lines += [message("notice.mail.look", address=one_line(address))]
    return "\n".join([*lines, message("notice.mail.end", origin=one_line(origin)), ""])


def _shown(body: NoticeEntry) -> dict[str, str]:
    return {place.name: one_line(place.value) for place in body.places}
