"""One request to a server and its reply, in constant memory and bounded time.

A server that refuses replies before it has read the body, and hangs up: sending ends
with EPIPE or ECONNRESET, and why is still there to be read. `http.client` reads a
reply, `http.client.HTTPConnection.request` would lose it.
"""

import http.client
import io
import ssl
import time
from collections.abc import Mapping

from attrs import field, frozen

from phoenix_ngas.local_file import Progress, no_progress
from phoenix_ngas.reply import LARGEST, NgasReply, read_reply
from phoenix_ngas.request import Request

AGENT = "phoenix-ngas"


class NoReply(Exception):  # noqa: N818, it is an outcome
    """No reply came; the message says how that was.

    Args:
        told: what happened, to follow the name of the server.
        is_sent: whether the server has the whole request, and may have acted on it.
        is_of_file: whether it was given a file, which may be the cause: it is large.
    """

    def __init__(self, told: str, *, is_sent: bool, is_of_file: bool = False) -> None:
        super().__init__(told)
        self.is_sent = is_sent
        self.is_of_file = is_of_file


@frozen
class Server:
    """Where an NGAS server is, and how long it may be silent (seconds)."""

    scheme: str
    host: str
    port: int
    connect_timeout: float = 10.0
    timeout: float = 300.0
    headers: Mapping[str, str] = field(factory=dict, repr=False)  # who asks: a secret

    @property
    def url(self) -> str:
        """Its address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def exchange(
    server: Server, request: Request, progress: Progress = no_progress
) -> NgasReply:
    """Send a request, and return the reply, also one that came too early.

    Raises:
        NoReply: the server cannot be reached, hangs up or is silent.
        IngestionError: the file that is sent is not what it was; the connection is
            closed in the middle, so that nothing is stored.
    """
    connection = _connection(server)
    try:
        _connect(connection, server)
        is_sent = _send(connection, server, request, progress)
        return _receive(connection, server, request, is_sent=is_sent)
    finally:
        connection.close()


def _connection(server: Server) -> http.client.HTTPConnection:
    if server.scheme == "https":
        return http.client.HTTPSConnection(
            server.host,
            server.port,
            timeout=server.connect_timeout,
            context=ssl.create_default_context(),
        )
    return http.client.HTTPConnection(
        server.host, server.port, timeout=server.connect_timeout
    )


def _connect(connection: http.client.HTTPConnection, server: Server) -> None:
    try:
        connection.connect()
    except (OSError, UnicodeError) as error:  # a host may have no name at all
        told = f"cannot be reached: {getattr(error, 'strerror', '') or error}"
        raise NoReply(told, is_sent=False) from error
    connection.sock.settimeout(server.timeout)


def _send(
    connection: http.client.HTTPConnection,
    server: Server,
    request: Request,
    progress: Progress,
) -> bool:
    """Send a request; return whether all of it went.

    Where the server hung up, it may have said why.
    """
    headers = {"User-Agent": AGENT, "Connection": "close", **server.headers}
    try:
        connection.putrequest(request.method, request.target, skip_accept_encoding=True)
        for name, value in {**headers, **request.headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        for block in request.file.blocks() if request.file else ():
            connection.send(block)
            progress(len(block))
    except TimeoutError as error:
        told = f"took no more bytes for {server.timeout:g} s"
        is_of_file = request.file is not None
        raise NoReply(told, is_sent=False, is_of_file=is_of_file) from error
    except OSError:  # EPIPE, ECONNRESET
        return False
    return True


def _receive(
    connection: http.client.HTTPConnection,
    server: Server,
    request: Request,
    *,
    is_sent: bool,
) -> NgasReply:
    incoming = _Incoming(connection, time.monotonic() + server.timeout)
    response = http.client.HTTPResponse(
        incoming,  # type: ignore[arg-type]  # of a socket, it only takes makefile()
        method=request.method,
    )
    is_of_file = request.file is not None
    try:
        response.begin()
        content = response.read(LARGEST + 1)
    except TimeoutError as error:
        told = f"did not reply within {server.timeout:g} s"
        raise NoReply(told, is_sent=is_sent, is_of_file=is_of_file) from error
    except http.client.RemoteDisconnected as error:
        told = "closed the connection without a reply"
        if is_of_file:
            told = f"{told}; one with a full disk does that, ask its operator"
        raise NoReply(told, is_sent=is_sent, is_of_file=is_of_file) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        told = f"replied in no way that can be read ({type(error).__name__})"
        raise NoReply(told, is_sent=is_sent, is_of_file=is_of_file) from error
    finally:
        response.close()
    return read_reply(response.status, content)


class _Incoming(io.RawIOBase):
    """What a server sends until it closes or resets the connection, or time is over.

    A reset ends what came before it, and does not make it unsaid.
    """

    def __init__(self, connection: http.client.HTTPConnection, deadline: float) -> None:
        super().__init__()
        self._socket = connection.sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        try:
            return self._socket.recv_into(buffer)
        except ConnectionResetError:
            return 0
