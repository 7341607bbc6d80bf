"""Where each way of each notice stands."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.people import notice_tables as t
from ledger.people.notice_kinds import Channel, Delivery, NoticeEntry


def delivery_key(notice: str, delivery: Delivery) -> str:
    """The key of one way of a notice."""
    return f"{notice}/{delivery.channel.value}/{delivery.to}"


class NoticeProjector:
    """One row for each way of a notice, since its last change."""

    name = "notice"
    version = 1
    kinds = frozenset({"notice"})
    table = t.notice.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: NoticeEntry = entry.body
        for one in body.deliveries:
            account = "" if one.channel is Channel.WEBHOOK else one.to
            yield Valid(delivery_key(body.notice, one), (body.notice, account, one.channel.value, body.event.value))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """The projector of notices."""
    return (NoticeProjector(),)
