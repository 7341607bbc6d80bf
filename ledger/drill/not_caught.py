"""What no verification catches: each is mounted too, and seen not to be caught. An inspector should know them."""

from collections.abc import Sequence
from contextlib import closing

import msgspec

from ledger.core.clock import utc_text
from ledger.core.record import Submission
from ledger.core.run import RunBatch
from ledger.demo_staff import QUALITY, Member
from ledger.drill.attack import Attack, Target
from ledger.drill.on_logs import anew
from ledger.drill.plant import SOURCE, Trust, open_ledger
from ledger.people.totp import STEP_S
from ledger.signing.signatures import Asked


def _lie(target: Target) -> Sequence[int] | None:
    _submit(target, "lie", publish=True)
    return None


def _tail(target: Target) -> Sequence[int] | None:
    """Adds a record that no witness sees, and takes it away again, with whatever remembers it here."""
    _submit(target, "unseen", publish=False)
    target.replace(target.prepared.folder)
    return None


def _captured(target: Target) -> Sequence[int] | None:
    with closing(open_ledger(target.folder, target.prepared.clock)) as service:
        thief = Member(service, QUALITY, lambda: target.prepared.clock.pass_over(STEP_S))
        thief.know(target.prepared.secrets[QUALITY])
        target.prepared.clock.pass_over(4 * STEP_S)  # each of the device's codes is good once
        thief.sign_in()
        asked = Asked(
            log=service.log().name,
            entries=(target.victim,),
            action="record",
            meaning="approved",
            reason="routine",
            name="drill",
        )
        thief.sign(asked)
        Trust(service, target.outside).publisher.publish_all()
    return None


def _one_hand(target: Target) -> Sequence[int] | None:
    anew(target, asks=True)
    return None


def _submit(target: Target, name: str, *, publish: bool) -> None:
    with closing(open_ledger(target.folder, target.prepared.clock)) as service:
        now = utc_text(service.clock.now_us())
        record = msgspec.structs.replace(target.prepared.records[0], source_record_id=name, reason="not what happened")
        batch = RunBatch(
            source=SOURCE,
            submissions=(Submission(record=record, received_at=now),),
            started_at=now,
            ended_at=now,
            cursor_from=service.ingest.state(SOURCE).cursor,
            cursor_to=name,
        )
        service.ingest.submit(batch, service.people.local("drill"))
        if publish:
            Trust(service, target.outside).publisher.publish_all()


ATTACKS = (
    Attack(
        name="lie",
        attacker="administers a source",
        does="has the source tell what did not happen",
        level=None,
        run=_lie,
        why="what Trailseal proves is integrity since receipt: see the exposure of the source",
    ),
    Attack(
        name="tail",
        attacker="has the database, the log's key and the whole machine",
        does="takes away what was logged after the last witnessed checkpoint",
        level=None,
        run=_tail,
        why="nobody outside has seen it: keep the time between checkpoints, and the limit on it, short",
    ),
    Attack(
        name="secret",
        attacker="controls the running server",
        does="captures a person's components and signs with them",
        level=None,
        run=_captured,
        why="by all that can be verified it is that person's signature; passkeys keep the secret from the server",
    ),
    Attack(
        name="one-hand",
        attacker="has the log's key and the keys of a quorum of its witnesses",
        does="writes another past, and has it cosigned",
        level=None,
        run=_one_hand,
        why="witnesses help as far as others run them: doctor and home page name what they share with the log",
    ),
)
