"""Tools that nobody here wrote try what is served: made-up requests by schemathesis, and a web scanner, wapiti."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from joserfc import jwt

from tests.house import ADMITTED, message
from tests.system import CLIENT, Sender, System, answer_code, open_record

ROOT = Path(__file__).parents[2]
LOCK = Path(__file__).parent / "scanner" / "requirements.lock"
CHECKS = "not_a_server_error,status_code_conformance,unsupported_method,ignored_auth"
# Not csrf: it asks for a token in each form; ours are held by where they come from (tests/rooms/web/test_security.py).
# Not ssrf, xxe and log4shell: they ask a server of theirs on the internet, and no test of ours may.
# Not ldap: nothing here speaks it, and it takes a page that changed, as after an emergency, for a finding.
MODULES = "sql,timesql,xss,permanentxss,file,exec,crlf,redirect,http_headers,cookieflags,csp,upload,methods,htaccess"
NHS_NUMBER, BIRTH_DATE = "9990123454", "1948-03-12"


class Served:
    """A running record that holds one person, with a clinician's chart of them and a program's token."""

    def __init__(self, system: System, chart: str, cookie: str, token: str) -> None:
        self.system, self.chart, self.cookie, self.token = system, chart, cookie, token


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    # Tools ask far more in a second than any reader: what they find must not be "wait".
    with System(environment={"CARERECORD_SESSION_REQUESTS_PER_SECOND_MAX": "100000"}) as system:
        yield asyncio.run(_fill(system))


async def _fill(system: System) -> Served:
    sender = Sender(system.mllp_port)
    assert answer_code(await sender.send(message("ADT^A01", "a-1", ADMITTED))) == "AA"
    await sender.close()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        launch = system.launch_token(nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE)
        status, page, session = await open_record(system, client, launch)
        assert (status, "HARTLEY" in page) == (200, True), page
        cookies = {each.key: each.value for each in client.cookie_jar}
        token = await _token(system, client)
    return Served(system, f"/patient/{session}", f"carerecord_{session}={cookies[f'carerecord_{session}']}", token)


async def _token(system: System, client: aiohttp.ClientSession) -> str:
    now = int(time.time())
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": f"{system.url}/token", "exp": now + 120, "jti": os.urandom(9).hex()}
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({"alg": "ES384", "kid": "client"}, claims, system.client, ["ES384"]),
    }
    async with client.post(f"{system.url}/token", data=form) as answer:
        return str((await answer.json())["access_token"])


def try_out(served: Served, tmp_path: Path, *, described: dict[str, Any], headers: dict[str, str]) -> None:
    """Every operation, positive and negative, the same requests each time."""
    place = tmp_path / "openapi.json"
    place.write_text(json.dumps(described))
    said = [f"--header={name}: {value}" for name, value in headers.items()]
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", str(place), f"--url={served.system.url}"]
    command += ["--phases=examples,coverage,fuzzing", "--mode=all", "--max-examples=12", "--seed=4", "--no-shrink"]
    command += ["--generation-deterministic", "--max-time=20", "--continue-on-failure", "--no-color", "--warnings=off"]
    command += [f"--checks={CHECKS}", "--request-timeout=60", "--max-redirects=0", "--exclude-path-regex=/open$"]
    done = subprocess.run([*command, *said], cwd=tmp_path, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def description(served: Served) -> dict[str, Any]:
    with urllib.request.urlopen(f"{served.system.url}/openapi.json") as answer:
        said: dict[str, Any] = json.load(answer)
    return said


def test_made_up_requests_break_nothing_without_a_session(served: Served, tmp_path: Path) -> None:
    try_out(served, tmp_path, described=description(served), headers={})


def test_made_up_requests_break_nothing_with_a_session_and_a_token(served: Served, tmp_path: Path) -> None:
    described = description(served)
    # The chart that is open, and what a program may read; the rest was tried without.
    described["paths"] = {
        path.replace("/patient/{session}", served.chart): _within(operations)
        for path, operations in described["paths"].items()
        if path.startswith(("/patient/{session}/", "/fhir")) and not path.endswith("/close")
    }
    headers = {
        "Cookie": served.cookie,
        "Authorization": f"Bearer {served.token}",
        "Origin": served.system.url,
    }
    try_out(served, tmp_path, described=described, headers=headers)


def _within(operations: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(json.dumps(operations))
    for operation in said.values():
        operation["security"] = []
        operation["parameters"] = [each for each in operation.get("parameters", ()) if each["name"] != "session"]
    return said


# --- The web scanner: in an environment of its own, since it pins libraries that we use newer (decision 0020) ---------


@pytest.fixture(scope="module")
def wapiti() -> Path:
    """Installed from its lock, once for each lock, and kept for the next time."""
    named = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    folder = ROOT / ".demo" / f"scanner-{named}"
    command = folder / "bin" / "wapiti"
    if not (folder / "whole").exists():
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "--require-hashes"]
        done = subprocess.run([*install, "-r", LOCK], capture_output=True, text=True, check=False)
        if done.returncode and any(word in done.stderr for word in ("dns error", "Failed to fetch", "connect")):
            pytest.skip(f"The package index cannot be reached, so there is no scanner: {done.stderr[-300:]}")
        assert done.returncode == 0, done.stderr[-2000:]
        (folder / "whole").touch()
    return command


def scan(served: Served, wapiti: Path, tmp_path: Path, *, start: str, cookie: str) -> list[str]:
    """What the scanner finds, each as a line; and how much it looked at."""
    cookies = tmp_path / "cookies.json"
    name, _, value = cookie.partition("=")
    jar = {"127.0.0.1": {"/": {name: {"value": value, "version": 0, "secure": False, "port": None, "rest": {}}}}}
    jar["127.0.0.1"]["/"][name] |= {"expires": None, "discard": True}
    cookies.write_text(json.dumps(jar))
    report = tmp_path / "found.json"
    command = [
        wapiti,
        "--url",
        f"{served.system.url}{start}",
        "--scope",
        "domain",
        "--module",
        MODULES,
        "--no-bugreport",
    ]
    command += ["--format", "json", "--output", report, "--store-session", tmp_path / "state", "--flush-session"]
    command += [
        "--cookie",
        cookies,
        "--header",
        f"Origin: {served.system.url}",
        "--exclude",
        f"{served.system.url}/patient/*/close",
    ]
    command += ["--max-scan-time", "30", "--max-attack-time", "5", "--level", "1", "--tasks", "8", "--verbose", "0"]
    # An answer that is slow because the machine is busy is no finding.
    command += ["--store-config", tmp_path / "config", "--detailed-report", "1", "--timeout", "30"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    said = json.loads(report.read_text())
    assert said["infos"]["crawled_pages_nbr"] >= 5, said["infos"]
    found = {**said["vulnerabilities"], **said["anomalies"]}
    return [
        f"{kind}: {each['method']} {each['path']}: {each['info']}" for kind, all_of in found.items() for each in all_of
    ]


def test_a_web_scanner_with_an_open_chart_finds_nothing(served: Served, wapiti: Path, tmp_path: Path) -> None:
    found = scan(served, wapiti, tmp_path, start=f"{served.chart}/summary", cookie=served.cookie)
    # Served without TLS on this machine, where a Secure cookie would not come back: tests/rooms/launch/test_routes.py
    # holds that it is Secure wherever the address is https.
    found = [each for each in found if not each.startswith("Secure Flag cookie")]
    assert found == [], "\n".join(found)
