"""What really happened in the demo's story, told by the people who did it, so that a collection can be compared."""

import msgspec


class TagWrite(msgspec.Struct, frozen=True, kw_only=True):
    """One write that a person sent to the control system.

    `old` is what the person saw in the tag just before. `at_us` is the time that the server gave the new value
    (microseconds since 1970, UTC); null when `written` is false.
    """

    tag: str
    old: float | str
    new: float | str
    user: str
    written: bool
    at_us: int | None


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a field in the ERP by a person: `resource` is "model,id", values as the ERP holds them."""

    resource: str
    field: str
    old: float | str
    new: float | str
    user: str


class StoryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The whole truth of one run of the story.

    `occupied_from_us` and `occupied_until_us` bound the time in which `batch` stood in the equipment's Batch.Id.
    `tag_writes` and `field_changes` are in the order in which they were made. `unseen` are the changes that a
    collector pairing two looks at the ERP cannot see: each was changed again before the next step began.
    `deleted` is the resource of an order that was planned and deleted again.
    """

    batch: str
    order: str
    order_resource: str
    lot_resource: str
    equipment: str
    occupied_from_us: int
    occupied_until_us: int
    tag_writes: tuple[TagWrite, ...]
    field_changes: tuple[FieldChange, ...]
    unseen: tuple[FieldChange, ...]
    deleted: str
    alarm_acknowledged_by: str
    refused_logon: str
