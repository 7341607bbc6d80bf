import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_ids import standard_id
from collectors.demo.opcua_plant import TAGS, USER_RIGHTS
from collectors.demo.process import ServerProcess
from tests.integration.demo.conftest import running
from tests.integration.demo.listening import Seen, event_history, listening, signed_in, status_of_write, tag

WRITE = "Attribute/Write"
SP = "REACTOR-1.TIC101.SP"
PRESSURE = "REACTOR-1.PIC201.SP"


@pytest.fixture(scope="module")
def dcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaServer]:
    """A control system of its own: what is written here is no part of the story."""
    server = OpcUaServer(tmp_path_factory.mktemp("own-dcs"))
    with running(server):
        yield server


def test_a_write_is_audited_with_its_true_old_value_and_the_authenticated_user(dcs: OpcUaServer) -> None:
    async def scene() -> None:
        async with listening(dcs) as seen, signed_in(dcs, "operator1") as operator:
            before = await (await tag(operator, PRESSURE)).read_value()
            for value in (1.7, 1.9):
                await (await tag(operator, PRESSURE)).write_value(value)
            await seen.until(lambda seen: len(seen.of(WRITE)) == 2)
            first, second = seen.of(WRITE)
            assert (first["OldValue"], first["NewValue"]) == (before, 1.7)
            assert (second["OldValue"], second["NewValue"]) == (1.7, 1.9)
            for event in (first, second):
                assert event["ClientUserId"] == "operator1"
                assert event["SourceNode"].Identifier == PRESSURE
                assert event["AttributeId"] == 13
                assert event["Status"] is True
                assert event["ClientAuditEntryId"] == ""
                assert event["EventType"] == standard_id(ObjectIds.AuditWriteUpdateEventType)
                assert event["ActionTimeStamp"] <= event["Time"]
            assert first["EventId"] != second["EventId"]

    asyncio.run(scene())


def test_writes_of_two_people_at_once_each_carry_the_value_just_before_them(dcs: OpcUaServer) -> None:
    async def scene() -> None:
        async with (
            listening(dcs) as seen,
            signed_in(dcs, "operator1") as operator,
            signed_in(dcs, "engineer1") as engineer,
        ):
            node_o, node_e = await tag(operator, PRESSURE), await tag(engineer, PRESSURE)
            held = await node_o.read_value()
            await asyncio.gather(
                *(node_o.write_value(1.0 + step / 100) for step in range(20)),
                *(node_e.write_value(3.0 + step / 100) for step in range(20)),
            )
            await seen.until(lambda seen: len(seen.of(WRITE)) == 40)
            for event in seen.of(WRITE):
                assert event["OldValue"] == held
                held = event["NewValue"]
                assert event["ClientUserId"] == ("operator1" if held < 3.0 else "engineer1")
            assert held == await node_o.read_value()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("user", "name", "value", "code"),
    [
        ("operator1", "REACTOR-1.Recipe.SetpointTemp", 99.0, StatusCodes.BadUserAccessDenied),
        ("collector", PRESSURE, 9.0, StatusCodes.BadUserAccessDenied),
        ("engineer1", "REACTOR-1.TIC101.PV", 9.0, StatusCodes.BadUserAccessDenied),
        ("operator1", PRESSURE, "nine", StatusCodes.BadTypeMismatch),
    ],
)
def test_a_refused_write_is_audited_as_failed_and_changes_nothing(
    dcs: OpcUaServer, user: str, name: str, value: float | str, code: int
) -> None:
    async def scene() -> None:
        async with listening(dcs) as seen, signed_in(dcs, user) as client:
            before = await (await tag(client, name)).read_value()
            assert await status_of_write(client, name, value) == code
            await seen.until(lambda seen: len(seen.of(WRITE)) == 1)
            (event,) = seen.of(WRITE)
            assert event["Status"] is False
            assert (event["ClientUserId"], event["SourceNode"].Identifier) == (user, name)
            assert event["NewValue"] == value
            after = await (await tag(client, name)).read_value()
            assert after != value
            if not name.endswith(".PV"):
                assert event["OldValue"] == before == after

    asyncio.run(scene())


def test_what_the_process_itself_does_raises_no_audit_event(dcs: OpcUaServer) -> None:
    async def scene() -> None:
        async with signed_in(dcs, "operator1") as operator, listening(dcs) as seen:
            await (await tag(operator, "BUFFER-2.LIC301.SP")).write_value(90.0)
            level = await tag(operator, "BUFFER-2.LIC301.PV")
            before = await level.read_value()
            while await level.read_value() == before:  # noqa: ASYNC110 (the simulation says nothing when it moves)
                await asyncio.sleep(0.05)
            await (await tag(operator, "BUFFER-2.LIC301.SP")).write_value(50.0)
            await seen.until(lambda seen: len(seen.of(WRITE)) >= 2)
            assert {event["SourceNode"].Identifier for event in seen.of(WRITE)} == {"BUFFER-2.LIC301.SP"}

    asyncio.run(asyncio.wait_for(scene(), 15))


def test_a_refused_logon_is_audited_with_the_name_tried_and_nobody_enters_anonymously(dcs: OpcUaServer) -> None:
    async def scene() -> None:
        async with listening(dcs) as seen:
            wrong = Client(dcs.endpoint)
            wrong.set_user("engineer1")
            wrong.set_password("not-the-password")
            with pytest.raises(ua.uaerrors.BadUserAccessDenied):
                await wrong.connect()
            with pytest.raises(ua.uaerrors.BadIdentityTokenRejected):
                await Client(dcs.endpoint).connect()
            async with signed_in(dcs, "operator1"):
                pass
            await seen.until(lambda seen: len(seen.of("Session/CloseSession")) == 1)
            logons = [(event["ClientUserId"], event["Status"]) for event in seen.of("Session/ActivateSession")]
            assert logons == [("engineer1", False), ("", False), ("operator1", True)]
            assert "not-the-password" not in str(seen.events)

    asyncio.run(scene())


