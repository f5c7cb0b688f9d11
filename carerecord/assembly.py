"""Where the parts are put together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette

from carerecord import (
    access,
    api,
    audit,
    clock,
    database,
    disclosure,
    formats,
    intake,
    launch,
    logs,
    signin,
    sources,
    stewardship,
    web,
)
from carerecord.organisations import Region, read_region
from carerecord.record import dictionary, fold
from carerecord.routing import starlette_routes
from carerecord.settings import Settings
from carerecord.sources import drop_folder, mllp_server
from carerecord.stewardship import administration, attestations, removal_ledger
from carerecord.stewardship.administration import AdministrationDesk
from carerecord.stewardship.examining import Examining
from carerecord.stewardship.guardian import GuardianDesk
from carerecord.stewardship.in_force.keeping import InForce, following
from carerecord.stewardship.in_force.sealing_key import keep_sealing_key
from carerecord.stewardship.listed import ListedDesk
from carerecord.stewardship.objections import Objections
from carerecord.stewardship.own_objections import OwnObjections
from carerecord.stewardship.proposals import Proposals
from carerecord.stewardship.records import RecordsDesk
from carerecord.stewardship.relabelling import keep_relabelled
from carerecord.stewardship.removal_desk import RemovalDesk
from carerecord.stewardship.removing import keep_removed
from carerecord.stewardship.safety import Safety
from carerecord.stewardship.subject_access import SubjectAccessDesk, keep_making
from carerecord.stewardship.telling import keep_told
from carerecord.stewardship.watch import keep_watching

FOLD_PATIENTS_AT_ONCE = 200
REST_SECONDS = 5.0
STOP_SECONDS_MAX = 10
NOTE_SECONDS = 5.0
PUSHES_MAX = 64  # at once: each is translated and kept, its body already here
PUSH_CONNECTIONS_MAX = 1024  # open, most of them at rest: a region's systems keep theirs


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the mouths may use: doors and sign-in, nothing behind them."""

    door: disclosure.Door
    sessions: signin.Sessions
    watch: signin.Watch  # of the pages that are open now
    arrivals: signin.Arrivals
    attestations: attestations.Attestations
    clients: signin.Clients
    examining: Examining
    cis2: signin.Cis2 | None
    privacy: stewardship.PrivacyDesk
    nhs_login: signin.NHSLogin | None
    ledger: stewardship.Ledger
    ledger_desk: stewardship.LedgerDesk
    own_objections: OwnObjections
    guardian: GuardianDesk
    administration: AdministrationDesk
    proposals: Proposals
    objections: Objections
    records: RecordsDesk
    subject_access: SubjectAccessDesk
    listed: ListedDesk
    removals: RemovalDesk
    safety: Safety
    pages: web.Pages
    region: Region
    settings: Settings
    clock: Callable[[], datetime] = clock.now


async def prepare(chosen: Settings) -> list[str]:
    """Schema, roles, grants and dictionaries as this version needs them. Returns the migrations applied."""
    applied = await database.migrate(chosen)
    audit.make_folders(chosen)
    async with database.connect(chosen, "owner") as db:
        await dictionary.ensure_dictionaries(db, at=clock.now())
    return applied


async def prepare_to_run(chosen: Settings) -> list[str]:
    """As `prepare`, for who will hear and show: refuses a database that was restored without its later removals."""
    applied = await prepare(chosen)
    async with database.connect(chosen, "owner") as db:
        await removal_ledger.check(db, chosen)
    return applied


async def listen(chosen: Settings) -> None:
    """Hears messages and appends them, until told to stop; what was delivered is finished first."""
    region = read_region(chosen.region)
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(database.connect(chosen, "listen"))
        await removal_ledger.check(db, chosen)
        hearing = sources.Hearing(db)
        await hearing.recall()
        await intake.note_lists(db, region.sensitive_codes, at=clock.now())
        taking = intake.Intake(db, region, chosen, clock=clock.now, random_key=clock.random_key, heard=hearing.heard)
        stack.push_async_callback(_last_note, hearing)
        stack.push_async_callback(taking.close)
        noting = asyncio.create_task(_note(hearing))
        stack.callback(noting.cancel)

        def deliver(content: bytes, peer: mllp_server.Peer) -> asyncio.Future[bytes]:
            return taking.acknowledge(content, received_at=clock.now(), certificate=peer.certificate_subject)

        server = await mllp_server.serve(chosen, deliver=deliver)
        stack.push_async_callback(server.stop)
        if chosen.listen_fhir_port:
            await hear_pushes(stack, chosen, region, db, taking)
        if chosen.drop_folder:
            _watch_drops(stack, chosen, region, taking)
        _settle_memory()
        await _told_to_stop()


