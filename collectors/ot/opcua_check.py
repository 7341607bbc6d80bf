"""Tries an OPC UA server: can it be reached, does it audit, does it keep history, are the watched nodes there."""

import asyncio
from collections.abc import Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from collectors.base import Check, CheckReport, judge_clock
from collectors.ot.opcua_nodes import NodeBook, standard_id
from collectors.ot.opcua_session import Access, connected, explain, measure
from ledger.core.clock import WallClock
from ledger.core.errors import FatalSource


def check_server(access: Access, values: Sequence[str], clock: WallClock) -> CheckReport:
    """Never raises for what the server does; the report says it."""
    try:
        return asyncio.run(_check(access, values, clock))
    except Exception as error:  # a test of a source answers in words, whatever the library raises
        told = explain(error, access)
        return CheckReport(checks=(Check(name="session", ok=False, says=told.message, advice=told.advice),))


async def _check(access: Access, values: Sequence[str], clock: WallClock) -> CheckReport:
    async with connected(access) as client:
        checks = [Check(name="session", ok=True, says=f"the server accepts {access.user or 'an anonymous session'}")]
        measured = await measure(client, clock)
        checks.append(judge_clock(measured))
        checks.append(await _auditing(client))
        checks.append(await _history(client))
        book = await NodeBook.open(client)
        checks += [await _node(book, word) for word in values]
    return CheckReport(checks=tuple(checks), clock=measured)


async def _auditing(client: Client) -> Check:
    try:
        on = bool(await client.get_node(standard_id(ObjectIds.Server_Auditing)).read_value())
    except UaError:
        on = False
    if on:
        return Check(name="auditing", ok=True, says="the server says that it audits")
    return Check(
        name="auditing",
        ok=False,
        says="the server says that it does not audit: who changed what will not be known",
        advice="Switch auditing on in the server's configuration.",
    )


async def _history(client: Client) -> Check:
    if ua.EventNotifier.HistoryRead in await client.nodes.server.read_event_notifier():
        return Check(name="event history", ok=True, says="the server keeps its events for reading later")
    return Check(
        name="event history",
        ok=True,
        says="the server keeps no events: what happens while nobody listens is lost and will be stated as a gap",
        advice="Let the collector run all the time, close to the server.",
    )


async def _node(book: NodeBook, word: str) -> Check:
    try:
        node = await book.find(word)
        await node.read_data_value()
    except FatalSource as error:
        return Check(name=f"node {word}", ok=False, says=error.message, advice=error.advice)
    except UaError as error:
        return Check(
            name=f"node {word}",
            ok=False,
            says=f"the value of {word} cannot be read: {error}",
            advice="Give the user the right to read it, or take it out of the source's options.",
        )
    return Check(name=f"node {word}", ok=True, says=f"the value of {word} can be read")
