"""The page of the AB monitor, and the same as a document for programmes."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import define, field

from phoenix_core.ab_monitor.rows import HEADINGS, Monitored, cells
from phoenix_core.files.sums import FileState, file_state
from phoenix_core.model import Run
from phoenix_core.pages.files import fingerprint, write_assets
from phoenix_core.pages.press import Press, press
from phoenix_core.pages.series import Part, write_series
from phoenix_core.pages.table import Link
from phoenix_core.pages.templates import relative
from phoenix_core.questions.papers import papers_of
from phoenix_core.questions.status import RunState, see
from phoenix_core.questions.tell_status import counts_of
from phoenix_core.recipe.pipeline_log import LogMessage, read_messages
from phoenix_core.records.comments import AbComment, read_comments


@define
class AbMonitor:
    """The monitor of a run; it remembers what logs say as long as they stay the same.

    `covers` are pages that it leads to, where they are there.
    """

    run: Run
    press: Press = field(factory=lambda: press("phoenix_core.ab_monitor"))
    logs: dict[Path, tuple[FileState, tuple[LogMessage, ...]]] = field(factory=dict)

    def read(self, *, history: bool = False) -> tuple[Monitored, ...]:
        """Read all that is told of the ABs of the run.

        Args:
            history: only those that were moved to the logs.

        Raises:
            ConfigError: an AB is damaged.
            CertificationError: the file of verdicts, or of comments, is damaged.
            OSError: a file cannot be read, or written.
        """
        comments = read_comments(self.run)
        found = []
        for seen in see(self.run, moved_only=history):
            papers = papers_of(self.run, seen)
            messages = self._messages(papers.log) if papers.log else ()
            comment = comments.get(seen.state.name)
            found.append(Monitored(seen, papers, messages, comment))
        return tuple(found)

    def write(self, *, history: bool = False) -> Path:
        """Write the page; return where it is. Errors and `history` as in `read`."""
        found = self.read(history=history)
        path = page_path(self.run, history=history)
        folder = path.parent
        rows = ((cells(one, folder), "") for one in found)
        lines = self.press.lines(rows)
        of_page = fingerprint([self.press.look, *(line.encode() for line in lines)])
        template = self.press.templates.get_template("ab_monitor.html")
        values = self._values(found, history=history)

        def render(part: Part) -> str:
            return template.render(values, part=part, fingerprint=part.fingerprint)

        write_assets(folder)
        write_series(folder, path.stem, of_page, lines, render)
        return path

    def _values(
        self, found: Sequence[Monitored], *, history: bool
    ) -> Mapping[str, object]:
        run = self.run
        state = RunState(run.label, run.date, tuple(one.state for one in found))
        other = page_path(run, history=not history)
        cover = cover_path(run)
        links = [
            Link("all ABs", relative(other, other.parent) if history else ""),
            Link("history", "" if history else relative(other, other.parent)),
            Link("cover sheet", relative(cover, other.parent)),
        ]
        there = {"": True, **{link.address: True for link in links}}
        for path in (other, cover):
            there[relative(path, other.parent)] = path.is_file()
        kind = "history of ABs" if history else "AB monitor"
        now = dt.datetime.now(dt.UTC).isoformat(sep=" ", timespec="seconds")
        return {
            "title": f"{run.label}: {kind}",
            "links": [link for link in links if there[link.address]],
            "facts": (
                ("date", run.date),
                ("ABs", counts_of(state)),
                ("written", now.replace("+00:00", " UTC")),
            ),
            "headings": HEADINGS,
            "command": f"phoenix comment {run.option} AB",
        }

    def _messages(self, log: Path) -> tuple[LogMessage, ...]:
        state = file_state(log)
        known = self.logs.get(log)
        if known is None or known[0] != state:
            known = self.logs[log] = (state, read_messages(log))
        return known[1]


def page_path(run: Run, *, history: bool = False) -> Path:
    """Return where the page of a run is."""
    kind = "history" if history else "status"
    return run.config.directories.monitor / f"{kind}_{run.date}.html"


def cover_path(run: Run) -> Path:
    """Return where a PGI_COVER that makes a page is expected to put it."""
    return run.config.directories.monitor / f"cover_{run.date}.html"


def document(run: Run, found: Sequence[Monitored]) -> dict[str, Any]:
    """Return the monitor as a document for programmes."""
    return {
        "run": run.label,
        "date": run.date,
        "abs": [
            {
                **attrs.asdict(one.state),
                "raw_type": one.seen.found.block.value("RAW_TYPE"),
                "setup": one.seen.found.block.values("RAW_MATCH_KEY"),
                "needs": one.seen.found.block.needs,
                "start": one.seen.found.block.value("PROCESS_START"),
                "scores": _scores(one),
                "total_score": one.seen.report.total_score if one.seen.report else None,
                "papers": attrs.asdict(one.papers),
                "comment": _comment(one.comment),
                "messages": [attrs.asdict(message) for message in one.messages],
            }
            for one in found
        ],
    }


def _scores(one: Monitored) -> list[dict[str, Any]]:
    scores = one.seen.report.scores if one.seen.report else ()
    return [{**attrs.asdict(score), "colour": score.colour} for score in scores]


def _comment(comment: AbComment | None) -> dict[str, str] | None:
    return attrs.asdict(comment) if comment else None