async def _note(hearing: sources.Hearing) -> None:
    """Notes every few seconds what was heard, until cancelled."""
    while True:
        await asyncio.sleep(NOTE_SECONDS)
        await _last_note(hearing)


async def _last_note(hearing: sources.Hearing) -> None:
    try:
        await hearing.note(at=clock.now())
    except (database.DatabaseLost, database.DatabaseRefused, OSError) as lost:
        logs.say(logs.Line.DATABASE_LOST, kind=type(lost).__name__)


async def hear_pushes(
    stack: AsyncExitStack, chosen: Settings, region: Region, db: database.Database, taking: intake.Intake
) -> None:
    """FHIR over HTTP, until the stack is left; a request under way is finished first."""
    formats.fhir.warm()
    parts = api.PushParts(
        intake=taking,
        clients=signin.Clients(db, region, chosen, route="push"),
        region=region,
        settings=chosen,
        clock=clock.now,
        bodies=api.Bodies(chosen, turns=PUSHES_MAX),
        turns=asyncio.Semaphore(PUSHES_MAX),
    )
    family = socket.AF_INET6 if ":" in chosen.listen_host else socket.AF_INET
    listening = socket.create_server((chosen.listen_host, chosen.listen_fhir_port), family=family)
    # asyncio sees to it for sockets that it makes itself. Without it every answer waits 40 ms for the other side's ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _silence_uvicorn()
    server = PushServer(
        uvicorn.Config(
            push_application(parts),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            limit_concurrency=PUSH_CONNECTIONS_MAX,
            ssl_certfile=chosen.listen_tls_certificate or None,
            ssl_keyfile=chosen.listen_tls_key or None,
            ssl_ca_certs=chosen.listen_tls_client_authority or None,
            ssl_cert_reqs=ssl.CERT_REQUIRED if chosen.listen_tls_client_authority else ssl.CERT_NONE,
            timeout_graceful_shutdown=STOP_SECONDS_MAX,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))

    async def stop() -> None:
        server.should_exit = True
        await asyncio.wait([serving])

    stack.push_async_callback(stop)
    logs.say(logs.Line.LISTENING_FHIR, port=chosen.listen_fhir_port)


