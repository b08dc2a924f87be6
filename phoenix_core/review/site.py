"""The pages of a review: what a browser may ask for, and what it is answered.

Addresses are numbers, of the product and of its members (0 is the product itself), and
a few words; none of them becomes part of a path.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import jinja2
from attrs import define, field, frozen

from phoenix_core.errors import CertificationError, PhoenixError
from phoenix_core.files.regular_file import read_regular
from phoenix_core.model import QcReport
from phoenix_core.pages.templates import environment
from phoenix_core.records.comments import LONGEST, AbComment
from phoenix_core.review.door import Door, Request
from phoenix_core.review.exhibit import Exhibit
from phoenix_core.review.http_server import Answer, told
from phoenix_core.review.product_page import heading, page_values
from phoenix_core.review.sitting import Sitting
from phoenix_core.review.verdict_file import ToReview
from phoenix_core.words.plain_text import plain

if TYPE_CHECKING:
    from phoenix_core.review.pixels import Picture

_ADDRESS: Final = re.compile(
    r"(?:(?P<place>[0-9]{1,5})/)?(?:(?P<of>[0-9]{1,5})/)?(?P<word>[a-z.]*)(?:/(?P<plot>[0-9]{1,3}))?"
)
_ASSETS: Final = {
    "style.css": ("phoenix_core.pages", "text/css; charset=utf-8"),
    "review.css": ("phoenix_core.review", "text/css; charset=utf-8"),
    "icon.svg": ("phoenix_core.review", "image/svg+xml"),
    "review.js": ("phoenix_core.review", "text/javascript; charset=utf-8"),
}
_LARGEST_PLOT: Final = 100_000_000  # bytes (ours)
_KEPT: Final = 24  # images in memory, of some MB each (ours)
_SPAXEL: Final = re.compile(r"[0-9]{1,6}")


@frozen
class Shown:
    """What the pages of a review go by.

    `shown` names the parameters of interest; `comments` are those on ABs, and `comment`
    keeps one; `tell` takes lines for the person at the terminal.
    """

    label: str
    exhibit: Callable[[QcReport], Exhibit]
    shown: Sequence[str]
    comments: Callable[[], Mapping[str, AbComment]]
    comment: Callable[[str, str], AbComment]
    tell: Callable[[str], None]


class _NoAnswerError(Exception):
    """There is no answer to a request, for a reason that may be told."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


_UNKNOWN: Final = "there is no such page"


