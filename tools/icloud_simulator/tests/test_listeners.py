import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop

from icloud_simulator.asgi import Receive, Scope, Send
from icloud_simulator.listeners import Listeners


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_small_answers_leave_at_once(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    seen: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        connection = scope["transport"].get_extra_info("socket")
        seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await receive()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def asked() -> bytes:
        listeners = Listeners("127.0.0.1")
        port = await listeners.open(app)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        await listeners.close_all()
        return answer

    with asyncio.Runner(loop_factory=new_loop) as runner:
        answer = runner.run(asked())

    assert answer.startswith(b"HTTP/1.1 204")
    assert seen
    assert all(seen)
