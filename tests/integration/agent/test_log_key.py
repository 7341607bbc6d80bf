"""The log's key is replaced while service and agent run: both go on, and the agent believes the new key alone."""

from pathlib import Path

from ledger.service import NEXT_KEYS
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
