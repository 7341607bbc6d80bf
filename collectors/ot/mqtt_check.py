"""Tries an MQTT broker: does it take the account and the topics, and how long does it keep what nobody fetches."""

from collections.abc import Sequence

import msgspec

from collectors.base import Check, CheckReport, judge_clock
from collectors.ot.mqtt_session import Access, Session, Wanted
from ledger.core.errors import CollectorError, FatalSource


def check_broker(access: Access, wanted: Sequence[Wanted]) -> CheckReport:
    """Never raises for what the broker does; the report says it. Looks as a client of its own, beside a collection."""
    looking = msgspec.structs.replace(access, client_id=f"{access.client_id}-check")
    checks: list[Check] = []
    try:
        with Session(looking, clean=True) as session:
            who = f"user {access.user!r}" if access.user else "a client without a user name"
            checks.append(Check(name="connection", ok=True, says=f"the broker takes {who} (MQTT {access.version})"))
            checks += [_topic(session, one) for one in wanted]
            checks.append(_maximum(session, max(one.qos for one in wanted)))
        with Session(looking) as session:  # a session that stays, as the collector's: how long may it stay?
            granted = session.answer.session_expiry_interval
        with Session(looking, clean=True):
            pass
        checks.append(_kept(access, granted))
        checks.append(_transport(access))
    except CollectorError as error:
        return CheckReport(
            checks=(*checks, Check(name="connection", ok=False, says=error.message, advice=error.advice))
        )
    return CheckReport(checks=(*checks, judge_clock(None)))


def _topic(session: Session, wanted: Wanted) -> Check:
    try:
        (granted,) = session.subscribe([wanted])
    except FatalSource as error:
        return Check(name=f"topic {wanted.topic}", ok=False, says=error.message, advice=error.advice)
    if granted < wanted.qos:
        return Check(
            name=f"topic {wanted.topic}",
            ok=False,
            says=f"the broker delivers {wanted.topic} with QoS {granted} at most, not {wanted.qos}",
            advice="Allow QoS 1 or 2 at the broker: what is delivered with QoS 0 can be lost.",
        )
    return Check(name=f"topic {wanted.topic}", ok=True, says=f"{wanted.topic} can be subscribed to, QoS {granted}")


def _maximum(session: Session, qos: int) -> Check:
    most = int(session.answer.max_qos)
    if min(most, qos) > 0:
        return Check(name="delivery", ok=True, says="messages that are published with QoS 1 or 2 are delivered surely")
    return Check(
        name="delivery",
        ok=False,
        says="messages are delivered with QoS 0: what is published while nobody listens is lost",
        advice="Set the option qos to 1, and allow it at the broker; publishers must use QoS 1 or 2 as well.",
    )


def _kept(access: Access, granted: int | None) -> Check:
    if access.version != "5":
        return Check(
            name="session",
            ok=True,
            says="how long the broker keeps messages for an absent collector is the broker's own setting (MQTT 3.1.1)",
            advice="Look up its limits of time and number; a gap is stated only where the whole session was lost.",
        )
    seconds = access.session_seconds if granted is None else granted
    says = f"the broker keeps the session of an absent collector for {seconds / 3600:.4g} h"
    if seconds < access.session_seconds:
        return Check(name="session", ok=False, says=says, advice="Raise the broker's limit on the session expiry.")
    return Check(
        name="session",
        ok=True,
        says=f"{says}; how many messages it keeps is its own setting",
        advice="Raise its limit on queued messages, or name the topic of its count of dropped ones (option dropped).",
    )


def _transport(access: Access) -> Check:
    if access.encrypted:
        return Check(name="transport", ok=True, says="the connection is encrypted and the broker's name is verified")
    local = access.place[0] in {"localhost", "127.0.0.1", "::1"}
    return Check(
        name="transport",
        ok=local or not access.password,
        says="the connection is not encrypted" + (", and stays on this machine" if local else ""),
        advice="" if local else "Use mqtts://, so that password and messages are not sent in the clear.",
    )
