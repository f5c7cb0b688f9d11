"""The port for pushes as the listening process opens it: over TLS, asking for a certificate where one is set."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import msgspec
import pytest

from carerecord import assembly, database
from carerecord.settings import Settings
from tests.house import open_house
from tests.pushed import PUSHING_REGION
from tests.rooms.sources.test_mllp_server import certificate, client_context
from tests.system import free_port


async def test_over_tls_only_who_shows_a_certificate_is_heard(settings: Settings, tmp_path: Path) -> None:
    authority = certificate(tmp_path, "authority")
    for name in ("server", "gp.example"):
        certificate(tmp_path, name, authority)
    chosen = msgspec.structs.replace(
        settings,
        listen_fhir_port=free_port(),
        listen_tls_certificate=str(tmp_path / "server.pem"),
        listen_tls_key=str(tmp_path / "server.key"),
        listen_tls_client_authority=str(tmp_path / "authority.pem"),
    )
    address = f"https://localhost:{chosen.listen_fhir_port}/fhir"
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(chosen, region=PUSHING_REGION))
        listen = await stack.enter_async_context(database.connect(chosen, "listen"))
        await assembly.hear_pushes(stack, chosen, PUSHING_REGION, listen, house.intake)
        async with aiohttp.ClientSession() as client:
            known, stranger = client_context(tmp_path, "gp.example"), client_context(tmp_path, None)
            async with client.get(f"{address}/metadata", ssl=known) as answer:
                assert answer.status == 200
            async with client.post(address, data=b"{}", ssl=known) as answer:
                assert answer.status == 401
            with pytest.raises(aiohttp.ClientError):
                await client.get(f"{address}/metadata", ssl=stranger)
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientError):
            await client.get(f"{address}/metadata", ssl=known)


async def test_systems_that_keep_their_connections_open_shut_nobody_out(settings: Settings) -> None:
    """Many connections at rest are what a region is; only bodies under way wait for their turn."""
    chosen = msgspec.structs.replace(settings, listen_fhir_port=free_port())
    address = f"http://127.0.0.1:{chosen.listen_fhir_port}/fhir/metadata"
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(chosen, region=PUSHING_REGION))
        listen = await stack.enter_async_context(database.connect(chosen, "listen"))
        await assembly.hear_pushes(stack, chosen, PUSHING_REGION, listen, house.intake)
        at_rest = [await stack.enter_async_context(aiohttp.ClientSession()) for _ in range(assembly.PUSHES_MAX * 2)]
        for client in at_rest:
            async with client.get(address) as answer:
                assert answer.status == 200
