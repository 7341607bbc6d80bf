"""The log's keys are replaced while service and agent run: both go on, and the agent believes the new ones alone."""

from pathlib import Path

import pytest

from ledger.core.enrolment import Standing
from ledger.core.errors import SignatureInvalid
from ledger.core.key_events import KeyEvent, KeyEventSort, KeyPurpose, key_statement
from ledger.new_log import NEXT_KEYS
from ledger.trust.next_keys import load_next, prepare_next
from tests.support.edge import INVITER, Plant


def test_an_agent_follows_the_rotation_of_the_logs_key(tmp_path: Path) -> None:
    with Plant(tmp_path) as plant:
        site = plant.add("edge1", ["line1"])
        site.start()
        site.files["line1"].add(20)
        plant.all_there(site)
        with plant.opened() as service:
            log, life = service.log(), service.key_life
            seed = load_next(plant.ledger / NEXT_KEYS, log.origin)
            done = life.rotate(log, seed, prepare_next(tmp_path / "after", log.origin), "due", INVITER)
            revoked = life.revoke(log, done.old, "the overlap is over", INVITER)
        site.files["line1"].add(20)
        plant.all_there(site)
        seen = site.until(lambda status: status.checkpoint > revoked + 1)
        assert not seen.trouble, seen
        site.stop()
        with plant.opened() as service:
            assert service.vkey(service.log()) == done.new
        plant.verify(restart=False)


def test_an_agent_follows_the_replacement_of_the_key_of_receipts(tmp_path: Path) -> None:
    with Plant(tmp_path) as plant:
        site = plant.add("edge1", ["line1"])
        site.start()
        site.files["line1"].add(20)
        plant.all_there(site)
        known = site.identity
        replaced = []
        for reason in ("yearly", "and again"):
            with plant.opened() as service:
                replaced.append(
                    service.key_life.seals.replace(service.record_log().log, KeyPurpose.RECEIPT, reason, INVITER)
                )
            site.files["line1"].add(20)
            plant.all_there(site)
        site.until(lambda _: site.identity.enrolled.receipt_key == replaced[1].new)
        seen = site.until(lambda status: status.delivered and not status.waiting and not status.trouble)
        assert seen.number == seen.delivered
        assert known.enrolled.receipt_key == replaced[0].old
        site.stop()
        with pytest.raises(SignatureInvalid, match="not signed by both keys"):
            known.follow(told(replaced[0].old, replaced[1].new, plant))
        assert known.enrolled.receipt_key == replaced[0].old
        plant.verify(restart=False)


def told(old: str, new: str, plant: Plant) -> Standing:
    """What somebody would tell who has the log's new key of receipts, and not the one that the agent knows."""
    with plant.opened() as service:
        log = service.record_log().log
        signer = service.keys.receipt_signer(log.name, log.origin)
        made = KeyEvent(
            event=KeyEventSort.CREATED,
            purpose=KeyPurpose.RECEIPT,
            key=new,
            replaces=old,
            reason="mine",
            authority=INVITER,
        )
        text = key_statement(log.origin, made)
        return Standing(
            agent="edge1",
            key="0" * 32,
            epoch=1,
            number=0,
            digest=None,
            sources=(),
            checkpoint=None,
            receipt_keys=(f"{text}\n{signer.sign(text).line}",),
        )