def test_the_alarm_is_raised_by_the_process_acknowledged_by_a_named_user_and_cleared(dcs: OpcUaServer) -> None:
    def states(seen: Seen) -> list[tuple[bool, bool]]:
        return [(event["ActiveState/Id"], event["AckedState/Id"]) for event in seen.of("REACTOR-1.TIC101")]

    async def scene() -> None:
        async with (
            listening(dcs) as seen,
            signed_in(dcs, "operator1") as operator,
            signed_in(dcs, "engineer1") as engineer,
        ):
            await (await tag(operator, SP)).write_value(120.0)
            await seen.until(lambda seen: states(seen) == [(True, False)])
            raised = seen.of("REACTOR-1.TIC101")[0]
            acknowledge = standard_id(ObjectIds.AcknowledgeableConditionType_Acknowledge)
            arguments = (acknowledge, raised["EventId"], ua.LocalizedText("seen"))
            with pytest.raises(ua.uaerrors.BadUserAccessDenied):
                await engineer.get_node(raised["NodeId"]).call_method(*arguments)
            await operator.get_node(raised["NodeId"]).call_method(*arguments)
            with pytest.raises(ua.uaerrors.BadConditionBranchAlreadyAcked):
                await operator.get_node(raised["NodeId"]).call_method(*arguments)
            await (await tag(operator, SP)).write_value(25.0)
            await seen.until(lambda seen: states(seen) == [(True, False), (True, True), (False, True)])
            acknowledged, cleared = seen.of("REACTOR-1.TIC101")[1:]
            assert acknowledged["ClientUserId"] == "operator1"
            assert acknowledged["Comment"].Text == "seen"
            assert (raised["Retain"], acknowledged["Retain"], cleared["Retain"]) == (True, True, False)
            calls = [(event["ClientUserId"], event["Status"]) for event in seen.of("Method/Acknowledge")]
            assert calls == [("engineer1", False), ("operator1", True), ("operator1", False)]
            assert {event["ConditionEventId"] for event in seen.of("Method/Acknowledge")} == {raised["EventId"]}

    asyncio.run(scene())


def test_every_tag_with_a_unit_states_it(dcs: OpcUaServer) -> None:
    async def scene() -> dict[str, str]:
        async with signed_in(dcs, "collector") as client:
            units = {}
            for known in TAGS:
                if known.unit is not None:
                    node = await (await tag(client, known.name)).get_child("0:EngineeringUnits")
                    units[known.name] = (await node.read_value()).DisplayName.Text
            return units

    units = asyncio.run(scene())
    assert units[SP] == "°C"
    assert units[PRESSURE] == "bar"
    assert len(units) == 8


def test_a_kill_and_start_keeps_port_values_and_events_and_old_values_stay_true(tmp_path: Path) -> None:
    async def work() -> None:
        async with signed_in(server, "operator1") as operator:
            await (await tag(operator, SP)).write_value(40.0)
            await (await tag(operator, "REACTOR-1.Batch.Id")).write_value("BC-7")

    async def afterwards() -> None:
        async with listening(server) as seen, signed_in(server, "engineer1") as engineer:
            assert await (await tag(engineer, "REACTOR-1.Batch.Id")).read_value() == "BC-7"
            await (await tag(engineer, SP)).write_value(41.0)
            await seen.until(lambda seen: len(seen.of(WRITE)) == 1)
            assert seen.of(WRITE)[0]["OldValue"] == 40.0
            history = await (await tag(engineer, SP)).read_raw_history()
            assert [kept.Value.Value for kept in reversed(history) if kept.Value is not None] == [25.0, 40.0, 41.0]

    with OpcUaServer(tmp_path) as server:
        endpoint, first_pid = server.endpoint, server.pid
        asyncio.run(work())
        before = asyncio.run(event_history(server))
        server.restart()
        assert server.endpoint == endpoint
        assert server.pid != first_pid
        asyncio.run(afterwards())
        kept = asyncio.run(event_history(server))
    assert [event["EventId"] for event in kept[: len(before)]] == [event["EventId"] for event in before]
    assert [(event["OldValue"], event["NewValue"]) for event in kept if event["SourceName"] == WRITE] == [
        (25.0, 40.0),
        ("", "BC-7"),
        (40.0, 41.0),
    ]


def test_passwords_are_random_kept_from_others_and_never_on_a_command_line(dcs: OpcUaServer) -> None:
    assert set(dcs.passwords) == set(USER_RIGHTS)
    assert len(set(dcs.passwords.values())) == len(USER_RIGHTS)
    assert stat.S_IMODE(dcs.users_file.stat().st_mode) == 0o600
    command_line = Path(f"/proc/{dcs.pid}/cmdline").read_text()
    environment = Path(f"/proc/{dcs.pid}/environ").read_text()
    for password in dcs.passwords.values():
        assert len(password) >= 24
        assert password not in command_line + environment


def test_a_server_that_will_not_end_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.demo.process._TERM_SECONDS", 0.3)
    stubborn = "trap '' TERM; echo armed; while :; do sleep 0.1; done"
    log = tmp_path / "log"
    process = ServerProcess("stubborn server", ["sh", "-c", stubborn], log, {})
    process.wait_ready(lambda: "armed" in log.read_text(), 5)
    process.stop()
    assert not Path(f"/proc/{process.pid}").exists()
