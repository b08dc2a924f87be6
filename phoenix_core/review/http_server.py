"""A small HTTP server on loopback: reads a request, asks for the answer, sends it.

What it does not know it refuses: other methods, long or chunked bodies, other kinds of
forms. Nothing is kept by a browser, shown in a frame of others, or fetched elsewhere.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qsl

from attrs import field, frozen

from phoenix_core.errors import CertificationError
from phoenix_core.review.door import HOST, Request

POLICY: Final = (
    "default-src 'none'; img-src 'self'; style-src {style}; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: forms would be sent with the origin null.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_LONGEST: Final = 64 * 1024  # bytes of a form (ours): a comment is a few lines
_MOST_FIELDS: Final = 10
_FORM: Final = "application/x-www-form-urlencoded"
_PATIENCE: Final = 30  # seconds for a request to come


@frozen
class Answer:
    """What is sent; `then` is called when it has been."""

    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)
    style: str = "'self'"
    then: Callable[[], None] | None = None


Site = Callable[[Request], Answer]


def told(status: int, text: str) -> Answer:
    """Make an answer of one line."""
    return Answer(f"{text}\n".encode(), "text/plain; charset=utf-8", status)


class Server(ThreadingHTTPServer):
    """A server on loopback; `site` answers the requests, in threads."""

    site: Site

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell defects, and nothing of browsers that go away."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def listening(port: int) -> Iterator[Server]:
    """Take a port of the loopback interface; 0 takes a free one.

    Raises:
        CertificationError: it cannot be had.
    """
    try:
        server = Server((HOST, port), _Handler)
    except OSError as error:
        raise CertificationError(
            f"port {port} of {HOST} cannot be had ({error.strerror}); give another "
            "--port, or none"
        ) from error
    with server:
        yield server


@contextlib.contextmanager
def serving(server: Server, site: Site) -> Iterator[None]:
    """Answer requests while the body runs."""
    server.site = site
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Reads one request; what it is answered is the site's business."""

    server: Server
    timeout = _PATIENCE

    def do_GET(self) -> None:
        self._send(self._asked({}))

    def do_POST(self) -> None:
        form = self._form()
        self._send(form if isinstance(form, Answer) else self._asked(form))

    def _asked(self, form: Mapping[str, str]) -> Answer:
        path, _, query = self.path.partition("?")
        hosts = self.headers.get_all("Host", [])
        cookies = ";".join(self.headers.get_all("Cookie", []))
        request = Request(
            method=self.command,
            path=path,
            query=_fields(query) or {},
            form=form,
            host=hosts[0] if len(hosts) == 1 else "",
            origin=" ".join(self.headers.get_all("Origin", [])),
            cookies=tuple(one.strip() for one in cookies.split(";")),
        )
        return self.server.site(request)

    def _form(self) -> Mapping[str, str] | Answer:
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get_all("Transfer-Encoding") or len(lengths) != 1:
            return told(411, "say how long it is")
        length = lengths[0]
        if not (length.isascii() and length.isdecimal()):
            return told(400, "that is no length")
        if len(length) > len(str(_LONGEST)) or int(length) > _LONGEST:
            return told(413, f"at most {_LONGEST} bytes are taken")
        if self.headers.get_content_type() != _FORM:
            return told(415, "only forms are taken")
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # the rest of a comment may be missing
            return told(400, "that ended too early")
        fields = _fields(body.decode("utf-8", "replace"))
        return told(400, "that is no form") if fields is None else fields

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        headers = {
            "Content-Type": answer.kind,
            "Content-Length": str(len(answer.body)),
            "Content-Security-Policy": POLICY.format(style=answer.style),
            "Connection": "close",
            **_HEADERS,
            **answer.headers,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        try:
            self.end_headers()
            self.wfile.write(answer.body)
        finally:  # also where nobody waits for it any more
            if answer.then:
                answer.then()

    def send_error(
        self,
        code: int,
        message: str | None = None,  # noqa: ARG002, it may repeat what was sent
        explain: str | None = None,  # noqa: ARG002
    ) -> None:
        """Answer what is no request, or asks for a method that is not known."""
        self._send(told(code, HTTPStatus(code).phrase))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: what others send is not for this terminal."""


def _fields(text: str) -> dict[str, str] | None:
    """The fields of a form or query, None for what is none."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace"
        )
    except ValueError:
        return None
    found = dict(pairs)
    return found if len(found) == len(pairs) else None
