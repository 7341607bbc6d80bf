"""PTC Windchill's REST Services: OData V4 of parts and change notices, by time, in pages of the server's choosing."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.http_peer import Asked, Reply, as_json
from tests.support.products.quality import is_basic

_START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def _at(minutes: int) -> str:
    return f"{_START + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


class Windchill:
    """One domain's service root; the expanded properties of an entity come only where they are asked for."""

    def __init__(self, entity_set: str, page: int = 25) -> None:
        self.entity_set = entity_set
        self.page = page
        self.items: list[dict[str, Any]] = []

    def part(self, number: str, version: str, minutes: int, state: str = "INWORK", **quantities: float) -> None:
        """A new iteration of a part, with the components that it uses."""
        uses = [
            {
                "ID": f"OR:wt.part.WTPartUsageLink:{line}",
                "Quantity": quantity,
                "Unit": {"Value": "kg", "Display": "kilograms"},
                "LineNumber": 10 * line,
                "Uses": {"Number": component, "Name": component},
            }
            for line, (component, quantity) in enumerate(quantities.items(), 1)
        ]
        self._add("wt.part.WTPart", number, version, minutes, state, Uses=uses)

    def notice(self, number: str, minutes: int, state: str, affected: str, resulting: str) -> None:
        objects = {
            "AffectedObjects": [{"Number": "P-100", "Version": affected}],
            "ResultingObjects": [{"Number": "P-100", "Version": resulting}],
        }
        self._add(
            "wt.change2.WTChangeOrder2", number, "A.1", minutes, state, Description="weight out of limit", **objects
        )

    def set_state(self, number: str, minutes: int, state: str, by: str) -> None:
        """Its state is set in place: no new iteration."""
        item = [one for one in self.items if one["Number"] == number][-1]
        item |= {"State": {"Value": state, "Display": state.title()}, "LastModified": _at(minutes), "ModifiedBy": by}

    def _add(self, kind: str, number: str, version: str, minutes: int, state: str, **more: Any) -> None:
        self.items.append(
            {
                "ID": f"OR:{kind}:{234_100 + len(self.items)}",
                "Number": number,
                "Name": f"{number} name",
                "Version": version,
                "State": {"Value": state, "Display": state.title()},
                "CheckoutState": "Checked in",
                "CreatedBy": "engineer1",
                "CreatedOn": _at(minutes),
                "ModifiedBy": "engineer1",
                "LastModified": _at(minutes),
                **more,
            }
        )

    def __call__(self, asked: Asked) -> Reply:
        version = {"OData_Version": "4.0"}
        if not is_basic(asked, "collector"):
            return as_json({"error": {"code": "401", "message": "Authentication is required."}}, 401, **version)
        if asked.path == "/":
            sets = [{"name": self.entity_set, "url": self.entity_set}]
            return as_json({"@odata.context": "$metadata", "value": sets}, **version)
        by_time = re.fullmatch(r"(?:LastModified ge (\S+))?", asked.query.get("$filter", ""))
        if asked.path != f"/{self.entity_set}" or by_time is None:
            return as_json({"error": {"code": None, "message": "Invalid request."}}, 400, **version)
        since = by_time.group(1) or ""
        found = sorted(
            (one for one in self.items if one["LastModified"] >= since),
            key=lambda one: (one["LastModified"], one["ID"]),
        )
        skip = int(asked.query.get("$skiptoken", 0))
        body: dict[str, Any] = {
            "@odata.context": f"$metadata#{self.entity_set}",
            "@odata.count": len(found),
            "value": [_expanded(one, asked.query.get("$expand", "")) for one in found[skip : skip + self.page]],
        }
        if skip + self.page < len(found):
            query = {name: text for name, text in asked.query.items() if name != "$skiptoken"}
            more = "&".join(f"{name}={text}" for name, text in query.items()).replace(" ", "%20")
            body["@odata.nextLink"] = f"{self.entity_set}?{more}&$skiptoken={skip + self.page}"
        return as_json(body, **version)


def _expanded(item: dict[str, Any], expand: str) -> dict[str, Any]:
    """The entity without what was not asked for."""
    wanted = re.sub(r"\(.*?\)", "", expand).split(",")
    shown = {name: value for name, value in item.items() if not isinstance(value, list) or name in wanted}
    if "Uses" in shown and "Uses($expand=Uses)" not in expand:
        shown["Uses"] = [{name: value for name, value in one.items() if name != "Uses"} for one in shown["Uses"]]
    return shown
