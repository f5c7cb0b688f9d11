"""The listener: order, limits, slowness, loss of delivery, TLS. Real sockets on the loopback."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from carerecord.settings import Settings
from carerecord.sources.framing import frame
from carerecord.sources.mllp_server import WAITING_MAX, Listener, Peer, serve
from carerecord.sources.tls import TlsDoesNotFit, tls_context

MESSAGE = b"MSH|^~\\&|A|B|||20261112||ADT^A01|%d|P|2.4\rPID|1\r"
SETTINGS = Settings(listen_port=0)


async def echo(message: bytes, peer: Peer) -> bytes:
    return b"ACK of " + message


@asynccontextmanager
async def listening(
    deliver: Callable[[bytes, Peer], Awaitable[bytes]] = echo, settings: Settings = SETTINGS, **limits: float
) -> AsyncIterator[Listener]:
    listener = await serve(settings, deliver=deliver, **limits)
    try:
        yield listener
    finally:
        await listener.stop()


async def connected(listener: Listener, **tls: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", listener.port, **tls)


async def answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        return (await reader.readuntil(b"\x1c\r"))[1:-2]


async def ended(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(5):
        try:
            return await reader.read() == b""
        except ConnectionError:
            return True


async def test_a_message_is_delivered_and_its_answer_sent_back() -> None:
    async with listening() as listener:
        reader, writer = await connected(listener)
        writer.write(frame(MESSAGE % 1))
        assert await answer(reader) == b"ACK of " + MESSAGE % 1
        writer.close()


async def test_messages_sent_without_waiting_are_answered_in_their_order() -> None:
    async def slower_at_first(message: bytes, peer: Peer) -> bytes:
        await asyncio.sleep(0.02 if b"|0|" in message else 0)
        return message

    async with listening(slower_at_first) as listener:
        reader, writer = await connected(listener)
        sent = [MESSAGE % number for number in range(100)]
        writer.write(b"".join(frame(message) for message in sent))
        assert [await answer(reader) for _ in sent] == sent
        writer.close()


async def test_many_connections_are_heard_at_once() -> None:
    async with listening() as listener:

        async def send_some(sender: int) -> None:
            reader, writer = await connected(listener)
            for number in range(5):
                writer.write(frame(MESSAGE % (sender * 10 + number)))
                assert await answer(reader) == b"ACK of " + MESSAGE % (sender * 10 + number)
            writer.close()

        await asyncio.gather(*(send_some(sender) for sender in range(40)))


async def test_slow_delivery_stops_the_reading() -> None:
    may_go = asyncio.Event()
    delivered = []

    async def held_up(message: bytes, peer: Peer) -> bytes:
        await may_go.wait()
        delivered.append(message)
        return b"ok"

    async with listening(held_up) as listener:
        reader, writer = await connected(listener)
        sent = WAITING_MAX * 20
        big = MESSAGE % 1 + b"x" * 40_000
        flood = asyncio.ensure_future(flooded(writer, frame(big), sent))
        await asyncio.sleep(0.2)
        assert not flood.done(), "the network must hold what the listener does not take"
        assert listener.held_bytes < 2_000_000
        may_go.set()
        for _ in range(sent):
            assert await answer(reader) == b"ok"
        await flood
        assert len(delivered) == sent
        writer.close()


async def flooded(writer: asyncio.StreamWriter, message: bytes, times: int) -> None:
    for _ in range(times):
        writer.write(message)
        await writer.drain()


async def test_a_message_above_the_limit_is_answered_ar_after_those_before_it_and_closed() -> None:
    settings = msgspec.structs.replace(SETTINGS, listen_message_bytes_max=1000)
    async with listening(settings=settings) as listener:
        reader, writer = await connected(listener)
        writer.write(frame(MESSAGE % 1) + frame(MESSAGE % 2 + b"x" * 2000))
        assert await answer(reader) == b"ACK of " + MESSAGE % 1
        refused = await answer(reader)
        assert b"MSA|AR|2|" in refused
        assert b"larger than 1000 bytes" in refused
        assert await ended(reader)
        writer.close()


async def test_a_delivery_that_fails_closes_without_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    async def broken(message: bytes, peer: Peer) -> bytes:
        raise RuntimeError("9990001234 must never be said aloud")

    async with listening(broken) as listener:
        reader, writer = await connected(listener)
        writer.write(frame(MESSAGE % 1))
        assert await ended(reader)
        writer.close()
    said = capsys.readouterr().err
    assert "DELIVERY_FAILED" in said
    assert "9990001234" not in said


async def test_silence_is_ended_after_the_limit() -> None:
    settings = msgspec.structs.replace(SETTINGS, listen_idle_seconds_max=0)
    async with listening(settings=settings) as listener:
        reader, writer = await connected(listener)
        assert await ended(reader)
        writer.close()


async def test_a_message_that_comes_drop_by_drop_is_ended_after_the_limit() -> None:
    async with listening(frame_seconds_max=0.1) as listener:
        reader, writer = await connected(listener)
        closing = asyncio.ensure_future(ended(reader))
        for byte in b"\x0b" + MESSAGE % 1:
            if closing.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
        assert await closing
        writer.close()


async def test_what_does_not_speak_mllp_is_closed() -> None:
    async with listening() as listener:
        reader, writer = await connected(listener)
        writer.write(b"GET / HTTP/1.1\n" * 10_000)
        assert await ended(reader)
        writer.close()


async def test_more_connections_than_the_limit_are_refused() -> None:
    settings = msgspec.structs.replace(SETTINGS, listen_connections_max=2)
    async with listening(settings=settings) as listener:
        first, second = await connected(listener), await connected(listener)
        await asyncio.sleep(0.02)
        third = await connected(listener)
        assert await ended(third[0])
        first[1].close()
        await asyncio.sleep(0.02)
        reader, writer = await connected(listener)
        writer.write(frame(MESSAGE % 1))
        assert await answer(reader)
        for each in (second[1], third[1], writer):
            each.close()


async def test_stopping_finishes_what_was_delivered_and_takes_nothing_more() -> None:
    delivered = []

    async def slow(message: bytes, peer: Peer) -> bytes:
        delivered.append(message)
        await asyncio.sleep(0.1)
        return b"done"

    listener = await serve(SETTINGS, deliver=slow)
    reader, writer = await connected(listener)
    writer.write(frame(MESSAGE % 1) + frame(MESSAGE % 2))
    await asyncio.sleep(0.03)
    await listener.stop()
    assert await answer(reader) == b"done"
    assert await ended(reader)
    assert delivered == [MESSAGE % 1]
    with pytest.raises(OSError):
        await connected(listener)
    writer.close()


async def test_a_sender_that_closes_its_half_still_gets_its_answer() -> None:
    async def slow(message: bytes, peer: Peer) -> bytes:
        await asyncio.sleep(0.05)
        return b"late"

    async with listening(slow) as listener:
        reader, writer = await connected(listener)
        writer.write(frame(MESSAGE % 1))
        writer.write_eof()
        assert await answer(reader) == b"late"
        assert await ended(reader)
        writer.close()


# --- TLS --------------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str, issuer: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
    """A key and a certificate for `name`, written to the folder; signed by itself, or by an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - datetime.timedelta(minutes=1))
        .not_valid_after(at + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    signed = builder.sign(issuer[0] if issuer else key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return key, signed


@pytest.fixture
def over_tls(tmp_path: Path) -> Settings:
    authority = certificate(tmp_path, "authority")
    for name in ("server", "lab.example"):
        certificate(tmp_path, name, authority)
    return msgspec.structs.replace(
        SETTINGS,
        listen_tls_certificate=str(tmp_path / "server.pem"),
        listen_tls_key=str(tmp_path / "server.key"),
        listen_tls_client_authority=str(tmp_path / "authority.pem"),
    )


def client_context(folder: Path, certificate_name: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    if certificate_name:
        context.load_cert_chain(folder / f"{certificate_name}.pem", folder / f"{certificate_name}.key")
    return context


async def test_over_tls_the_client_certificate_says_who_the_peer_is(over_tls: Settings, tmp_path: Path) -> None:
    peers = []

    async def remember(message: bytes, peer: Peer) -> bytes:
        peers.append(peer)
        return b"ok"

    async with listening(remember, over_tls) as listener:
        context = client_context(tmp_path, "lab.example")
        reader, writer = await connected(listener, ssl=context, server_hostname="localhost")
        writer.write(frame(MESSAGE % 1))
        assert await answer(reader) == b"ok"
        writer.close()
    assert peers[0].certificate_subject == "commonName=lab.example"


async def test_no_name_in_a_certificate_passes_for_two(over_tls: Settings, tmp_path: Path) -> None:
    key, signed = certificate(tmp_path, "authority")
    certificate(tmp_path, "lab.example,organizationName=Barts", (key, signed))
    certificate(tmp_path, "server", (key, signed))
    subjects = []

    async def remember(message: bytes, peer: Peer) -> bytes:
        subjects.append(peer.certificate_subject)
        return b"ok"

    async with listening(remember, over_tls) as listener:
        context = client_context(tmp_path, "lab.example,organizationName=Barts")
        reader, writer = await connected(listener, ssl=context, server_hostname="localhost")
        writer.write(frame(MESSAGE % 1))
        assert await answer(reader) == b"ok"
        writer.close()
    assert subjects == ["commonName=lab.example\\,organizationName=Barts"]


def test_what_cannot_be_used_for_tls_is_named_with_its_setting(over_tls: Settings, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate")
    locked = tmp_path / "locked.key"
    key = serialization.load_pem_private_key((tmp_path / "server.key").read_bytes(), None)
    behind = serialization.BestAvailableEncryption(b"words")
    locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, behind))
    tls_context(over_tls)
    for setting, file in (
        ("listen_tls_key", tmp_path / "nowhere"),
        ("listen_tls_certificate", rubbish),
        ("listen_tls_key", locked),
        ("listen_tls_key", tmp_path / "lab.example.key"),
        ("listen_tls_client_authority", rubbish),
    ):
        with pytest.raises(TlsDoesNotFit, match=f"CARERECORD_{setting.upper()}.* correct it"):
            tls_context(msgspec.structs.replace(over_tls, **{setting: str(file)}))


async def test_over_tls_a_client_without_certificate_is_not_heard(over_tls: Settings, tmp_path: Path) -> None:
    delivered = []

    async def remember(message: bytes, peer: Peer) -> bytes:
        delivered.append(message)
        return b"ok"

    async with listening(remember, over_tls) as listener:
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await sent_without_certificate(listener, tmp_path)
    assert delivered == []


async def sent_without_certificate(listener: Listener, folder: Path) -> None:
    reader, writer = await connected(listener, ssl=client_context(folder, None), server_hostname="localhost")
    writer.write(frame(MESSAGE % 1))
    await answer(reader)
