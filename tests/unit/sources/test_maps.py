"""The dated maps answer for a moment as of a size; a correction changes today's answer and never yesterday's."""

from typing import Any

import msgspec
import pytest

from ledger.core.clock import parse_utc
from ledger.core.errors import SchemaViolation
from ledger.core.record import ActorKind
from ledger.sources.map_kinds import AssetMapped, AssetMapped2, CalendarSet, IdentityMapped, IdentityMapped2, Shift
from ledger.sources.maps import Maps
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger

pytestmark = pytest.mark.sampled

Y1, Y2, Y3 = (f"202{year}-01-01T00:00:00.000000Z" for year in (4, 5, 6))


def identity(person: str | None, since: str, until: str | None = None, account: str = "op1") -> IdentityMapped:
    return IdentityMapped(
        source="dcs",
        account=account,
        person=person,
        kind=ActorKind.PERSON,
        valid_from=since,
        valid_to=until,
        reason="list of accounts",
        authority=AUTHORITY,
    )


def asset(tag: str, unit: str, since: str) -> AssetMapped:
    return AssetMapped(
        source="dcs",
        tag=tag,
        site="S1",
        area="A1",
        line=None,
        unit=unit,
        equipment=unit,
        description="temperature",
        gxp=True,
        valid_from=since,
        valid_to=None,
        reason="drawing 7",
        authority=AUTHORITY,
    )


def shared(person: str | None, since: str) -> IdentityMapped2:
    return IdentityMapped2(shared=True, **msgspec.structs.asdict(identity(person, since)))


def us(text: str) -> int:
    return parse_utc(text)


def test_an_account_is_whose_it_was_at_that_time(ledger: Ledger) -> None:
    maps = Maps(ledger.store, RECORDS)
    maps.put([identity("P-1", Y1, Y2), identity("P-2", Y2), identity("P-9", Y1, account="op9")])
    people = [maps.person("dcs", "op1", us(at)) for at in (Y1, Y2, Y3)]
    assert [one.person for one in people if one] == ["P-1", "P-2", "P-2"]
    assert maps.person("dcs", "op1", us(Y1) - 1) is None
    assert maps.person("erp", "op1", us(Y1)) is None
    assert [one.account for one in maps.identities()] == ["op1", "op1", "op9"]
    maps.put([identity(None, Y3)])
    gone = maps.person("dcs", "op1", us(Y3))
    assert gone is not None
    assert gone.person is None, "said to be nobody's, which is not the same as not said"


@pytest.mark.requirement("R07")
def test_a_correction_answers_from_now_on_and_an_earlier_size_as_before(ledger: Ledger) -> None:
    maps = Maps(ledger.store, RECORDS)
    (first,) = maps.put([identity("P-1", Y1)])
    (second,) = maps.put([identity("P-7", Y1)])
    now, then = maps.person("dcs", "op1", us(Y2)), maps.person("dcs", "op1", us(Y2), size=second)
    assert (now and now.person, now and now.entry) == ("P-7", second)
    assert (then and then.person, then and then.entry) == ("P-1", first)
    assert [one.person for one in maps.identities(size=second)] == ["P-1"]
    assert maps.identities(size=first) == []


def test_a_tag_stands_where_it_stood(ledger: Ledger) -> None:
    maps = Maps(ledger.store, RECORDS)
    maps.put([asset("TIC101", "R-1", Y1), asset("TIC101", "R-2", Y2), asset("TIC102", "R-1", Y1)])
    places = [maps.place("dcs", "TIC101", us(at)) for at in (Y1, Y2)]
    assert [one.unit for one in places if one] == ["R-1", "R-2"]
    assert [(one.tag, one.unit, one.gxp) for one in maps.assets("dcs")] == [
        ("TIC101", "R-1", True),
        ("TIC101", "R-2", True),
        ("TIC102", "R-1", True),
    ]


