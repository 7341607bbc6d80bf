"""What a compromise means for what the key signed: the word of somebody independent decides, and nothing else."""

import pytest

from ledger.core.doubt import Doubt, Standing, judge
from ledger.present.doubts import doubt_sentence

DOUBT = Doubt(key="k", what="a person's key k", since_us=1_000, said="plant.example/system#9", meaning="ask again")
OWN = "plant.example/system#12"


@pytest.mark.parametrize(
    ("dated", "repudiated", "standing"),
    [
        (999, None, Standing.VALID),
        (1_000, None, Standing.DOUBTFUL),
        (1_001, None, Standing.DOUBTFUL),
        (None, None, Standing.DOUBTFUL),
        (999, OWN, Standing.DISPUTED),
        (1_000, OWN, Standing.DOUBTFUL),
        (None, OWN, Standing.DOUBTFUL),
    ],
)
def test_only_what_is_dated_before_stays_valid(dated: int | None, repudiated: str | None, standing: Standing) -> None:
    asked: list[int] = []

    def dated_by(index: int) -> int | None:
        asked.append(index)
        return dated

    judged = judge(5, DOUBT, repudiated, dated_by)
    assert judged is not None
    assert (judged.standing, judged.dated_us, asked) == (standing, dated, [5])
    words = doubt_sentence(judged)
    assert words.startswith(standing.value.capitalize())
    assert ("plant.example/system#9" in words, words.endswith("What that means: ask again")) == (True, True)


def test_a_key_that_is_not_in_doubt_dates_nothing_and_one_that_is_repudiated_is_disputed() -> None:
    def never(index: int) -> int | None:
        raise AssertionError(index)

    assert judge(5, None, None, never) is None
    judged = judge(5, None, OWN, lambda index: None)
    assert judged is not None
    assert judged.standing is Standing.DISPUTED
    assert OWN in doubt_sentence(judged)
