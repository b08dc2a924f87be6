"""The page of the cover sheet."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from muse_deep_plugin.cover import tables
from muse_deep_plugin.cover.contents import Contents, DeepCube, read_contents
from muse_deep_plugin.preparation import datacube_table
from muse_deep_plugin.preparation.previews import Previews, find_previews
from phoenix_core.ab_monitor.page import cover_path, page_path
from phoenix_core.ab_monitor.rows import Monitored, paper_cell, score_mark
from phoenix_core.model import QcReport, Run
from phoenix_core.pages.files import fingerprint, write_assets, write_page
from phoenix_core.pages.press import Press, press
from phoenix_core.pages.table import Cell, Link
from phoenix_core.pages.templates import relative
from phoenix_core.words.plain_text import told_score


def write_sheet(run: Run, reports: Sequence[QcReport], harmless: Sequence[str]) -> Path:
    """Write the cover sheet of a run; return where it is.

    Args:
        run: the run.
        reports: the QC reports on its present products.
        harmless: parts of messages of logs that are left out.

    Raises:
        PhoenixError: an AB, or a file of verdicts or comments, is damaged.
        OSError: a file cannot be read, or the page cannot be written.
    """
    path = cover_path(run)
    contents = read_contents(run, reports, harmless)
    templates = press("muse_deep_plugin.cover")
    values = _values(run, contents, templates, path.parent)
    template = templates.templates.get_template("cover.html")
    body = template.render(values, fingerprint="")
    made_of = fingerprint([body.encode("utf-8", "replace")])
    write_assets(path.parent)
    write_page(path, template.render(values, fingerprint=made_of))
    return path


def _values(
    run: Run, contents: Contents, look: Press, folder: Path
) -> Mapping[str, object]:
    previews = _previews(run, contents, folder)
    singles = sum(len(cube.exposures) for cube in contents.deep)
    monitor = page_path(run)
    return {
        "title": f"{run.label}: cover sheet",
        "links": [Link("cover sheet"), Link("AB monitor", relative(monitor, folder))],
        "facts": (
            ("date", run.date),
            ("deep datacubes", str(len(contents.deep))),
            ("exposures in them", str(singles)),
        ),
        "problem": contents.problem,
        "cubes": [_section(cube, look, previews, folder) for cube in contents.deep],
        "headings": tables.HEADINGS,
        "combined_headings": datacube_table.HEADINGS,
        "others": _lines(contents.others, look, folder),
    }


def _section(
    cube: DeepCube, look: Press, previews: Previews, folder: Path
) -> Mapping[str, object]:
    """What the template shows of a deep datacube."""
    deep = cube.deep
    report = deep.seen.report
    return {
        "target": ", ".join(deep.state.targets) or deep.state.name,
        "name": deep.state.name,
        "block": relative(deep.papers.block, folder),
        "picture": tables.picture(deep, folder),
        "state": deep.state.status,
        "cause": deep.state.cause,
        "dropped": deep.state.dropped,
        "facts": tables.facts(deep),
        "flags": tables.flag_cell(deep),
        "set_flags": tables.set_flags(deep),
        "scores": _scores(deep),
        "remarks": tables.remarks(report.comments if report else ()),
        "messages": deep.messages,
        "verdict": deep.state.verdict,
        "comment": deep.comment,
        "papers": paper_cell(deep.papers, folder),
        "missing": cube.missing,
        "exposures": _lines(cube.exposures, look, folder),
        "combined": look.lines(
            (datacube_table.cells(one, previews), datacube_table.kind_of(one))
            for one in cube.combined
        ),
    }


def _scores(deep: Monitored) -> list[tuple[str, Cell]]:
    """Each score of a deep datacube with its mark, named."""
    scores = deep.seen.report.scores if deep.seen.report else ()
    return [(told_score(score), score_mark(score)) for score in scores]


def _lines(found: Sequence[Monitored], look: Press, folder: Path) -> list[str]:
    return look.lines((tables.cells(one, folder), "") for one in found)


def _previews(run: Run, contents: Contents, folder: Path) -> Previews:
    """The pictures of the history that are there."""
    names = [
        name
        for cube in contents.deep
        for one in cube.combined
        for name in (one.fov_plot, one.qc_plot)
    ]
    directories = run.config.directories
    return find_previews(names, (directories.plots, directories.root), folder)