def test_an_asset_has_a_class_and_is_critical_once_somebody_says_so(ledger: Ledger) -> None:
    maps = Maps(ledger.store, RECORDS)
    (first,) = maps.put([asset("TIC101", "R-1", Y1)])
    said = AssetMapped2(asset_class="reactor", critical=True, **msgspec.structs.asdict(asset("TIC101", "R-1", Y1)))
    maps.put([said])
    now, then = maps.place("dcs", "TIC101", us(Y2)), maps.place("dcs", "TIC101", us(Y2), size=first + 1)
    assert (now and now.asset_class, now and now.critical) == ("reactor", True)
    assert (then and then.asset_class, then and then.critical) == (None, False)


@pytest.mark.requirement("R61")
def test_a_shared_account_is_nobody_s(ledger: Ledger) -> None:
    maps = Maps(ledger.store, RECORDS)
    maps.put([identity("P-1", Y1), shared(None, Y2)])
    before, now = (maps.person("dcs", "op1", us(at)) for at in (Y1, Y2))
    assert (before and before.person, before and before.shared) == ("P-1", False)
    assert (now and now.person, now and now.shared) == (None, True)


@pytest.mark.requirement("R61")
def test_a_shared_account_that_names_persons_is_refused(sqlite_ledger: Ledger) -> None:
    maps = Maps(sqlite_ledger.store, RECORDS)
    with pytest.raises(SchemaViolation, match="'op1' of 'dcs' is shared, and given to 'P-1'"):
        maps.put([shared(None, Y3), shared("P-1", Y1), shared("P-2", Y2)])
    assert maps.identities() == []


def calendar(**members: Any) -> CalendarSet:
    usual: dict[str, Any] = {
        "calendar": "site",
        "zone": "Europe/Berlin",
        "shifts": (
            Shift(name="early", days=(1, 2, 3, 4, 5), start="06:00", end="14:00"),
            Shift(name="night", days=(1, 2, 3, 4, 5), start="22:00", end="06:00"),
        ),
        "closed": ("2026-05-01",),
        "valid_from": Y1,
        "valid_to": None,
        "reason": "agreement",
        "authority": AUTHORITY,
    }
    return CalendarSet(**(usual | members))


@pytest.mark.parametrize(
    ("at", "shift", "began"),
    [
        ("2026-11-25T05:00:00.000000Z", "early", "2026-11-25T05:00:00.000000Z"),
        ("2026-11-25T12:59:59.999999Z", "early", "2026-11-25T05:00:00.000000Z"),
        ("2026-11-25T13:00:00.000000Z", None, None),
        ("2026-11-26T04:59:59.000000Z", "night", "2026-11-25T21:00:00.000000Z"),
        ("2026-11-28T04:00:00.000000Z", "night", "2026-11-27T21:00:00.000000Z"),  # Friday's night, on Saturday
        ("2026-11-29T04:00:00.000000Z", None, None),
        ("2026-05-01T06:00:00.000000Z", None, None),  # closed
        ("2026-05-01T03:00:00.000000Z", "night", "2026-04-30T20:00:00.000000Z"),  # the night before ends in it
        ("2026-07-01T04:00:00.000000Z", "early", "2026-07-01T04:00:00.000000Z"),  # summer time
    ],
)
def test_the_shift_of_a_moment_is_that_of_the_site_s_clock(
    sqlite_ledger: Ledger, at: str, shift: str | None, began: str | None
) -> None:
    maps = Maps(sqlite_ledger.store, RECORDS)
    maps.put([calendar()])
    worked = maps.shift("site", us(at))
    assert (worked and worked.shift, worked and worked.began) == (shift, began)


@pytest.mark.parametrize(
    "bad",
    [
        identity("P-1", Y2, Y1),
        identity("", Y1),
        calendar(zone="Europe"),
        calendar(closed=("2026-02-30",)),
        calendar(shifts=(Shift(name="x", days=(8,), start="06:00", end="14:00"),)),
        calendar(shifts=(Shift(name="x", days=(1,), start="24:00", end="14:00"),)),
    ],
)
def test_a_map_that_cannot_be_is_refused_before_anything_is_stored(sqlite_ledger: Ledger, bad: Any) -> None:
    maps = Maps(sqlite_ledger.store, RECORDS)
    with pytest.raises(SchemaViolation):
        maps.put([identity("P-1", Y1), bad])
    assert maps.identities() == []
