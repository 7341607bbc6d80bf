"""An agent hands over through a real mosquitto, TLS and certificates on both sides, which nobody has to trust."""

from ledger.core.key_events import KeyPurpose
from tests.cli.terminal import trailseal
from tests.support.edge import CONFIRMER, Plant, Site
from tests.support.zone_broker import ZoneBroker


def add(plant: Plant, broker: ZoneBroker, name: str, sources: list[str]) -> Site:
    site = plant.add(name, sources)
    broker.use(site)
    return site


def in_order(plant: Plant, name: str) -> None:
    numbers = [header["number"] for header in plant.deliveries(name)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_everything_arrives_once_and_in_order_through_stops_of_agent_ledger_and_broker(
    plant: Plant, broker: ZoneBroker
) -> None:
    site = add(plant, broker, "edge1", ["line1", "line2"])
    for file in site.files.values():
        file.add(1200)
    site.start()
    plant.all_there(site)
    plant.kill()
    for file in site.files.values():
        file.add(700)
    waits = site.until(lambda status: status.waiting and "no ledger listens" in status.trouble)
    assert waits.delivered
    assert trailseal("agent", "status", site.folder).code == 1
    site.stop()
    broker.stop()
    site.start()
    plant.start()
    away = site.until(lambda status: "cannot be listened to" in status.trouble)
    assert broker.url in away.trouble
    broker.start()
    plant.all_there(site)
    done = site.until(lambda status: status.waiting <= 4 and status.kept <= 8 and not status.trouble)
    assert done.clock is not None
    assert done.clock.method == "signed-answer"
    assert abs(done.clock.offset_us) <= done.clock.uncertainty_us
    in_order(plant, "edge1")
    plant.verify()
    site.stop()


def test_a_broker_that_is_killed_under_load_loses_and_doubles_nothing(plant: Plant, broker: ZoneBroker) -> None:
    site = add(plant, broker, "edge2", ["line3"])
    file = site.files["line3"]
    site.start()
    with file:
        for _ in range(5):
            before = site.status().delivered
            site.until(lambda status, before=before: status.delivered > before + 2)
            broker.kill()
            broker.start()
    plant.all_there(site)
    in_order(plant, "edge2")
    site.stop()


def test_an_agent_is_led_to_a_new_key_of_receipts_by_the_old_one(plant: Plant, broker: ZoneBroker) -> None:
    site = add(plant, broker, "edge4", ["line5"])
    site.files["line5"].add(10)
    site.start()
    plant.all_there(site)
    with plant.opened() as service:
        log = service.record_log().log
        done = service.key_life.seals.replace(log, KeyPurpose.RECEIPT, "yearly", CONFIRMER)
    site.files["line5"].add(10)
    plant.all_there(site)
    site.until(lambda _: site.identity.enrolled.receipt_key == done.new)
    site.until(lambda status: not status.waiting and not status.trouble)
    in_order(plant, "edge4")
    site.stop()


def test_a_revoked_agent_is_refused_in_words_that_the_ledger_signed(plant: Plant, broker: ZoneBroker) -> None:
    site = add(plant, broker, "edge3", ["line4"])
    site.files["line4"].add(10)
    site.start()
    plant.all_there(site)
    with plant.opened() as service:
        service.agents.revoke("edge3", "for the test", CONFIRMER)
    site.files["line4"].add(10)
    site.until(lambda status: status.waiting and "not in use" in status.trouble)
    assert plant.numbers("line4") == list(range(10))
    site.stop()
