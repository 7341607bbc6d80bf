"""An agent in a process of its own hands over to a serving ledger, over TLS with certificates on both sides."""

import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from ledger.agents.tables import agent_heard
from ledger.api.agents import invite
from ledger.core.enrolment import SERVER_NAME
from ledger.core.source import SourceConfig
from ledger.trust.signer_process import SOCKET
from tests.cli.terminal import trailseal
from tests.support.edge import CONFIRMER, INVITER, Plant


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with Plant(tmp_path_factory.mktemp("plant")) as made:
        yield made


def test_everything_arrives_once_and_in_order_through_restarts_of_both_and_the_spool_is_emptied(plant: Plant) -> None:
    site = plant.add("edge1", ["line1", "line2"])
    for file in site.files.values():
        file.add(1200)
    site.start()
    plant.all_there(site)
    plant.kill()
    for file in site.files.values():
        file.add(700)
    waits = site.until(lambda status: status.waiting and status.trouble)
    assert "did not answer" in waits.trouble
    answer = trailseal("agent", "status", site.folder)
    assert (answer.code, "▲" in answer.out) == (1, True)
    site.stop()
    site.start()
    plant.start()
    plant.all_there(site)
    # A look that finds nothing new is a run as well, so there is always one on its way.
    done = site.until(lambda status: status.waiting <= 4 and status.kept <= 8 and not status.trouble)
    assert done.delivered > done.kept
    assert done.clock is not None
    assert abs(done.clock.offset_us) <= done.clock.uncertainty_us
    headers = plant.deliveries("edge1")
    assert [header["number"] for header in headers] == list(range(1, len(headers) + 1))
    assert trailseal("agent", "status", site.folder).code == 0
    plant.verify()
    site.stop()


def test_an_agent_that_nobody_confirmed_waits_and_a_revoked_one_is_refused(plant: Plant) -> None:
    site = plant.add("edge2", ["line3"])
    site.files["line3"].add(10)
    site.start()
    plant.all_there(site)
    with plant.opened() as service:
        service.agents.revoke("edge2", "for the test", CONFIRMER)
    site.files["line3"].add(10)
    refused = site.until(lambda status: status.waiting and "not in use" in status.trouble)
    assert refused.waiting
    assert plant.numbers("line3") == list(range(10))
    site.stop()


def test_a_restored_spool_stops_until_a_person_approves_a_new_epoch(plant: Plant) -> None:
    site = plant.add("edge3", ["line4"])
    file = site.files["line4"]
    file.add(50)
    site.start()
    plant.all_there(site)
    site.stop()
    copy = {path.name: path.read_bytes() for path in site.folder.glob("spool.sqlite*")}
    site.start()
    file.add(50)
    plant.all_there(site)
    site.stop()
    for path in site.folder.glob("spool.sqlite*"):
        path.unlink()
    for name, data in copy.items():
        (site.folder / name).write_bytes(data)
    file.add(50)
    site.start()
    halted = site.until(lambda status: status.halted)
    assert "restored" in halted.halted
    assert plant.numbers("line4") == list(range(100))
    with plant.opened() as service:
        service.agents.approve_epoch("edge3", "the disk was restored", CONFIRMER)
    plant.all_there(site)
    assert site.until(lambda status: not status.halted).epoch == 2
    plant.verify()
    site.stop()


def test_the_port_for_deliveries_hears_nobody_without_a_certificate_and_that_for_enrolment_only_enrols(
    plant: Plant,
) -> None:
    authority = plant.ledger / "keys" / "agents-ca.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    with httpx.Client(verify=context, trust_env=False) as http:

        def ask(port: int | None, path: str) -> httpx.Response:
            url = f"https://127.0.0.1:{port}/api/v1/{path}"
            return http.get(url, extensions={"sni_hostname": SERVER_NAME})

        with pytest.raises(httpx.TransportError):
            ask(plant.ports.port, "agents/edge1/last")
        assert ask(plant.ports.enrol_port, "agents/authority").status_code == 200
        assert ask(plant.ports.enrol_port, "agents/edge1/last").status_code == 404
        assert ask(plant.ports.enrol_port, "health").status_code == 404


