"""What servers of the demo are started with."""

import socket

from collectors.demo.process import free_port


def test_a_free_port_is_none_that_an_outgoing_connection_is_given_and_nobody_listens_on_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as outgoing:
        given = outgoing.getsockname()[1]
    ports = {free_port() for _ in range(50)}
    assert max(ports) < 32_768 <= given
    assert len(ports) > 40
    with socket.create_server(("127.0.0.1", ports.pop())) as listening:
        assert listening.getsockname()[1] < 32_768
