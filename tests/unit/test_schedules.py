"""Which jobs come again and again."""

from ledger.server import SCHEDULES, schedules
from ledger.service import RULES
from ledger.settings import Settings


def test_a_schedule_runs_the_rules_only_where_the_site_sets_one() -> None:
    assert schedules(Settings(origin="plant.example/a")) == SCHEDULES
    assert RULES not in {one.sort for one in SCHEDULES}
    (added,) = set(schedules(Settings(origin="plant.example/a", rules_minutes=60))) - set(SCHEDULES)
    assert (added.sort, added.every_s, added.parameters) == (RULES, 3600, "{}")
