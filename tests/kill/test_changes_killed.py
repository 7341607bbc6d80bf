"""A process that brings a change of ten thousand rows into effect is killed: all of it is there, or nothing."""

import multiprocessing
import random
from pathlib import Path

import pytest

from ledger.core.authority import Authority
from ledger.core.change import ChangeState
from ledger.service import Service
from tests.api.world import MovableClock
from tests.support.changing import ENGINEER, Desk, account
from tests.support.founded import founded
from tests.support.ledgers import LIGHT
from tests.support.seeds import SEED

ROWS, KILLS = 10_000, 1
BY = Authority(actor="local:tester", authenticated=False)


def opened(folder: Path, ahead_us: int) -> Service:
    clock = MovableClock()
    clock.ahead_us = ahead_us
    return Service(folder, clock, effort=LIGHT)


def bring(folder: Path, ahead_us: int, change: str, signature: str) -> None:
    service = opened(folder, ahead_us)
    service.quality.effects.bring(service.log("records"), change, signature, "signed", BY)
    service.close()


def standing(service: Service, change: str) -> tuple[ChangeState | None, int]:
    """How the change stands, and how many rows of the map there are; the log verifies."""
    found = service.quality.proposals.get(service.log("records"), change)
    report = service.verifier.run(service.log("records"), levels=(1,))
    assert report.holds, report.summary
    return found.change.state, len(service.record_log().maps.identities("erp"))


@pytest.mark.requirement("R14", "R37")
def test_a_change_is_in_effect_whole_or_not_at_all_wherever_its_process_is_killed(tmp_path: Path) -> None:
    desk = Desk(founded(tmp_path / "ledger", ENGINEER))
    proposed = desk.propose(*(account(f"many{one}", f"P-{one}") for one in range(ROWS)))
    signature, ahead_us = desk.sign(proposed), desk.plant.clock.ahead_us
    desk.plant.close()
    chance, seen = random.Random(SEED), []
    for attempt in range(KILLS + 1):
        arguments = (tmp_path / "ledger", ahead_us, proposed.change, signature)
        process = multiprocessing.get_context("spawn").Process(target=bring, args=arguments)
        process.start()
        process.join(None if attempt == KILLS else chance.uniform(1.5, 8.0))
        process.kill()
        process.join()
        service = opened(tmp_path / "ledger", ahead_us)
        seen.append(standing(service, proposed.change))
        service.close()
        if seen[-1][0] is ChangeState.EFFECTIVE:
            break
    assert set(seen) <= {(ChangeState.PROPOSED, 0), (ChangeState.EFFECTIVE, ROWS)}
    assert seen[-1] == (ChangeState.EFFECTIVE, ROWS)