@define
class Site:
    """The pages of a review; `over` is set when there is nothing left to do."""

    door: Door
    sitting: Sitting
    shown: Shown
    over: threading.Event = field(factory=threading.Event)
    _templates: jinja2.Environment = field(init=False)
    _exhibit: Callable[[int], Exhibit] = field(init=False)
    _base: "Callable[[int], Picture | None]" = field(init=False)
    _pixels: Callable[[int, int], bytes] = field(init=False)
    _had_open: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Keep for a while what was read."""
        reviews = self.sitting.reviews
        self._templates = environment(__package__)
        self._exhibit = lru_cache(None)(
            lambda at: self.shown.exhibit(reviews[at].report)
        )
        self._base = lru_cache(_KEPT)(self._read_base)
        self._pixels = lru_cache(_KEPT)(self._read_pixels)
        self._had_open = bool(self.sitting.open)

    def __call__(self, request: Request) -> Answer:
        """Answer a request, if it may come in."""
        try:
            return self._enter(request) or self._answer(request)
        except _NoAnswerError as error:
            return told(error.status, str(error))
        except PhoenixError as error:
            return told(409, plain(str(error)))
        except OSError as error:
            return told(404, error.strerror or "it cannot be read")

    def _enter(self, request: Request) -> Answer | None:
        """Let a browser in that brings the token; refuse those without a cookie."""
        if why := self.door.refusal(request):
            raise _NoAnswerError(403, why)
        if not request.path.startswith(self.door.base):
            raise _NoAnswerError(403, "open the address that the command has told")
        is_known = self.door.is_known(request)
        token = request.query.get("token", "")
        if token and (is_known or self.door.enter(token)):
            return self._to("", {} if is_known else {"Set-Cookie": self.door.cookie})
        if token:
            raise _NoAnswerError(403, "this address was used, or is not the right one")
        if not is_known:
            raise _NoAnswerError(403, "this browser does not have the review")
        return None

    def _answer(self, request: Request) -> Answer:
        found = _ADDRESS.fullmatch(request.path.removeprefix(self.door.base))
        if found is None:
            raise _NoAnswerError(404, _UNKNOWN)
        place, of, plot = (found[name] for name in ("place", "of", "plot"))
        asked = (request.method, found["word"])
        if place is None:
            return self._of_review(*asked)
        at = int(place) - 1
        if not 0 <= at < len(self.sitting.reviews):
            raise _NoAnswerError(404, "there is no such product")
        if of is None:
            return self._of_product(at, asked, request)
        if int(of) > len(self._exhibit(at).members):
            raise _NoAnswerError(404, _UNKNOWN)
        return self._of_member((at, int(of)), (*asked, plot), request)

    def _of_review(self, method: str, word: str) -> Answer:
        if (method, word) == ("POST", "finish"):
            return self._end()
        if method == "GET" and word in _ASSETS:
            package, kind = _ASSETS[word]
            return Answer(files(package).joinpath("assets", word).read_bytes(), kind)
        if (method, word) != ("GET", ""):
            raise _NoAnswerError(404, _UNKNOWN)
        waiting = self.sitting.open
        return self._to(f"{self._number(waiting[0]) if waiting else 1}/")

    def _of_product(self, at: int, asked: tuple[str, str], request: Request) -> Answer:
        if asked == ("GET", ""):
            return self._page(at)
        if asked == ("POST", "verdict"):
            return self._verdict(at, request.form)
        raise _NoAnswerError(404, _UNKNOWN)

    def _of_member(
        self,
        which: tuple[int, int],
        asked: tuple[str, str, str | None],
        request: Request,
    ) -> Answer:
        method, word, plot = asked
        seen = self._seen(*which)
        if (method, word) == ("GET", "plot") and plot is not None:
            return _plot(seen, int(plot))
        if (method, word) == ("GET", "image"):
            return self._image(*which)
        if (method, word) == ("GET", "spectrum"):
            return _spectrum(seen, request.query)
        if (method, word) == ("POST", "comment"):
            self.shown.comment(seen.report.block, request.form.get("comment", ""))
            return self._to(f"{which[0] + 1}/")
        raise _NoAnswerError(404, _UNKNOWN)

    def _to(self, address: str, headers: Mapping[str, str] | None = None) -> Answer:
        location = {"Location": f"{self.door.base}{address}"}
        return Answer(status=303, headers={**location, **(headers or {})})

    def _number(self, review: ToReview) -> int:
        return self.sitting.reviews.index(review) + 1

    def _seen(self, at: int, of: int) -> Exhibit:
        exhibit = self._exhibit(at)
        return exhibit.members[of - 1] if of else exhibit

    # What is shown ----------------------------------------------------------------

    def _page(self, at: int, problem: str = "") -> Answer:
        values = page_values(
            self.sitting,
            self.sitting.reviews[at],
            self._exhibit(at),
            self.shown.comments(),
            self.shown.shown,
        )
        page = self._templates.get_template("product.html").render(
            **values,
            label=self.shown.label,
            key=self.door.form_key,
            problem=plain(problem),
        )
        return Answer(page.encode("utf-8", "replace"), status=409 if problem else 200)

    def _image(self, at: int, of: int) -> Answer:
        content = self._pixels(at, of)
        if not content:
            raise _NoAnswerError(404, "it has no image")
        return Answer(content, "application/octet-stream")

    def _read_base(self, at: int) -> "Picture | None":
        from phoenix_core.review.pixels import read_picture  # noqa: PLC0415

        return read_picture(self._exhibit(at))

    def _read_pixels(self, at: int, of: int) -> bytes:
        from phoenix_core.review.pixels import in_bytes, read_picture  # noqa: PLC0415

        seen, base = self._seen(at, of), self._base(at)
        other = read_picture(seen) if of else base
        return in_bytes(base, other, seen.shift) if base and other else b""

    # What is said -----------------------------------------------------------------

    def _verdict(self, at: int, form: Mapping[str, str]) -> Answer:
        review, word = self.sitting.reviews[at], form.get("verdict")
        if word not in {"accept", "reject"} or form.get("report") != review.id:
            return self._page(at, "say accept or reject")
        comment = form.get("comment", "")
        if len(comment) > LONGEST:
            problem = f"{len(comment)} letters are too many: at most {LONGEST} are kept"
            return self._page(at, problem)
        try:
            verdict = self.sitting.decide(
                review, is_accepted=word == "accept", comment=comment
            )
        except CertificationError as error:
            return self._page(at, str(error))
        why = f": {verdict.comment}" if verdict.comment else ""
        self.shown.tell(f"{heading(review.report)} {word}ed{why}")
        waiting = self.sitting.open
        if waiting:
            later = [one for one in waiting if self._number(one) > at]
            return self._to(f"{self._number((later or waiting)[0])}/")
        return self._end() if self._had_open else self._to(f"{at + 1}/")

    def _end(self) -> Answer:
        """The last page: all that is on it has to come with it."""
        style = files("phoenix_core.pages").joinpath("assets", "style.css").read_text()
        page = self._templates.get_template("end.html").render(
            label=self.shown.label, waiting=len(self.sitting.open), style=style
        )
        total = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        return Answer(page.encode(), style=f"'sha256-{total}'", then=self.over.set)


def _plot(seen: Exhibit, number: int) -> Answer:
    plots = seen.report.plots
    if number >= len(plots):
        raise _NoAnswerError(404, "there is no such plot")
    return Answer(read_regular(plots[number], _LARGEST_PLOT), "image/png")


def _spectrum(seen: Exhibit, query: Mapping[str, str]) -> Answer:
    from phoenix_core.review.pixels import read_spectrum  # noqa: PLC0415

    x, y = query.get("x", ""), query.get("y", "")
    if seen.cube is None or not (_SPAXEL.fullmatch(x) and _SPAXEL.fullmatch(y)):
        raise _NoAnswerError(404, "there is no such spectrum")
    document = read_spectrum(seen.cube, int(x), int(y))
    return Answer(json.dumps(document).encode(), "application/json")
