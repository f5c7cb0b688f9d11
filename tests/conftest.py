"""What every test may ask for: a database of its own, a browser, the foreign data; and async tests run plainly."""

from __future__ import annotations

import asyncio
import functools
import inspect
import itertools
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from carerecord import database
from carerecord.database.address import superuser_address
from carerecord.database.embedded import Server
from carerecord.settings import Settings
from tests import browser

_numbers = itertools.count(1)
LONGEST = ("tests/journeys/", "tests/leaks/test_leaks.py", "tests/safety/test_kill_nine.py")

# No test judges by the clock, Hypothesis included: a busy machine is not a fault. In CI the same examples come each
# time, so that a change is judged by what it changed; everywhere else new ones are tried.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that no process is left with it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Several processes share the tests out by file; one of them has all journeys, and starts the region once."""
    return _ByStage(config, log)


class _ByStage(LoadFileScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        starts_its_own = file.endswith("test_the_desks_have_work.py")
        return "tests/journeys" if file.startswith("tests/journeys/") and not starts_its_own else file


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """An `async def` test runs in an event loop of its own."""
    if inspect.iscoroutinefunction(inner := _hypothesis_inner(pyfuncitem.obj)):
        pyfuncitem.obj.hypothesis.inner_test = _run_plainly(inner)
        return None
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


def _hypothesis_inner(function: Callable[..., Any]) -> Callable[..., Any] | None:
    return getattr(getattr(function, "hypothesis", None), "inner_test", None)


def _run_plainly(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*positional: Any, **named: Any) -> None:
        asyncio.run(test(*positional, **named))  # type: ignore[arg-type]

    return run


@pytest.fixture(autouse=True)
def _closed_pages() -> Iterator[None]:
    """Pages end with the test that opened them; those of a whole file were opened before."""
    with browser.closing_pages():
        yield


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A home whose path leaves room for a socket's name and through which an unprivileged server can pass."""
    home = Path(tempfile.mkdtemp(prefix="carerecord-test-"))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def test_server() -> Iterator[Settings]:
    """One embedded server for the session, with a migrated database named `template` to be cloned."""
    home = Path(tempfile.mkdtemp(prefix="carerecord-test-"))
    settings = Settings(home=home)
    # Tests that prove durability start servers of their own; here waiting for the disk proves nothing.
    server = Server(settings, tuning={"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"})

    async def begin() -> None:
        await server.start()
        await _as_superuser(settings, "create database template owner carerecord_owner")
        await database.migrate(Settings(home=home, database=_dsn(settings, "template")))

    asyncio.run(begin())
    yield settings
    asyncio.run(server.stop())
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def settings(test_server: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A fresh, migrated database of this test's own, as its owner; other roles are taken on by SET ROLE."""
    with fresh_database(test_server, tmp_path) as fresh:
        yield fresh


@contextmanager
def fresh_database(test_server: Settings, folder: Path) -> Iterator[Settings]:
    """What `settings` gives, for whoever needs one for longer than a test."""
    name = f"test_{next(_numbers)}"
    asyncio.run(
        _as_superuser(test_server, f"create database {name} template template strategy wal_log owner carerecord_owner")
    )
    yield Settings(home=folder / "home", database=_dsn(test_server, name))
    asyncio.run(_as_superuser(test_server, f"drop database {name} with (force)"))


@pytest.fixture(scope="session")
def foreign_data() -> Path:
    """Examples that others published, never copied into the repository."""
    default = Path(__file__).resolve().parents[1] / "../shared/data"
    folder = Path(os.environ.get("CARERECORD_FOREIGN_DATA", default)).resolve()
    if not folder.is_dir():
        pytest.skip("The foreign data is not here: give its folder in CARERECORD_FOREIGN_DATA.")
    return folder


@pytest.fixture(scope="session")
def browser_path() -> str:
    """A Chromium that is installed on this machine."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("No Chromium is installed: install the package chromium to run the browser tests.")


def _dsn(settings: Settings, name: str) -> str:
    where = superuser_address(settings)
    return f"postgresql:///{name}?host={where['host']}&port={where['port']}&user=carerecord_owner"


async def _as_superuser(settings: Settings, statement: str) -> None:
    connection = await asyncpg.connect(**superuser_address(settings))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
