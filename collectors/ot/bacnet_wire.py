"""Frames of BACnet/IP by bacpypes3's codecs: requests that only read are made, answers are taken apart. Pure.

Of the library only its codecs are used, none of its stack: that is a device of its own, which answers others, can be
written to and sends broadcasts, and a collector must not be one.
"""

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar

import msgspec
from bacpypes3.apdu import (  # type: ignore[import-untyped]
    APCI,
    APDU,
    AbortPDU,
    APCISequence,
    ComplexAckPDU,
    ConfirmedRequestSequence,
    ErrorPDU,
    ReadPropertyACK,
    ReadPropertyMultipleACK,
    ReadPropertyMultipleRequest,
    ReadPropertyRequest,
    RejectPDU,
)
from bacpypes3.basetypes import PropertyReference, ReadAccessSpecification  # type: ignore[import-untyped]
from bacpypes3.constructeddata import Any as AnyValue  # type: ignore[import-untyped]
from bacpypes3.ipv4.bvll import LPDU, OriginalUnicastNPDU  # type: ignore[import-untyped]
from bacpypes3.npdu import NPDU, RejectMessageToNetwork  # type: ignore[import-untyped]
from bacpypes3.pdu import PDU, RemoteStation  # type: ignore[import-untyped]
from bacpypes3.primitivedata import ObjectIdentifier, PropertyIdentifier, TagList  # type: ignore[import-untyped]

T = TypeVar("T")

