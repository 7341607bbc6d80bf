"""Node ids and status codes from plain Python values: asyncua's types want its own integer and string classes."""

from datetime import datetime

from asyncua import ua


def standard_id(number: int) -> ua.NodeId:
    """A node of the OPC UA namespace, by a number of `asyncua.ua.object_ids.ObjectIds`."""
    return ua.NodeId(ua.Int32(number))


def named_id(name: str, index: int) -> ua.NodeId:
    """A node of the plant, by its name and the index that the server gave the plant's namespace."""
    return ua.NodeId(ua.String(name), ua.Int16(index))


def status_of(code: int) -> ua.StatusCode:
    """A status by a number of `asyncua.ua.status_codes.StatusCodes`."""
    return ua.StatusCode(ua.UInt32(code))


def ua_time(moment: datetime) -> ua.DateTime:
    """The same instant as asyncua's own kind of datetime."""
    return ua.DateTime.combine(moment.date(), moment.timetz())
