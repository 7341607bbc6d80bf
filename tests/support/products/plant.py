"""AVEVA PI's recorded values, and an OData V4 service over SAP's change documents."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.http_peer import Asked, Reply, as_json
from tests.support.products.quality import is_basic

_START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


class PiWebApi:
    """`GET /streams/WEBID/recorded`, ascending from `startTime`, `maxCount` at most; the filter is the marks' one."""

    def __init__(self, *streams: str) -> None:
        self.streams: dict[str, list[dict[str, Any]]] = {name: [] for name in streams}

    def add(self, stream: str, seconds: float, value: object, unit: str = "", **marks: bool) -> None:
        at = _START + timedelta(seconds=seconds)
        flags = {"Good": True, "Questionable": False, "Substituted": False, "Annotated": False, **marks}
        text = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}0Z"
        self.streams[stream].append({"Timestamp": text, "Value": value, "UnitsAbbreviation": unit, **flags})

    def __call__(self, asked: Asked) -> Reply:
        if not is_basic(asked, "collector"):
            return as_json({"Message": "Authorization has been denied for this request."}, 401)
        if asked.path == "/system":
            return as_json({"Links": {}, "ProductTitle": "PI Web API", "ProductVersion": "1.19.1.108"})
        found = re.fullmatch(r"/streams/([^/]+)/recorded", asked.path)
        if found is None or found.group(1) not in self.streams:
            return as_json({"Errors": ["The specified WebID was not found."]}, 404)
        start = datetime.fromisoformat(asked.query["startTime"])
        values = [one for one in self.streams[found.group(1)] if datetime.fromisoformat(one["Timestamp"]) >= start]
        if "IsSet" in asked.query.get("filterExpression", ""):
            values = [one for one in values if one["Questionable"] or one["Substituted"] or one["Annotated"]]
        values.sort(key=lambda one: str(one["Timestamp"]))
        return as_json({"Links": {}, "Items": values[: int(asked.query["maxCount"])], "UnitsAbbreviation": ""})


class ChangeDocuments:
    """The entity set `ChangeDocumentItem`, filtered by the day, in pages of the server's or the client's choosing."""

    def __init__(self, page: int = 1000) -> None:
        self.page = page
        self.items: list[dict[str, Any]] = []
        self.hidden = 0

    def add(self, minutes: int, document: str, field: str, old: str, new: str, kind: str = "U", unit: str = "") -> None:
        at = _START + timedelta(minutes=minutes)
        self.items.append(
            {
                "ChangeDocObjectClass": "MATERIAL",
                "ChangeDocObject": "000000000000004711",
                "ChangeDocument": document,
                "DatabaseTable": "MARA",
                "ChangeDocTableKey": "100000000000000004711",
                "ChangeDocDatabaseTableField": field,
                "ChangeDocItemChangeType": kind,
                "ChangeDocPreviousFieldValue": old,
                "ChangeDocNewFieldValue": new,
                "ChangeDocPreviousUnit": unit,
                "ChangeDocNewUnit": unit,
                "CreatedByUser": "MMEIER",
                "CreationDate": f"{at:%Y-%m-%d}",
                "CreationTime": f"{at:%H:%M:%S}",
            }
        )

    def __call__(self, asked: Asked) -> Reply:
        version = {"OData_Version": "4.0"}
        if not is_basic(asked, "COLLECTOR"):
            return as_json({"error": {"code": "401", "message": "Logon failed"}}, 401, **version)
        if asked.path == "/":
            sets = [{"name": "ChangeDocumentItem", "kind": "EntitySet", "url": "ChangeDocumentItem"}]
            return as_json({"@odata.context": "$metadata", "value": sets}, **version)
        by_time = re.fullmatch(r"(?:CreationDate ge ([0-9-]{10}))?", asked.query.get("$filter", ""))
        if by_time is None:
            return as_json({"error": {"code": "400", "message": "Invalid filter"}}, 400, **version)
        found = [one for one in self.items if one["CreationDate"] >= (by_time.group(1) or "")]
        found.sort(key=lambda one: (one["CreationDate"], one["CreationTime"], one["ChangeDocument"]))
        skip = int(asked.query.get("$skip", asked.query.get("$skiptoken", 0)))
        most = min(int(asked.query.get("$top", self.page)), self.page)
        body: dict[str, Any] = {"@odata.context": "$metadata#ChangeDocumentItem", "value": found[skip : skip + most]}
        body["@odata.count"] = len(found) + self.hidden
        if "$top" not in asked.query and skip + most < len(found):
            body["@odata.nextLink"] = (
                f"ChangeDocumentItem?$skiptoken={skip + most}&$filter={asked.query.get('$filter', '')}"
            )
            body["@odata.nextLink"] = body["@odata.nextLink"].replace(" ", "%20").removesuffix("&$filter=")
        return as_json(body, **version)
