"""The page of a product under review: what its template is filled with."""

from collections.abc import Mapping, Sequence

from phoenix_core.model import QcReport, Verdict
from phoenix_core.pages.table import Cell
from phoenix_core.records.comments import AbComment
from phoenix_core.review.exhibit import Exhibit
from phoenix_core.review.sitting import Sitting, missing_comment
from phoenix_core.review.verdict_file import ToReview
from phoenix_core.words.plain_text import RESULTS, limits, number, plain

_STATES = {"green": "good", "red": "bad", "grey": "open"}


def page_values(
    sitting: Sitting,
    review: ToReview,
    exhibit: Exhibit,
    comments: Mapping[str, AbComment],
    shown: Sequence[str],
) -> dict[str, object]:
    """Return what the page shows of a product and of what it was made from."""
    given = sitting.given.get(review.report.block)
    seen = [
        {
            "number": place,
            "title": heading(one.report) if place == 0 else plain(one.report.block),
            "report": one.report,
            "scores": _score_rows(one.report),
            "has_image": bool(one.image or one.cube),
            "has_cube": bool(one.cube),
            "plots": [plot.name for plot in one.report.plots],
            "said": comments.get(one.report.block),
        }
        for place, one in enumerate((exhibit, *exhibit.members))
    ]
    return {
        "review": review,
        "notes": [plain(note) for note in review.notes],
        "products": _products(sitting, review),
        "waiting": len(sitting.open),
        "product": seen[0],
        "members": seen[1:],
        "parameters": _parameter_rows(review.report, shown),
        "given": given,
        "word": word_of(given),
        "must_say": bool(missing_comment(review.report, "", is_accepted=True)),
    }


def heading(report: QcReport) -> str:
    """Return what people call a product: its target, else its AB."""
    return plain(report.target or report.block)


def word_of(verdict: Verdict | None) -> str:
    """Return a verdict in a word, '' where there is none."""
    if verdict is None:
        return ""
    return "accepted" if verdict.is_accepted else "rejected"


def _products(sitting: Sitting, review: ToReview) -> list[dict[str, object]]:
    """Where one can go: each product, its state in a word."""
    return [
        {
            "address": f"../{place}/",
            "name": heading(one.report),
            "word": word_of(sitting.given.get(one.report.block)),
            "is_here": one is review,
        }
        for place, one in enumerate(sitting.reviews, start=1)
    ]


def _score_rows(report: QcReport) -> list[list[Cell]]:
    """The scores: name, value, what it is, limits, what it means."""
    return [
        [
            Cell(plain(score.name)),
            Cell(number(score.value), kind="number"),
            Cell(RESULTS[score.colour].lower(), _STATES[score.colour]),
            Cell(limits(score)),
            Cell(plain(score.comment), kind="text"),
        ]
        for score in report.scores
    ]


def _parameter_rows(report: QcReport, first: Sequence[str]) -> list[tuple[str, str]]:
    """All parameters with their values, those of interest first."""
    known = report.parameters
    names = [name for name in first if name in known]
    names += [name for name in known if name not in names]
    return [(plain(name), number(known[name])) for name in names]