_READS: Final = frozenset({12, 14, 26})
"""Read-Property, Read-Property-Multiple, Read-Range."""
_UNICAST = 0x0A
ROUTER = "router"
"""The sort of a refusal that is not the device's own: a router does not reach it."""
_MAX_RESPONSE = 5
"""The code of 1476 octets, the most that BACnet/IP carries in a frame."""
_HOPS = 255
_TOO_LONG: Final = frozenset({"buffer-overflow", "segmentation-not-supported", "apdu-too-long", "out-of-resources"})
_NO_SERVICE = "unrecognized-service"
_ABSENT: Final = frozenset({"unknown-property", "unknown-object"})


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: an object (`analog-value,3`), a property by its name, of an array an element (0: size)."""

    object: str
    property: str
    index: int | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The device answered that it will not: an error, a reject or an abort, and its code in the standard's words."""

    sort: str
    code: str

    @property
    def words(self) -> str:
        return "larger than one answer holds" if self.too_long else f"{self.sort} {self.code}"

    @property
    def too_long(self) -> bool:
        return self.code in _TOO_LONG

    @property
    def unknown_service(self) -> bool:
        return self.code == _NO_SERVICE

    @property
    def absent(self) -> bool:
        """The object has no such property, or there is no such object."""
        return self.code in _ABSENT


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A device behind a router: the number of its network, and its address there."""

    network: int
    address: bytes


Found = dict[Reference, bytes | Refusal]


def request(wanted: Sequence[Reference]) -> ConfirmedRequestSequence:
    """What asks for these: one by Read-Property, several by Read-Property-Multiple."""
    service: ConfirmedRequestSequence
    if len(wanted) == 1:
        (one,) = wanted
        service = ReadPropertyRequest(
            objectIdentifier=ObjectIdentifier(one.object), propertyIdentifier=property_number(one.property)
        )
        if one.index is not None:
            service.propertyArrayIndex = one.index
    else:
        specifications = [
            ReadAccessSpecification(
                objectIdentifier=ObjectIdentifier(name), listOfPropertyReferences=[_reference(one) for one in group]
            )
            for name, group in groupby(wanted, key=lambda one: one.object)
        ]
        service = ReadPropertyMultipleRequest(listOfReadAccessSpecs=specifications)
    return service


def frame(service: ConfirmedRequestSequence, invoke: int, route: Route | None) -> bytes:
    """A confirmed request as a frame; answers have to come whole, in one frame."""
    apdu = service.encode()
    apdu.apduSeg = apdu.apduMor = apdu.apduSA = False
    apdu.apduMaxSegs, apdu.apduMaxResp, apdu.apduInvokeID = 0, _MAX_RESPONSE, invoke
    npdu = NPDU(apdu.encode().pduData)
    npdu.pduExpectingReply, npdu.pduNetworkPriority = True, 0
    if route is not None:
        npdu.npduDADR, npdu.npduHopCount = RemoteStation(route.network, route.address), _HOPS
    return bytes(OriginalUnicastNPDU(npdu.encode()).encode().pduData)


def is_read(data: bytes) -> bool:
    """Whether a frame only reads: one that carries a confirmed request of a reading service, and nothing else does."""
    try:
        apci = APCI.decode(PDU(_network(data).pduData))
    except Exception:  # whatever the codec makes of it, it is no request that reads
        return False
    return apci.apduType == 0 and apci.apduService in _READS


def answer(data: bytes, invoke: int, read: Callable[[Any], T]) -> T | Refusal | None:
    """What a frame answers to the request of that number, as `read` takes it; None where it is no answer to it.

    Raises ValueError for an answer that cannot be read.
    """
    try:
        npdu = _network(data)
        if npdu.npduNetMessage is not None:
            rejected = npdu.npduNetMessage == RejectMessageToNetwork.pduType
            return Refusal(sort=ROUTER, code="does not reach the network") if rejected else None
        apdu = APDU.decode(PDU(npdu.pduData))
        if apdu.apduType not in _ANSWERS or apdu.apduInvokeID != invoke:
            return None
        return _taken(apdu, read)
    except Exception as error:  # the codec raises errors of many kinds
        raise ValueError(f"an answer that cannot be read: {error.__class__.__name__}: {error}") from None


_ANSWERS: Final = frozenset(kind.pduType for kind in (ComplexAckPDU, ErrorPDU, RejectPDU, AbortPDU))


def _network(data: bytes) -> NPDU:
    link = LPDU.decode(PDU(data))
    if link.bvlciFunction != _UNICAST:
        raise ValueError(f"a frame of function {link.bvlciFunction}")
    return NPDU.decode(PDU(link.pduData))


def _taken(apdu: APDU, read: Callable[[Any], T]) -> T | Refusal:
    if apdu.apduType in (RejectPDU.pduType, AbortPDU.pduType):
        sort = "reject" if apdu.apduType == RejectPDU.pduType else "abort"
        return Refusal(sort=sort, code=str(apdu.apduAbortRejectReason))
    if apdu.apduType == ComplexAckPDU.pduType and apdu.apduSeg:
        return Refusal(sort="abort", code="segmentation-not-supported")  # it was told to answer in one frame
    found = APCISequence.decode(apdu)
    if apdu.apduType == ErrorPDU.pduType:
        return Refusal(sort="error", code=str(found.errorCode))
    return read(found)


def values(wanted: Sequence[Reference], found: Any) -> Found:
    """The values that an answer gives for these; raises ValueError where it is one to something else."""
    if isinstance(found, ReadPropertyACK) and len(wanted) == 1:
        _compare(found.objectIdentifier, found.propertyIdentifier, wanted[0])
        return {wanted[0]: raw_bytes(found.propertyValue)}
    if not isinstance(found, ReadPropertyMultipleACK):
        raise ValueError("an answer to another service")
    return _assigned(found, wanted)


def _assigned(found: ReadPropertyMultipleACK, wanted: Sequence[Reference]) -> Found:
    """Results come in the order of what was asked for."""
    results = [
        (one.objectIdentifier, element) for one in found.listOfReadAccessResults for element in one.listOfResults
    ]
    if len(results) != len(wanted):
        raise ValueError(f"{len(results)} results for {len(wanted)} properties")
    assigned: Found = {}
    for reference, (name, element) in zip(wanted, results, strict=True):
        _compare(name, element.propertyIdentifier, reference)
        error = element.readResult.propertyAccessError
        if error is not None:
            assigned[reference] = Refusal(sort="error", code=str(error.errorCode))
        else:
            assigned[reference] = raw_bytes(element.readResult.propertyValue)
    return assigned


def _compare(name: ObjectIdentifier, prop: PropertyIdentifier, wanted: Reference) -> None:
    """An answer names what it is of; that to an earlier request may come late."""
    if (name, int(prop)) != (ObjectIdentifier(wanted.object), int(property_number(wanted.property))):
        raise ValueError(f"{prop} of {name} instead of {wanted.property} of {wanted.object}")


def raw_bytes(value: AnyValue) -> bytes:
    """The tags of a value as they stood in the frame, without those that open and close it."""
    return bytes(TagList(value.tagList.tagList[1:-1]).encode().pduData)


def property_number(name: str) -> PropertyIdentifier:
    """A property by the standard's name, or by number; raises ValueError for one that there is not."""
    return PropertyIdentifier(int(name) if name.isdecimal() else name)


def object_name(text: str) -> str:
    """An object as the standard writes it (`analog-value,3`) from `analog-value:3`; raises ValueError."""
    parts = re.fullmatch(r"(?P<type>[a-z][a-z0-9-]*|\d{1,4})[:,](?P<number>\d{1,7})", text)
    if parts is None:
        raise ValueError(f"{text!r} is no object")
    kind = int(parts["type"]) if parts["type"].isdecimal() else parts["type"]
    return str(ObjectIdentifier((kind, int(parts["number"]))))


def _reference(one: Reference) -> PropertyReference:
    reference = PropertyReference(propertyIdentifier=property_number(one.property))
    if one.index is not None:
        reference.propertyArrayIndex = one.index
    return reference
