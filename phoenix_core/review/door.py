"""Who may come in: one browser of the person who started the review, and nobody else.

The address that is told has a token that works once; the browser that brings it gets a
cookie. All pages lie below a path that cannot be guessed, so that the cookie goes to no
other server of this machine. Requests that name another host (DNS rebinding), or come
from a page of somebody else, get nothing.
"""

import hmac
import secrets
import threading
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

HOST: Final = "127.0.0.1"
_BYTES: Final = 32


@frozen
class Request:
    """A request as far as it is listened to: no path of it ever names a file."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    host: str = ""
    origin: str = ""
    cookies: tuple[str, ...] = ()  # name=value


@define
class Door:
    """The door of a review that is served at a port."""

    port: int
    room: str = field(factory=lambda: secrets.token_urlsafe(_BYTES // 2))
    form_key: str = field(factory=lambda: secrets.token_urlsafe(_BYTES))
    _token: str = field(factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)
    _cookie: str = field(factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)
    _is_used: bool = False
    _lock: threading.Lock = field(factory=threading.Lock, repr=False)

    @property
    def base(self) -> str:
        """The path below which all pages lie."""
        return f"/{self.room}/"

    @property
    def url(self) -> str:
        """The address to open, once."""
        return f"http://{HOST}:{self.port}{self.base}?token={self._token}"

    @property
    def cookie(self) -> str:
        """What the browser that came first is given."""
        told = f"{self._name}={self._cookie}; Path={self.base}"
        return f"{told}; HttpOnly; SameSite=Strict"

    @property
    def _name(self) -> str:
        return f"phoenix_review_{self.port}"

    def refusal(self, request: Request) -> str:
        """Say why a request is not listened to, whoever sends it; '' if it is."""
        hosts = {f"{HOST}:{self.port}", f"localhost:{self.port}"}
        if request.host not in hosts:
            return "this is no address of the review"
        if request.origin and request.origin != f"http://{request.host}":
            return "this comes from another page"
        if request.method == "POST" and not request.origin:
            return "this comes from no page of the review"
        return ""

    def is_known(self, request: Request) -> bool:
        """Whether a request has the cookie; one that writes, the key of a form, too."""
        wanted = f"{self._name}={self._cookie}"
        is_known = any([_is_same(cookie, wanted) for cookie in request.cookies])  # noqa: C419, as long for each
        if request.method != "POST":
            return is_known
        return is_known and _is_same(request.form.get("key", ""), self.form_key)

    def enter(self, token: str) -> bool:
        """Let the one browser in that brings the token first."""
        with self._lock:
            is_right = _is_same(token, self._token) and not self._is_used
            self._is_used = self._is_used or is_right
        return is_right


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
