"""Vouching for signing keys: which wait for the caller, what a voucher signs, and refusals."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest, peer_of
from ledger.api.people import Entered, Reason
from ledger.api.problems import declared
from ledger.api.signatures import IdPath, KeyPath, KeyWhy
from ledger.core.signature import Mode, PasskeyProof
from ledger.people.access import Door, allow
from ledger.signing.factors import Shown
from ledger.signing.key_views import KeyToVouch, ToAttest


class Vouching(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which means the voucher knows whose key it is."""

    how: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    mode: Mode | None = None


class Vouched(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the voucher shows."""

    reason: Reason
    shown: Shown = Shown()
    passkey: PasskeyProof | None = None


@get("/keys/waiting", opt=allow(Door.CALLER), responses=declared())
async def waiting_keys(context: NamedDependency[Context], request: CallerRequest) -> list[KeyToVouch]:
    """The keys that wait for a voucher, and that the caller may vouch for now."""
    return await context.lanes.read(context.service.signing.vouching.waiting, request.user)


@post("/keys/{key:str}/attestation", opt=allow(Door.CALLER, signs=True), responses=declared(409), status_code=200)
async def prepare_attestation(
    context: NamedDependency[Context], request: CallerRequest, key: KeyPath, data: JSONBody[Vouching]
) -> ToAttest:
    """What the caller signs to vouch that this key is its person's."""
    without_nul(key=key, how=data.how)
    prepare = context.service.signing.vouching.to_attest
    return await context.lanes.append(prepare, request.user, key, data.how, data.mode)


@post("/attestations/{ident:str}", opt=allow(Door.CALLER, signs=True), responses=declared(409))
async def attest(
    context: NamedDependency[Context], request: CallerRequest, ident: IdPath, data: JSONBody[Vouched]
) -> Entered:
    """Vouches for a key by one's own; the second voucher makes it count."""
    without_nul(ident=ident, reason=data.reason)
    vouch = context.service.signing.vouching.attest
    peer = peer_of(request)
    return Entered(
        index=await context.lanes.argon(vouch, request.user, ident, data.reason, data.shown, data.passkey, peer)
    )


@post("/keys/{key:str}/refusal", opt=allow(Door.CALLER), responses=declared(409))
async def refuse_key(
    context: NamedDependency[Context], request: CallerRequest, key: KeyPath, data: JSONBody[KeyWhy]
) -> Entered:
    """Ends the request for a key that the caller could vouch for, and does not know to be its person's."""
    without_nul(key=key, reason=data.reason)
    refuse = context.service.signing.vouching.refuse
    return Entered(index=await context.lanes.append(refuse, request.user, key, data.reason))


router = Router("/signing", route_handlers=[waiting_keys, prepare_attestation, attest, refuse_key], tags=["signatures"])
