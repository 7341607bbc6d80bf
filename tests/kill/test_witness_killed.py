"""A witness is killed between and amid requests: it never cosigns two roots of a size, nor a smaller tree."""

from pathlib import Path

from tests.kill.witnessing import run


def test_a_killed_witness_stands_by_what_it_cosigned(tmp_path: Path) -> None:
    campaign = run(kills=2, seed=20261129, folder=tmp_path)
    assert campaign.cosigned
    assert campaign.refused
    assert campaign.end() == 0
