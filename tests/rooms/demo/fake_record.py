"""Stands in for the record where only its outside matters: answers HL7 v2, remembers it, stops on SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path


async def main() -> None:
    home = Path(os.environ["CARERECORD_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                frame = await reader.readuntil(b"\x1c\r")
                control_id = frame.split(b"|", 10)[9].decode()
                with (home / "received").open("a") as received:
                    received.write(control_id + "\n")
                writer.write(b"\x0bMSH|^~\\&|A|B|C|D|1||ACK|1|P|2.4\rMSA|AA|" + control_id.encode() + b"\r\x1c\r")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    port = int(os.environ["CARERECORD_LISTEN_PORT"])
    server = await asyncio.start_server(hear, os.environ["CARERECORD_LISTEN_HOST"], port, limit=1 << 24)
    print("carerecord: ready", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
