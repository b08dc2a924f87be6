"""A request and its reply on the wire, where http.client alone would lose the reply."""

import http.client
import socket
import subprocess
import sys
import textwrap
import threading

import pytest
from phoenix_ngas import request
from phoenix_ngas.exchange import NoReply, Server, exchange
from phoenix_ngas.local_file import measured


def server_of(fake, **times):
    return Server("http", "127.0.0.1", fake.server_address[1], **times)


def upload(path, mime_type="application/fits"):
    return request.archive(measured(path), "QARCHIVE", mime_type, 0)


@pytest.fixture
def large(tmp_path):
    """A file that does not fit into what the kernel keeps of a connection."""
    path = tmp_path / "large.fits"
    with path.open("wb") as file:
        file.truncate(30_000_000)
    return path


def test_a_refusal_before_the_body_is_read_is_read(server, large):
    for _ in range(5):
        reply = exchange(server_of(server), upload(large, "no/such"))
        assert (reply.code, reply.message) == (400, "Unknown mime type: no/such")
    assert server.rows == []


def test_http_client_alone_loses_that_refusal(server, large):
    asked = upload(large, "no/such")
    connection = http.client.HTTPConnection(*server.server_address)
    with large.open("rb") as file, pytest.raises((BrokenPipeError, ConnectionError)):
        connection.request("POST", asked.target, file, dict(asked.headers))
    connection.close()


def test_a_reset_does_not_make_a_reply_unsaid(server):
    server.faults += [("STATUS", "busy")]
    assert exchange(server_of(server), request.status("x")).code == 503


def test_whether_the_whole_request_went_is_told(server, large):
    outcomes = {"hangup": False, "reset_mid": False, "unstored": True}
    for fault, is_sent in outcomes.items():
        server.faults += [("QARCHIVE", fault)]
        with pytest.raises(NoReply) as outcome:
            exchange(server_of(server), upload(large))
        assert outcome.value.is_sent is is_sent, fault


def test_a_server_that_takes_no_more_bytes_is_left(large):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        with pytest.raises(NoReply, match=r"took no more bytes for 0\.2 s"):
            exchange(Server("http", "127.0.0.1", port, timeout=0.2), upload(large))


def test_what_was_sent_is_told_on_the_way(server, large):
    told = []
    exchange(server_of(server), upload(large), told.append)
    assert sum(told) == 30_000_000
    assert max(told) <= 1 << 20


def test_the_address_may_be_one_of_ipv6():
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")

    def answer():
        connection, _ = listening.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.0 503 Service Unavailable\r\n\r\n")
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    server = Server("http", "::1", listening.getsockname()[1])
    assert exchange(server, request.status("x")).code == 503
    assert server.url == f"http://[::1]:{server.port}"
    thread.join()
    listening.close()


MEMORY = """
import resource
import sys
from pathlib import Path
from phoenix_ngas import request
from phoenix_ngas.exchange import Server, exchange
from phoenix_ngas.local_file import measured

server = Server("http", "127.0.0.1", int(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
file = measured(Path(sys.argv[2]))
reply = exchange(server, request.archive(file, "QARCHIVE", "application/fits", 0))
assert reply.is_success, reply
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_file_takes_no_more_memory_than_a_small_one(server, tmp_path):
    path = tmp_path / "cube.fits"
    with path.open("wb") as file:
        file.truncate(80_000_000)
    code, port = textwrap.dedent(MEMORY), server.server_address[1]
    done = subprocess.run(
        [sys.executable, "-c", code, str(port), path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 10_000  # kB
    assert server.find("cube.fits")["size"] == 80_000_000