class PushServer(uvicorn.Server):
    """Ends when its process is told to, which hears the signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def push_application(parts: api.PushParts) -> Starlette:
    """What hears pushes, as an ASGI application. Raises RouteWithoutAccess before anything is heard."""
    app = Starlette(routes=starlette_routes(api.push_routes))
    app.state.parts = parts
    return app


def _watch_drops(stack: AsyncExitStack, chosen: Settings, region: Region, taking: intake.Intake) -> None:
    known = {source.id: source for source in region.sources}

    async def deliver(source: str, dropped: formats.document.Dropped) -> tuple[str, ...]:
        return await taking.drop(dropped, source=known[source], received_at=clock.now())

    watching = asyncio.create_task(
        drop_folder.watch(
            Path(chosen.drop_folder), sources=known, deliver=deliver, bytes_max=chosen.listen_message_bytes_max
        )
    )

    async def stop() -> None:
        watching.cancel()
        await asyncio.wait([watching])

    stack.push_async_callback(stop)


async def work(chosen: Settings) -> None:
    """Folds what waits, makes room for tomorrow, seals the audit, and removes what is withdrawn, until told to stop."""
    region = read_region(chosen.region)
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(database.connect(chosen, "work"))
        stopping = asyncio.create_task(_told_to_stop())
        stack.push_async_callback(_end, asyncio.create_task(audit.keep_sealed(db, chosen, clock=clock.now)))
        reconciling = attestations.keep_reconciled(db, region, clock=clock.now)
        stack.push_async_callback(_end, asyncio.create_task(reconciling))
        watching = keep_watching(
            db, region, registers=chosen.staff_registers, clock=clock.now, random_key=clock.random_key
        )
        stack.push_async_callback(_end, asyncio.create_task(watching))
        stack.push_async_callback(_end, asyncio.create_task(keep_removed(db, chosen, clock=clock.now)))
        stack.push_async_callback(_end, asyncio.create_task(keep_relabelled(chosen, region, clock=clock.now)))
        telling = keep_told(db, region, clock=clock.now, random_key=clock.random_key)
        stack.push_async_callback(_end, asyncio.create_task(telling))
        making = keep_making(db, region, clock=clock.now, random_key=clock.random_key)
        stack.push_async_callback(_end, asyncio.create_task(making))
        renewing = keep_sealing_key(db, chosen, clock=clock.now)
        stack.push_async_callback(_end, asyncio.create_task(renewing))
        going = fold.Round()
        while not stopping.done():
            folded = 0
            try:
                await database.make_partitions(db)
                folded = await fold.fold_some(db, patients_max=FOLD_PATIENTS_AT_ONCE, at=clock.now(), going=going)
            except database.DatabaseLost:
                logs.say(logs.Line.DATABASE_LOST)
            if folded:
                logs.say(logs.Line.FOLDED, patients=folded)
            else:
                await asyncio.wait({stopping}, timeout=REST_SECONDS)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def serve(chosen: Settings) -> None:
    """Serves people and programs until told to stop; a request under way is finished first."""
    region = read_region(chosen.region)
    async with AsyncExitStack() as stack:
        parts = await open_parts(stack, chosen, region)
        _settle_memory()
        _silence_uvicorn()
        server = uvicorn.Server(
            uvicorn.Config(
                application(parts),
                host=chosen.serve_host,
                port=chosen.serve_port,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=STOP_SECONDS_MAX,
            )
        )
        parts.watch.is_stopping = lambda: server.should_exit  # An open page must not hold up the end.
        logs.say(logs.Line.SERVING, port=chosen.serve_port)
        with contextlib.suppress(KeyboardInterrupt):
            await server.serve()


def _say_reviews_due() -> None:
    if due := access.reviews_due(on=clock.now().date()):
        logs.say(logs.Line.POLICY_REVIEW_DUE, reviews=len(due))


async def open_parts(stack: AsyncExitStack, chosen: Settings, region: Region) -> Parts:
    base = access.read_in_force(chosen.policy_narrowing)  # Raises PolicyDoesNotFit before anything is reached.
    db = await stack.enter_async_context(database.connect(chosen, "serve"))
    allowance = signin.Allowance(chosen)  # one for people and programs: an organisation's is counted over both
    await removal_ledger.check(db, chosen)
    await dictionary.load(db)
    writer = await stack.enter_async_context(audit.Writer.open(db))
    agreed = await stack.enter_async_context(following(InForce(db, writer, base=base, clock=clock.now)))
    _say_reviews_due()
    proposals = Proposals(db, writer, region, acts=administration.ACTS, changed=agreed.tell)
    return Parts(
        door=disclosure.Door(
            db,
            writer,
            region,
            public_url=chosen.public_url,
            emergency_cases=stewardship.EmergencyCases(db, writer, region),
        ),
        sessions=signin.Sessions(db, chosen, region=region, allowance=allowance),
        watch=signin.Watch(db, idle_seconds_max=chosen.session_idle_seconds_max),
        arrivals=signin.Arrivals(db, region=region),
        attestations=attestations.Attestations(db, writer, region),
        clients=signin.Clients(db, region, chosen, allowance=allowance),
        examining=Examining(db, writer, region, public_url=chosen.public_url),
        cis2=signin.Cis2(db, region, chosen) if region.sign_in else None,
        privacy=stewardship.PrivacyDesk(db, writer, region),
        nhs_login=signin.NHSLogin(db, region, chosen) if region.person_sign_in else None,
        ledger=stewardship.Ledger(db, writer, region),
        ledger_desk=stewardship.LedgerDesk(db, writer, region),
        own_objections=OwnObjections(Objections(db, writer, region)),
        guardian=GuardianDesk(db, writer, region, chosen, proposals, agreed),
        administration=AdministrationDesk(db, writer, region, chosen, proposals),
        proposals=proposals,
        objections=Objections(db, writer, region),
        records=RecordsDesk(db, writer, region, chosen),
        subject_access=SubjectAccessDesk(region, chosen),
        listed=ListedDesk(region, chosen),
        removals=RemovalDesk(region, chosen, proposals),
        safety=Safety(db, writer, region),
        pages=web.Pages(),
        region=region,
        settings=chosen,
    )


def application(parts: Parts) -> Starlette:
    """The three mouths as one ASGI application.

    Raises RouteWithoutAccess and RegionDoesNotFit before anything is served.
    """
    web.check_framing(parts.region, parts.settings)
    table = (*web.routes, *launch.routes, *api.routes)
    app = Starlette(
        routes=starlette_routes(table),
        middleware=web.middleware(parts.settings),
        exception_handlers=web.exception_handlers(),
    )
    app.state.parts, app.state.table = parts, table
    return app


def _silence_uvicorn() -> None:
    """A traceback may quote what a patient's record holds: the catalogue of logs is the only voice."""
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    logging.getLogger("uvicorn").propagate = False


def _settle_memory() -> None:
    """What lives as long as the process is no longer looked through by the collector: it halves the slowest answers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
