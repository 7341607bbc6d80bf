"""Tries an OPC UA server: can it be reached, does it audit, what history does it keep, are the nodes there."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from collectors.base import Check, CheckReport, judge_clock
from collectors.ot.opcua_connect import Access, connected, explain, measure
from collectors.ot.opcua_history import History, Unserved
from collectors.ot.opcua_nodes import NodeBook, standard_id
from collectors.ot.opcua_subscription import Subscription
from collectors.ot.opcua_wire import BoundedClient
from ledger.core.clock import WallClock
from ledger.core.errors import FatalSource

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRIED = timedelta(hours=1)


def check_server(access: Access, values: Sequence[str], histories: Sequence[str], clock: WallClock) -> CheckReport:
    """Never raises for what the server does; the report says it."""
    try:
        return asyncio.run(_check(access, values, histories, clock))
    except Exception as error:  # a test of a source answers in words, whatever the library raises
        told = explain(error, access)
        return CheckReport(checks=(Check(name="session", ok=False, says=told.message, advice=told.advice),))


async def _check(access: Access, values: Sequence[str], histories: Sequence[str], clock: WallClock) -> CheckReport:
    async with connected(access) as client:
        checks = [Check(name="session", ok=True, says=f"the server accepts {access.user or 'an anonymous session'}")]
        measured = await measure(client, clock)
        checks.append(judge_clock(measured))
        checks.append(await _auditing(client))
        checks.append(await _history(client))
        checks.append(await _conditions(client))
        book, history = await NodeBook.open(client), History(client, threading.Event())
        checks += [await _node(book, history, word) for word in values]
        now = _EPOCH + timedelta(microseconds=clock.now_us())
        checks += [await _edits(book, history, word, now) for word in histories]
    return CheckReport(checks=tuple(checks), clock=measured)


async def _auditing(client: BoundedClient) -> Check:
    try:
        on = bool(await client.get_node(standard_id(ObjectIds.Server_Auditing)).read_value())
    except UaError:
        on = False
    if on:
        says = (
            "the server says that it audits; whether writes too shows when one writes: try it, and look for the record"
        )
        return Check(name="auditing", ok=True, says=says)
    return Check(
        name="auditing",
        ok=False,
        says="the server says that it does not audit: who changed what will not be known",
        advice="Switch auditing on in the server's configuration.",
    )


async def _history(client: BoundedClient) -> Check:
    if ua.EventNotifier.HistoryRead in await client.nodes.server.read_event_notifier():
        return Check(name="event history", ok=True, says="the server keeps its events for reading later")
    return Check(
        name="event history",
        ok=True,
        says="the server keeps no events: what happens while nobody listens is lost and will be stated as a gap",
        advice="Let the collector run all the time, close to the server.",
    )


async def _conditions(client: BoundedClient) -> Check:
    subscription = await Subscription.begin(client)
    if await subscription.refresh_conditions():
        says = "the server tells which alarms are active when it is asked, after each connection"
        return Check(name="alarms", ok=True, says=says)
    return Check(
        name="alarms",
        ok=True,
        says="the server does not tell which alarms are active: one that came up unheard is known when it changes",
        advice="Let the collector run all the time, close to the server.",
    )


async def _node(book: NodeBook, history: History, word: str) -> Check:
    try:
        node = await book.find(word)
        await node.read_data_value()
        kept = await history.is_kept(node.nodeid)
    except FatalSource as error:
        return Check(name=f"node {word}", ok=False, says=error.message, advice=error.advice)
    except UaError as error:
        return Check(
            name=f"node {word}",
            ok=False,
            says=f"the value of {word} cannot be read: {error}",
            advice="Give the user the right to read it, or take it out of the source's options.",
        )
    says = f"the value of {word} can be read, and its history too"
    if not kept:
        says = f"the value of {word} can be read, but no history of it: changes while nobody listens are a gap"
    return Check(name=f"node {word}", ok=True, says=says)


async def _edits(book: NodeBook, history: History, word: str, now: datetime) -> Check:
    title = f"edits of {word}"
    try:
        node = await book.find(word)
    except FatalSource as error:
        return Check(name=title, ok=False, says=error.message, advice=error.advice)
    kept = False
    try:
        kept = await history.is_kept(node.nodeid)
        if not kept:
            raise Unserved("the server keeps no history of it")
        await history.edits(node.nodeid, now - _TRIED, now)
    except (Unserved, UaError) as error:
        return Check(
            name=title,
            ok=False,
            says=f"{word}: its history can be read, but not who edited it: {error}" if kept else f"{word}: {error}",
            advice="Let the server keep modified values (OPC UA Part 11), or take the node out of `history`.",
        )
    return Check(name=title, ok=True, says=f"the server says who edited the history of {word}, and when")
