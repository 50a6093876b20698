"""Makes the simulated iCloud a loopback address: plain http goes to no other.

`python containers_loopback.py PORT HOST:PORT [PROGRAM …]` carries what comes to 127.0.0.1:PORT over to HOST:PORT, and
becomes the program, which so finds the simulator on its own machine; without a program it does nothing else.
Imports nothing of ours: the services' images get this one file.
"""

import asyncio
import os
import socket
import sys

_BYTES = 65_536


def main(arguments: list[str]) -> None:
    """Listen first, so that the program never finds the port closed."""
    port, there, *program = arguments
    # With the protocol named, asyncio turns Nagle's algorithm off, which would cost 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(port)))
    listener.listen(socket.SOMAXCONN)
    # The carrier is the child: the program keeps the process that the engine watches and signals.
    if not program or os.fork() == 0:
        asyncio.run(_carry(listener, *there.rsplit(":", 1)))
    listener.close()
    os.execvp(program[0], program)  # noqa: S606 - no shell is wanted


async def _carry(listener: socket.socket, host: str, port: str) -> None:
    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_there, to_there = await asyncio.open_connection(host, int(port))
        except OSError:  # whoever asked sees its connection end, as with a server that is down
            writer.close()
            return
        await asyncio.gather(_copy(reader, to_there), _copy(from_there, writer))

    async with await asyncio.start_server(met, sock=listener) as server:
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_BYTES):
            writer.write(data)
            await writer.drain()
    except ConnectionError:  # one side hung up: so does the other
        return
    finally:
        writer.close()


if __name__ == "__main__":
    main(sys.argv[1:])
