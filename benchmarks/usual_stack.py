"""The usual way to build it, honestly: FastAPI, an asyncpg pool, jsonb rows, dicts, Jinja2 and one audit row.

What a competent team writes first: a page of the same content, with the same panels and trends. It does less than the
record: nothing is joined across sources, no policy is asked, nothing is withheld or chained, no version is kept.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

Resource = dict[str, Any]
ZONE = ZoneInfo("Europe/London")
COLUMNS_MAX = 5
SCHEMA = """
    create schema usual;
    create table usual.patient (id bigint primary key, details jsonb not null);
    create table usual.session (token_hash text primary key, patient_id bigint, staff jsonb, expires_at timestamptz);
    create table usual.resource (id text primary key, patient_id bigint not null, resource_type text not null,
                                 source text not null, said_at timestamptz not null, body jsonb not null);
    create index on usual.resource (patient_id);
    create table usual.audit (id bigint generated always as identity primary key, at timestamptz default now(),
                              patient_id bigint not null, staff jsonb not null, what text not null, details jsonb);
"""
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


async def with_json(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(**app.state.address, min_size=4, max_size=10, init=with_json) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/patients/{patient_id}/summary", response_class=HTMLResponse)
async def summary(request: Request, patient_id: int) -> HTMLResponse:
    token_hash = hashlib.sha256(request.cookies.get("session", "").encode()).hexdigest()
    async with request.app.state.pool.acquire() as connection:
        session = await connection.fetchrow(
            "select patient_id, staff from usual.session where token_hash = $1 and expires_at > now()", token_hash
        )
        if session is None or session["patient_id"] != patient_id:
            raise HTTPException(status_code=401)
        patient = await connection.fetchval("select details from usual.patient where id = $1", patient_id)
        rows = await connection.fetch(
            "select source, said_at, body from usual.resource where patient_id = $1", patient_id
        )
        await connection.execute(
            "insert into usual.audit (patient_id, staff, what, details) values ($1, $2, 'summary', $3)",
            patient_id,
            session["staff"],
            {"count": len(rows)},
        )
    page = page_of(patient, rows)
    return HTMLResponse(TEMPLATES.get_template("usual_stack.html").render(staff=session["staff"], **page))


# --- From resources to a page -----------------------------------------------------------------------------------------


def page_of(patient: Resource, rows: Iterable[Any]) -> dict[str, Any]:
    by_type: dict[str, list[Resource]] = defaultdict(list)
    sources: dict[str, dict[str, Any]] = {}
    for row in rows:
        resource = row["body"]
        resource["_source"], resource["_said_at"] = row["source"], row["said_at"]
        by_type[resource["resourceType"]].append(resource)
        source = sources.setdefault(row["source"], {"name": row["source"], "count": 0, "last": row["said_at"]})
        source["count"] += 1
        source["last"] = max(source["last"], row["said_at"])
    stays = sorted(map(stay, by_type["Encounter"]), key=lambda each: each["start"], reverse=True)
    letters = sorted(map(letter, by_type["DocumentReference"]), key=lambda each: each["date"], reverse=True)
    steps = [{"what": each["what"], "where": each["where"], "start": each["start"]} for each in stays]
    steps += [{"what": "Letter", "where": each["what"], "start": each["date"]} for each in letters]
    return {
        "patient": patient,
        "sources": list(sources.values()),
        "allergies": [allergy(each) for each in by_type["AllergyIntolerance"]],
        "problems": problems(by_type["Condition"]),
        "results": results(by_type["Observation"], by_type["DiagnosticReport"]),
        "stays": stays,
        "letters": letters,
        "pathway": sorted(steps, key=lambda step: step["start"])[-6:],
        "now": datetime.now(UTC),
    }


def text_of(concept: Resource | None) -> str:
    if not concept:
        return ""
    coding = (concept.get("coding") or [{}])[0]
    return str(concept.get("text") or coding.get("display") or coding.get("code") or "")


def instant(text: str | None) -> datetime | None:
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def moment(at: datetime | None) -> str:
    return at.astimezone(ZONE).strftime("%d-%b-%Y %H:%M") if at else ""


TEMPLATES.filters["moment"] = moment


def allergy(resource: Resource) -> Resource:
    reactions = [
        text_of(each) for reaction in resource.get("reaction", []) for each in reaction.get("manifestation", [])
    ]
    severities = [reaction["severity"] for reaction in resource.get("reaction", []) if "severity" in reaction]
    return {
        "id": resource["id"],
        "what": text_of(resource.get("code")),
        "detail": ", ".join(reactions) + (f" ({severities[0]})" if severities else ""),
        "when": instant(resource.get("onsetDateTime")) or resource["_said_at"],
        "source": resource["_source"],
    }


def problems(conditions: list[Resource]) -> list[Resource]:
    """One line for each code, the newest saying of it."""
    newest: dict[str, Resource] = {}
    for resource in sorted(conditions, key=lambda each: each.get("recordedDate", "")):
        newest[text_of(resource.get("code"))] = resource
    return [
        {
            "id": resource["id"],
            "what": what,
            "detail": text_of(resource.get("verificationStatus")),
            "when": instant(resource.get("recordedDate")),
            "source": resource["_source"],
        }
        for what, resource in newest.items()
    ]


def stay(resource: Resource) -> Resource:
    period = resource.get("period", {})
    places = [each["location"].get("display", "") for each in resource.get("location", [])]
    people = [each["individual"].get("display", "") for each in resource.get("participant", []) if "individual" in each]
    leaving = text_of(resource.get("hospitalization", {}).get("dischargeDisposition"))
    reasons = [text_of(each) for each in resource.get("reasonCode", [])]
    return {
        "id": resource["id"],
        "what": resource.get("class", {}).get("display", ""),
        "where": places[-1] if places else "",
        "detail": " · ".join(part for part in (*reasons, *people, leaving and f"discharged to {leaving}") if part),
        "start": instant(period.get("start")) or resource["_said_at"],
        "end": instant(period.get("end")),
        "source": resource["_source"],
    }


def letter(resource: Resource) -> Resource:
    attachment = resource["content"][0]["attachment"]
    is_text = attachment.get("contentType", "").startswith("text/plain")
    return {
        "id": resource["id"],
        "what": resource.get("description") or text_of(resource.get("type")),
        "author": ", ".join(each.get("display", "") for each in resource.get("author", [])),
        "date": instant(resource.get("date")) or resource["_said_at"],
        "text": base64.b64decode(attachment.get("data", "")).decode("utf-8", "replace") if is_text else "",
        "source": resource["_source"],
    }


# --- Results: a row for each test, a column for each time -------------------------------------------------------------


def results(observations: list[Resource], reports: list[Resource]) -> Resource:
    panel_of = {
        result["reference"].partition("/")[2]: text_of(report.get("code"))
        for report in reports
        for result in report.get("result", [])
    }
    panels: dict[str, dict[tuple[str, str], list[Resource]]] = defaultdict(lambda: defaultdict(list))
    texts, flagged = [], []
    for resource in observations:
        value = value_of(resource)
        if value["is_text"]:
            texts.append(value)
            continue
        panels[panel_of.get(resource["id"], "Other tests")][value["what"], value["unit"]].append(value)
    drawn = []
    for title, tests in panels.items():
        times = sorted({value["at"] for values in tests.values() for value in values}, reverse=True)
        for values in tests.values():
            values.sort(key=lambda value: value["at"], reverse=True)
            if values[0]["flag"]:
                flagged.append(values[0])
        tables = [table(tests, times[start : start + COLUMNS_MAX]) for start in range(0, len(times), COLUMNS_MAX)]
        drawn.append({"title": title, "newest": tables[0], "earlier": tables[1:], "count": len(times)})
    texts.sort(key=lambda value: value["at"], reverse=True)
    return {"panels": drawn, "texts": texts, "flagged": flagged}


def value_of(resource: Resource) -> Resource:
    quantity = resource.get("valueQuantity")
    limits = (resource.get("referenceRange") or [{}])[0]
    text = f"{quantity.get('comparator', '')}{quantity['value']}" if quantity else resource.get("valueString", "")
    return {
        "id": resource["id"],
        "what": text_of(resource.get("code")),
        "text": text,
        "unit": quantity.get("unit", "") if quantity else "",
        "number": quantity["value"] if quantity else None,
        "low": limits.get("low", {}).get("value"),
        "high": limits.get("high", {}).get("value"),
        "range": limits.get("text", ""),
        "specimen": resource.get("specimen", {}).get("display", ""),
        "flag": ", ".join(text_of(each) for each in resource.get("interpretation", [])),
        "status": resource["status"],
        "at": instant(resource.get("effectiveDateTime")) or resource["_said_at"],
        "is_text": quantity is None,
        "source": resource["_source"],
    }


def table(tests: dict[tuple[str, str], list[Resource]], times: list[datetime]) -> Resource:
    rows = []
    for (what, unit), values in tests.items():
        cells = [[value for value in values if value["at"] == at] for at in times]
        newest = values[0]
        rows.append({"what": what, "unit": unit, "newest": newest, "trend": trend(values), "cells": cells})
    return {"times": times, "rows": rows}


def trend(values: list[Resource]) -> Resource | None:
    if len(values) < 2:
        return None
    numbers = [float(value["number"]) for value in reversed(values)]
    seconds = [value["at"].timestamp() for value in reversed(values)]
    low, high = min(numbers), max(numbers)
    points = [
        (
            round(5 + 110 * (at - seconds[0]) / ((seconds[-1] - seconds[0]) or 1), 1),
            round(29 - 24 * (number - low) / ((high - low) or 1), 1),
        )
        for at, number in zip(seconds, numbers, strict=True)
    ]
    return {"points": points, "count": len(points)}


if __name__ == "__main__":
    app.state.address = json.loads(sys.argv[1])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning")
