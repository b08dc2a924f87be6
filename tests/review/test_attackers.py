"""Others on this machine, and pages of others in the same browser, get nothing."""

import contextlib
import re
import socket
from urllib.parse import urlencode

import pytest

from phoenix_core.errors import CertificationError
from phoenix_core.review.http_server import listening

HEADERS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def paths(served):
    base = served.door.base
    return (base, f"{base}1/", f"{base}review.js", f"{base}1/0/plot/0", "/", "/1/")


@pytest.fixture
def stranger(served, guest):
    """Another user of the machine, who came too late, and even knows the path."""
    return type(guest)(served.door.port, served.door.base)


def test_without_the_token_nothing_is_seen_and_nothing_said(served, guest, stranger):
    for path in paths(served):
        for cookie in ("", "x=y", f"phoenix_review_{served.door.port}=guessed"):
            status, headers, body = stranger.ask("GET", path, Cookie=cookie)
            assert (status, len(body) < 100) == (403, True)
            assert headers["Set-Cookie"] is None
    form = {**guest.form("1/"), "verdict": "accept"}
    assert stranger.post("1/verdict", form)[0] == 403
    assert stranger.post("finish", form)[0] == 403
    assert served.given == {}
    assert not served.over.is_set()


def test_the_token_works_once(served, guest, stranger):
    assert stranger.enter(served.door.url) == 403
    assert guest.enter(served.door.url) == 303  # the same browser may follow it again
    assert stranger.enter(re.sub("=.*", "=guess", served.door.url)) == 403


def test_a_wrong_token_does_not_use_up_the_right_one(serve, guest):
    served = serve()
    other = type(guest)(served.door.port)
    assert other.enter(re.sub("=.*", "=", served.door.url)) == 403
    assert other.enter(f"{served.door.url}x") == 403
    assert other.enter(served.door.url) == 303


HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "",
    "[::1]:{port}",
]


def test_a_foreign_host_gets_nothing_even_with_the_cookie(served, guest):
    for host in (text.format(port=served.door.port) for text in HOSTS):
        assert guest.ask("GET", f"{guest.base}1/", Host=host)[0] == 403
        assert guest.decide(1, "accept", Host=host)[0] == 403
    assert served.given == {}


def test_localhost_is_this_machine(served, guest):
    host = f"localhost:{served.door.port}"
    assert guest.ask("GET", f"{guest.base}1/", Host=host)[0] == 200
    origin = f"http://{host}"
    assert guest.decide(1, "accept", Host=host, Origin=origin)[0] == 303


ORIGINS = [
    "http://evil.example",
    "null",
    "http://127.0.0.1:1",
    "https://127.0.0.1:{port}",
    "",
]


def test_a_foreign_origin_says_nothing_even_with_cookie_and_key(served, guest):
    for origin in (text.format(port=served.door.port) for text in ORIGINS):
        assert guest.decide(1, "accept", Origin=origin)[0] == 403
    assert served.given == {}


def test_a_form_without_its_key_says_nothing(served, guest):
    form = {**guest.form("1/"), "verdict": "accept"}
    for key in ("", "x", form["key"][:-1]):
        assert guest.post("1/verdict", {**form, "key": key})[0] == 403
    assert served.given == {}


ADDRESSES = [
    "../../../etc/passwd",
    "1/0/plot/../../../../etc/passwd",
    "1/0/plot/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "1/0/plot//etc/passwd",
    "assets/review.js",
    "..%5c..%5cphoenix.toml",
    "1/0/plot/1",
    "1/0/plot/999999",
    "1/3/image",
    "0/",
    "3/",
    "99999999/",
    "-1/",
    "1/-1/image",
    "1/0/",
    "1/0/spectrum?x=1",
    "1/0/spectrum?x=1&y=..",
    "1/0/spectrum?x=1&y=%D9%A1",
    "1/verdict",
    "finish",
    "1/%D9%A3/image",
]


def test_no_address_leads_anywhere_else(guest):
    for address in ADDRESSES:
        status, _, body = guest.get(address)
        assert (status, b"root:" in body) == (404, False), address


def test_nothing_is_kept_framed_or_fetched_elsewhere(served, guest):
    for path in paths(served):
        _, headers, _ = guest.ask("GET", path)
        assert HEADERS.items() <= dict(headers).items()
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Server"] is None


def test_the_cookie_is_for_this_review_alone(serve, guest):
    served = serve()
    path = served.door.url.partition(f":{served.door.port}")[2]
    _, headers, _ = type(guest)(served.door.port).ask("GET", path)
    cookie = headers["Set-Cookie"]
    assert cookie.endswith(f"; Path={served.door.base}; HttpOnly; SameSite=Strict")
    assert len(served.door.base) > 20


BODIES = [
    ({"Content_Length": "1000000000000"}, 413),
    ({"Content_Length": "70000"}, 413),
    ({"Content_Length": "-1"}, 400),
    ({"Content_Length": "٣".encode().decode("latin-1")}, 400),
    ({"Content_Length": None}, 411),
    ({"Transfer_Encoding": "chunked"}, 411),
    ({"Content_Type": "application/json"}, 415),
    ({"Content_Type": "multipart/form-data; boundary=x"}, 415),
]


def test_bodies_that_are_no_short_form_are_refused_unread(served, guest):
    form = {**guest.form("1/"), "verdict": "accept"}
    for headers, status in BODIES:
        assert guest.post("1/verdict", form, **headers)[0] == status, headers
    assert served.given == {}


def test_a_form_that_breaks_off_says_nothing(served, guest):
    form = urlencode({**guest.form("1/"), "verdict": "accept", "comment": "not yet"})
    lines = (
        f"POST {guest.base}1/verdict HTTP/1.1",
        f"Host: 127.0.0.1:{served.door.port}",
        f"Origin: http://127.0.0.1:{served.door.port}",
        f"Cookie: {guest.cookie}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(form)}",
    )
    sent = "\r\n".join((*lines, "", form.removesuffix("+yet")))
    with socket.create_connection(("127.0.0.1", served.door.port), 10) as line:
        line.sendall(sent.encode())
        line.shutdown(socket.SHUT_WR)
        assert b" 400 " in line.recv(4096)
    assert served.given == {}


def test_a_field_that_is_there_twice_or_a_hundred_fields_are_no_form(served, guest):
    form = {**guest.form("1/"), "verdict": "accept"}
    twice = [*form.items(), ("verdict", "reject")]
    assert guest.post("1/verdict", twice)[0] == 400
    many = {**form, **{f"f{n}": "" for n in range(100)}}
    assert guest.post("1/verdict", many)[0] == 400
    assert served.given == {}


METHODS = ["PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "<b>"]


def test_other_methods_are_not_known(guest):
    for method in METHODS:
        status, headers, body = guest.ask(method, f"{guest.base}1/")
        assert (status, b"<b>" in body) == (501, False)
        assert headers["X-Frame-Options"] == "DENY"


SENT = [b"\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 70000]


def test_what_is_no_request_ends_without_harm(served, guest):
    for sent in SENT:
        with socket.create_connection(("127.0.0.1", served.door.port), 10) as line:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while part := line.recv(4096):
                    answer += part
        assert b"Traceback" not in answer
    assert guest.get("1/")[0] == 200


def test_it_listens_on_loopback_alone_and_says_when_a_port_is_taken(served):
    with listening(0) as server:
        assert server.server_address[0] == "127.0.0.1"
        with pytest.raises(CertificationError, match=r"cannot be had \(Address"):
            listening(server.server_port).__enter__()
