"""The review in a browser: pages on loopback, for one browser, until all is decided."""

from phoenix_core.model import Verdict
from phoenix_core.review.door import HOST, Door
from phoenix_core.review.http_server import listening, serving
from phoenix_core.review.site import Shown, Site
from phoenix_core.review.sitting import Sitting


def review_in_browser(sitting: Sitting, shown: Shown, port: int) -> tuple[Verdict, ...]:
    """Serve a review until it is over; Ctrl-C ends it, too.

    Args:
        sitting: what there is to decide.
        shown: what the pages go by.
        port: where to listen on loopback; 0 takes a free port.

    Returns:
        The verdicts given now and before.

    Raises:
        CertificationError: the port cannot be had.
    """
    with listening(port) as server:
        door = Door(server.server_port)
        site = Site(door, sitting, shown)
        with serving(server, site):
            shown.tell(f"review in a browser: {door.url}")
            shown.tell(
                "  works once, for one browser on this machine; from another one: "
                f"ssh -L {door.port}:{HOST}:{door.port} THIS_HOST first"
            )
            shown.tell("  it ends when all is decided; Ctrl-C: what was said is kept")
            site.over.wait()
    return sitting.verdicts
