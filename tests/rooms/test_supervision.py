"""`carerecord run`: it keeps its processes up, stops in order, and explains a user that does not fit."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import msgspec
import pytest

from carerecord.settings import Settings
from carerecord.supervision import STARTS_MAX, PortTaken, UserDoesNotFit, check_ports, check_users
from tests.system import System, free_port

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can give each process a user of its own.")


def test_a_process_that_ends_is_started_again_and_all_stop_in_order() -> None:
    with System() as system:
        before = system.pids()
        assert set(before) == {"run", "listen", "work", "serve", "postgres"}
        assert "the walls between them are database roles only" in system.log()
        system.kill("serve")
        until = time.monotonic() + 30
        while system.pids().get("serve") in (None, before["serve"]):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert "A process ended by itself" in system.log()
        assert system.stop() == 0
    assert [name for name, pid in before.items() if _is_running(pid)] == []


def test_a_second_run_in_one_home_is_refused_in_a_sentence() -> None:
    with System() as system:
        second = System(home=system.home)
        with pytest.raises(RuntimeError, match="Another carerecord runs"):
            second.start()


def test_a_data_centres_proxy_is_not_asked_whether_the_record_is_served() -> None:
    proxied = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}
    with System(environment={**proxied, "CARERECORD_SERVE_HOST": "::1"}) as system:
        assert '"line":"SERVING"' in system.log()


def test_what_stops_a_process_at_its_start_is_said_and_the_start_ends() -> None:
    system = System(environment={"CARERECORD_LISTEN_TLS_CERTIFICATE": "/nowhere/hears.pem"})
    with pytest.raises(RuntimeError, match=r"LISTEN_TLS_CERTIFICATE names /nowhere/hears\.pem, which cannot"):
        system.start()
    assert system.process
    assert system.process.poll() == 2
    assert system.log().count('"line":"CHILD_ENDED"') == STARTS_MAX
    assert "Traceback" not in system.log()


def test_a_port_that_someone_else_holds_is_named_with_its_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for setting in ("listen", "serve"):
            chosen = msgspec.structs.replace(
                Settings(listen_port=free_port(), serve_port=free_port()), **{f"{setting}_port": port}
            )
            with pytest.raises(PortTaken, match=f"127.0.0.1:{port} .*CARERECORD_{setting.upper()}_PORT"):
                check_ports(chosen)


def test_a_port_that_is_no_port_is_named_with_its_setting() -> None:
    with pytest.raises(PortTaken, match="CARERECORD_SERVE_PORT"):
        check_ports(Settings(listen_port=free_port(), serve_port=99_999))


def _is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


@root_only
@pytest.mark.root
def test_a_user_that_does_not_exist_is_named_with_its_setting() -> None:
    with pytest.raises(UserDoesNotFit, match="CARERECORD_USER_WORK names nobody-of-that-name"):
        check_users(msgspec.structs.replace(Settings(), user_work="nobody-of-that-name"))


@root_only
@pytest.mark.root
def test_a_user_who_cannot_run_python_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "python").write_text("#!/bin/sh\n")
    (hidden / "python").chmod(0o755)
    monkeypatch.setattr("sys.executable", str(hidden / "python"))
    with pytest.raises(UserDoesNotFit, match="who cannot run"):
        check_users(msgspec.structs.replace(Settings(), user_listen="daemon"))
