"""A port that was chosen belongs to its stack before anybody listens there."""

import socket
import subprocess
import sys

import pytest

from local_stack.errors import CannotGoOn
from local_stack.ports import HOST, free_ports, is_free

_ELSEWHERE = "import sys; from local_stack.ports import free_ports; free_ports(1, among=[int(sys.argv[1])])"


def test_a_port_that_nobody_listens_on_yet_is_not_given_again() -> None:
    given = free_ports(2)

    with pytest.raises(CannotGoOn, match="No 1 free ports"):
        free_ports(1, among=given)


def test_a_port_is_not_given_by_another_process_either() -> None:
    (port,) = free_ports(1)

    elsewhere = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(port)], capture_output=True, text=True, check=False
    )

    assert elsewhere.returncode != 0
    assert "No 1 free ports" in elsewhere.stderr


def test_a_server_of_its_stack_listens_there_and_comes_back_after_it_ended() -> None:
    (port,) = free_ports(1)

    for _ in range(2):
        with socket.create_server((HOST, port)) as server, socket.create_connection((HOST, port)) as client:
            server.accept()[0].close()
            client.close()
            assert not is_free(port)

    assert is_free(port)
