"""Notices in the ledger that is attacked: some still due, some sent, some failed."""

import msgspec

from ledger.core.entry import draft
from ledger.people.notice_kinds import Channel, Delivery, NoticeEntry, NoticeState, Place, Subject
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import Ledger


def notices(ledger: Ledger, number: int) -> None:
    """A notice of this round by three ways, of which two come to an end."""
    account = f"reviewer{number}"
    mail = Delivery(channel=Channel.EMAIL, to=account)
    hook = Delivery(channel=Channel.WEBHOOK, to=f"https://plant.example/{number}")
    told = NoticeEntry(
        notice=f"notice-{number}",
        event=NoticeState.TOLD,
        subject=(Subject.TASK_DUE, Subject.TASK_OVERDUE)[number % 2],
        deliveries=(Delivery(channel=Channel.PAGE, to=account), mail, hook),
        about=f"plant.example/ledger/system#{number}",
        places=(Place(name="due", value="today"), Place(name="title", value=f"Task {number}")),
    )
    ended = msgspec.structs.replace(told, places=(), attempts=number + 1)
    for body in (
        told,
        msgspec.structs.replace(ended, event=NoticeState.SENT, deliveries=(mail,)),
        msgspec.structs.replace(ended, event=NoticeState.FAILED, deliveries=(hook,), detail=f"failure {number}"),
    )[: 2 + number % 2]:
        ledger.store.append_one(SYSTEM_LOG, draft(body))
