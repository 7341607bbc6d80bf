"""Veeva Vault's audit trails, Jira Data Center's search with change logs, ServiceNow's table API."""

import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.http_peer import Asked, Reply, as_json

PASSWORD = "correct-Horse-7"


def is_basic(asked: Asked, user: str) -> bool:
    """Whether the request shows this user and the password of all peers."""
    kind, _, pair = asked.headers.get("authorization", "").partition(" ")
    return kind == "Basic" and b64decode(pair).decode() == f"{user}:{PASSWORD}"


class Vault:
    """`POST /auth`, then `GET /audittrail/TYPE`: the newest first, 30 days back at most, failures with status 200."""

    def __init__(self) -> None:
        self.trails: dict[str, list[dict[str, Any]]] = {"document_audit_trail": [], "object_audit_trail": []}
        self.session = "S-1"
        self.limit_reached = False

    def add(self, trail: str, **members: str) -> None:
        entries = self.trails[trail]
        at = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=len(entries))
        blank = dict.fromkeys(("field_name", "old_value", "new_value", "signature_meaning", "on_behalf_of"), "")
        entries.append({"id": str(2000 + len(entries)), "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", **blank, **members})

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/auth":
            if asked.form == {"username": "audit@vault.example.org", "password": PASSWORD}:
                return as_json({"responseStatus": "SUCCESS", "sessionId": self.session, "userId": 1})
            return self._failure("USERNAME_OR_PASSWORD_INCORRECT", "Authentication failed for user")
        if asked.headers.get("authorization") != self.session:
            return self._failure("INVALID_SESSION_ID", "Invalid or expired session ID.")
        if self.limit_reached:
            return self._failure("API_LIMIT_EXCEEDED", "You have exceeded the maximum number of API calls.")
        return self._trail(asked, asked.path.rpartition("/")[2])

    def _trail(self, asked: Asked, name: str) -> Reply:
        start = asked.query.get("start_date")
        oldest = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
        if start is not None and start < oldest:
            return self._failure("INVALID_DATA", "start_date cannot be more than 30 days ago")
        found = [one for one in reversed(self.trails[name]) if one["timestamp"] >= (start or oldest)]
        offset, limit = int(asked.query.get("offset", 0)), min(int(asked.query.get("limit", 200)), 1000)
        page = found[offset : offset + limit]
        details = {"offset": offset, "limit": limit, "size": len(page), "total": len(found), "object": {"name": name}}
        return as_json({"responseStatus": "SUCCESS", "responseDetails": details, "data": page})

    def _failure(self, kind: str, message: str) -> Reply:
        return as_json({"responseStatus": "FAILURE", "errors": [{"type": kind, "message": message}]})


class Jira:
    """`GET /rest/api/2/search` with JQL by minute, in UTC, and `expand=changelog`; `GET /rest/api/2/myself`."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self._histories = 10_000
        self._now = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)

    def _tick(self, seconds: float = 20) -> str:
        self._now += timedelta(seconds=seconds)
        return f"{self._now:%Y-%m-%dT%H:%M:%S}.{self._now.microsecond // 1000:03d}+0000"

    def create(self, who: str) -> dict[str, Any]:
        at, number = self._tick(), len(self.issues) + 1
        fields = {"created": at, "updated": at, "creator": _jira_user(who)}
        issue = {"expand": "operations", "id": str(10_000 + number), "key": f"CC-{number}", "fields": fields}
        issue["changelog"] = {"startAt": 0, "maxResults": 0, "total": 0, "histories": []}
        self.issues.append(issue)
        return issue

    def change(self, issue: dict[str, Any], who: str, field: str, old: str | None, new: str | None) -> None:
        self._histories += 1
        at, log = self._tick(), issue["changelog"]
        item = {"field": field, "fieldtype": "jira", "from": None, "fromString": old, "to": None, "toString": new}
        history = {"id": str(self._histories), "author": _jira_user(who), "created": at, "items": [item]}
        log["histories"].append(history)
        log["total"] = log["maxResults"] = len(log["histories"])
        issue["fields"]["updated"] = at

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {PASSWORD}":
            if asked.path.endswith("/myself"):
                return as_json({"message": "Client must be authenticated to access this resource."}, 401)
            return as_json({"startAt": 0, "maxResults": 50, "total": 0, "issues": []})
        if asked.path.endswith("/myself"):
            return as_json({"name": "collector"})
        if asked.path.endswith("/serverInfo"):
            return as_json({"version": "9.12.4", "versionNumbers": [9, 12, 4], "deploymentType": "Server"})
        asked_for = re.fullmatch(r'(?:updated >= "([0-9-]{10} [0-9:]{5})" )?ORDER BY updated ASC', asked.query["jql"])
        if asked_for is None:
            return as_json({"errorMessages": ["Error in the JQL Query"], "errors": {}}, 400)
        since = (asked_for.group(1) or "").replace(" ", "T")
        found = sorted(
            (one for one in self.issues if one["fields"]["updated"] >= since), key=lambda one: one["fields"]["updated"]
        )
        start, size = int(asked.query.get("startAt", 0)), min(int(asked.query["maxResults"]), 1000)
        page = found[start : start + size]
        shown = page if "changelog" in asked.query.get("expand", "") else [{"id": one["id"]} for one in page]
        return as_json({"startAt": start, "maxResults": size, "total": len(found), "issues": shown})


def _jira_user(name: str) -> dict[str, Any]:
    return {"name": name, "key": name, "displayName": name.title(), "active": True, "timeZone": "UTC"}


class ServiceNow:
    """`GET /api/now/table/sys_audit` with an encoded query, limit and offset."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []

    def add(self, seconds: int, **members: str) -> None:
        at = datetime(2026, 11, 25, 8, 0, tzinfo=UTC) + timedelta(seconds=seconds)
        row = {"sys_id": f"{len(self.rows):032x}", "sys_created_on": f"{at:%Y-%m-%d %H:%M:%S}", "reason": ""}
        self.rows.append({**row, "sys_created_by": members["user"], **members})

    def __call__(self, asked: Asked) -> Reply:
        if not is_basic(asked, "collector"):
            error = {"message": "User Not Authenticated", "detail": "Required to provide Auth information"}
            return as_json({"error": error, "status": "failure"}, 401)
        terms = asked.query["sysparm_query"].split("^")
        assert terms[-1] == "ORDERBYsys_created_on"
        since = terms[0].removeprefix("sys_created_on>=") if len(terms) > 1 else ""
        found = sorted(
            (row for row in self.rows if row["sys_created_on"] >= since), key=lambda row: row["sys_created_on"]
        )
        offset, limit = int(asked.query.get("sysparm_offset", 0)), int(asked.query["sysparm_limit"])
        return as_json({"result": found[offset : offset + limit]}, X_Total_Count=str(len(found)))
