"""What the site says of its systems, people and places stands on the pages, as it is said now and as it was then."""

from ledger.core.record import ActorKind
from ledger.present.states import State
from ledger.sources.map_kinds import IdentityMapped
from ledger.store.position import pos_of
from ledger.web.render import page
from ledger.web.views.home import HomeView, home_view
from tests.browser.site import OPEN, SINCE, describe
from tests.unit.web.conftest import World
from tests.unit.web.test_views import entry


def test_home_counts_the_systems_of_the_site_and_names_those_that_are_open(world: World) -> None:
    view: HomeView = world.view(home_view)
    (status,) = view.inventory
    assert (status.total, status.state, status.open_systems) == (0, State.UNKNOWN, ())
    describe(world.service, world.service.people.local("tester"))
    view = world.view(home_view)
    (status,) = view.inventory
    assert status.sentence == "4 in the inventory: 2 connected, 1 reviewed elsewhere, 1 open."
    assert (status.state, status.open_systems) == (State.UNKNOWN, (OPEN,))


def test_home_offers_the_card_of_each_log_s_last_checkpoint(world: World) -> None:
    view: HomeView = world.view(home_view)
    shown = page("home.html", view=view, place="home", viewer="x").content
    sizes = {one.log.name: one.checkpoint.shown.size for one in view.logs if one.checkpoint is not None}
    assert sizes
    for name, size in sizes.items():
        assert f'href="/api/v1/logs/{name}/card?size={size}" download' in shown


def test_an_inventory_that_was_altered_does_not_hold_at_home_and_the_page_still_stands(world: World) -> None:
    with world.service.store.reader(1) as reader:
        first = reader.head().size
    describe(world.service, world.service.people.local("tester"))
    world.tamper("UPDATE body SET body = :body WHERE pos = :pos", body=b"{}", pos=pos_of(1, first))
    view: HomeView = world.view(home_view)
    (status,) = view.inventory
    assert status.state is State.FAILS
    assert status.sentence
    shown = page("home.html", view=view, place="home", viewer="x").content
    assert "does not hold" in shown[shown.index('id="inventory"') :]


def facts(world: World, index: int) -> dict[str, str]:
    record = entry(world, index).record
    assert record is not None
    return {
        fact.key: fact.value for fact in (*record.who, *record.what) if fact.key.endswith(("person", "place", "then"))
    }


def test_an_entry_names_person_and_place_by_the_maps_now_and_then(world: World) -> None:
    assert facts(world, 20) == {}
    maps, authority = world.service.record_log().maps, world.service.people.local("tester")
    describe(world.service, authority)
    with world.service.store.reader(1) as reader:
        size = reader.head().size
        said = next(one.index for one in reader.entries(0, size) if b'"kind":"identity"' in one.leaf)
    assert facts(world, 20) == {
        "who.person": f"P-1042 (entry {said})",
        "who.person.then": "no map said",
        "what.place": f"Site A / Synthesis / Line 2 / REACTOR-1, jacket temperature (entry {said + 1})",
        "what.place.then": "no map said",
    }
    left = IdentityMapped(
        source="dcs",
        account="operator1",
        person=None,
        kind=ActorKind.PERSON,
        valid_from=SINCE,
        valid_to=None,
        reason="never existed",
        authority=authority,
    )
    maps.put([left])
    assert facts(world, 20)["who.person"] == f"nobody’s (entry {size})"
    assert facts(world, 250) == {}, "another source"