def test_an_agent_reads_nothing_in_the_name_of_another(plant: Plant) -> None:
    one, other = plant.add("edge4", ["line5"]), plant.add("edge5", ["line6"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(one.identity.authority_file)
    context.load_cert_chain(one.identity.tls_file)
    with httpx.Client(verify=context, trust_env=False) as http:

        def ask(path: str) -> int:
            url = f"https://127.0.0.1:{plant.ports.port}/api/v1/agents/{path}"
            return http.get(url, extensions={"sni_hostname": SERVER_NAME}).status_code

        assert ask(f"{one.name}/last") == 200
        assert ask(f"{one.name}/sources/line5") == 200
        assert ask(f"{one.name}/sources/line6") == 403
        assert ask(f"{other.name}/last") == 403
        assert ask(f"{other.name}/sources/line6") == 403
        with plant.opened() as service:
            with service.store.reading() as connection:
                heard = set(connection.scalars(select(agent_heard.c.agent)))
            assert one.name in heard, "an agent that only looks where it stands is alive"
            assert other.name not in heard, "nobody is heard by another's voice"
            service.agents.revoke(one.name, "for the test", CONFIRMER)
        assert ask(f"{one.name}/last") == 403


def test_the_commands_at_the_ledger_list_and_keep_two_people_apart(plant: Plant, tmp_path: Path) -> None:
    ledger = ("--ledger", plant.ledger)
    invited = trailseal("agent", "invite", "edge9", "--source", "line1", "--json", *ledger).json()
    again = trailseal(
        "agent",
        "enrol",
        tmp_path / "edge9",
        "--server",
        f"https://127.0.0.1:{plant.ports.port}",
        "--enrol-server",
        f"https://127.0.0.1:{plant.ports.enrol_port}",
        "--code",
        invited["code"],
    )
    assert again.code == 0, again.err
    shown = trailseal("agent", "show", tmp_path / "edge9", "--json").json()["fingerprint"]
    assert shown in again.out
    refused = trailseal("agent", "confirm", "edge9", "--fingerprint", shown, *ledger)
    assert (refused.code, "Somebody else" in refused.err) == (1, True)
    listed = trailseal("agent", "list", *ledger).out
    assert "edge9" in listed
    assert "enrolled" in listed
    assert trailseal("agent", "revoke", "edge9", *ledger).code == 0
    assert trailseal("agent", "approve-epoch", "edge9", *ledger).code == 1


def test_a_server_that_is_not_the_codes_is_not_shown_the_code(plant: Plant, tmp_path: Path) -> None:
    with Plant(tmp_path / "other") as other:
        with other.opened() as service:
            service.sources.register(SourceConfig(id="a", type="push", title="a"), INVITER)
            code = invite(service, "edge1", ("a",), None, "for the test", INVITER, None).code
        answer = trailseal(
            "agent",
            "enrol",
            tmp_path / "edge1",
            "--server",
            "https://127.0.0.1:1",
            "--enrol-server",
            f"https://127.0.0.1:{plant.ports.enrol_port}",
            "--code",
            code,
        )
        assert (answer.code, "not the ledger that gave this code" in answer.err) == (1, True)
        assert not (tmp_path / "edge1").exists()
        with other.opened() as service:
            assert service.agents.list()[0].state.value == "invited"


def test_what_a_ledger_lost_that_was_restored_from_a_backup_is_sent_again(tmp_path: Path) -> None:
    with Plant(tmp_path, checkpoint_seconds=600) as plant:
        site = plant.add("edge1", ["line1"])
        file = site.files["line1"]
        file.add(60)
        site.start()
        plant.all_there(site)
        site.stop()
        plant.kill()
        shutil.copytree(plant.ledger, tmp_path / "backup", ignore=shutil.ignore_patterns(SOCKET))
        plant.start()
        site.start()
        file.add(60)
        plant.all_there(site)
        plant.kill()
        shutil.rmtree(plant.ledger)
        shutil.copytree(tmp_path / "backup", plant.ledger)
        assert plant.numbers("line1") == list(range(60))
        plant.start()
        plant.all_there(site)
        site.stop()
        plant.verify()


def test_a_source_that_is_not_the_agents_is_told_and_holds_no_other_up(plant: Plant) -> None:
    site = plant.add("edge6", ["line7"])
    stray = '[[source]]\nid = "line1"\ntype = "tail"\noptions = { path = "nowhere" }\nmapping = "numbered.toml"\n'
    with (site.folder / "agent.toml").open("a") as config:
        config.write(stray)
    site.files["line7"].add(10)
    site.start()
    plant.all_there(site)
    assert "line1" in site.until(lambda status: status.trouble).trouble
    site.stop()
