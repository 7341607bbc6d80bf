"""The site's profile: each item an entry, with the value before it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.people.person_kinds import ProfileEntry
from ledger.people.profile import ITEMS, Profile, Profiles
from tests.api.world import World


def test_what_was_never_set_has_the_strict_default(world: World) -> None:
    assert Profiles(world.service.store).now() == Profile()


def test_an_item_is_set_with_old_value_and_reason(world: World) -> None:
    profiles = Profiles(world.service.store)
    index = profiles.set("idle_minutes", 10, "open-plan control room", world.root)
    assert profiles.now().idle_minutes == 10
    again = profiles.set("idle_minutes", 20, "too short", world.root)
    with world.service.store.reader(0) as reader:
        first, second = (
            world.service.store.kinds["configuration"].decode(reader.entry(at).body or b"") for at in (index, again)
        )
    assert isinstance(first, ProfileEntry)
    assert isinstance(second, ProfileEntry)
    assert (first.value, first.old, second.value, second.old) == ("10", "15", "20", "10")


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("idle_minutes", 0),
        ("idle_minutes", "ten"),
        ("failures_before_lock", 1_000),
        ("password_length", 8),
        ("second_factor", "never"),
    ],
)
def test_a_value_that_an_item_cannot_have_is_refused(world: World, item: str, value: object) -> None:
    with pytest.raises(SchemaViolation, match=item):
        Profiles(world.service.store).set(item, value, "why", world.root)


def test_an_item_that_there_is_not_is_named_with_those_that_are(world: World) -> None:
    with pytest.raises(NotFound) as caught:
        Profiles(world.service.store).set("colour", "blue", "why", world.root)
    assert all(item in caught.value.advice for item in ITEMS)


def test_of_changes_at_once_each_names_the_value_that_it_replaced(world: World) -> None:
    profiles = Profiles(world.service.store)

    def change(minutes: int) -> int | None:
        try:
            return profiles.set("idle_minutes", minutes, "why", world.root)
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        indices = sorted(index for index in pool.map(change, range(20, 28)) if index is not None)
    assert indices
    value = "15"
    with world.service.store.reader(0) as reader:
        for index in indices:
            entry = world.service.store.kinds["configuration"].decode(reader.entry(index).body or b"")
            assert isinstance(entry, ProfileEntry)
            assert entry.old == value
            value = entry.value
    assert str(profiles.now().idle_minutes) == value
