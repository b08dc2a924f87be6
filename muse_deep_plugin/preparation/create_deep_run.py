"""The steps of phoenix_createDeep: collect, warn, ask, make, inspect, upload."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import evolve, field, frozen
from rich.console import Console

from muse_deep_plugin.preparation import create_deep_questions as ask
from muse_deep_plugin.preparation import tmp2
from muse_deep_plugin.preparation.check_deep import to_upload
from muse_deep_plugin.preparation.create_deep_questions import Choice, Wishes
from muse_deep_plugin.preparation.deep_targets import (
    Candidate,
    Site,
    candidates,
    make,
    open_site,
    problems,
    reader,
)
from muse_deep_plugin.preparation.deep_warnings import some
from muse_deep_plugin.preparation.upload_abs import (
    Keep,
    UploadPlan,
    leftovers,
    plan_upload,
    read_present,
    upload,
    withdraw,
)
from phoenix_core.association_block import AssociationBlock
from phoenix_core.config import Config
from phoenix_core.errors import ConfigError
from phoenix_core.ledger import Ledger
from phoenix_core.plain_text import plain
from phoenix_core.run_lock import holding

LOCK: Final = ".createDeep.lock"


@frozen
class Made:
    """What became of a target.

    `state`: uploaded, there (the store had it already), collected (in its folder only),
    skipped (by a person) or failed, with its `error`.
    """

    candidate: Candidate
    state: str
    error: str = ""
    crowded: bool | None = None
    laid: tmp2.Laid | None = None
    plan: UploadPlan | None = None
    copies: Path | None = None  # of what was replaced


@frozen
class Report:
    """What became of a call."""

    site: Site
    made: tuple[Made, ...]
    left: tuple[str, ...] = ()  # in the store, and needed by no selected target
    withdrawn: tuple[str, ...] = ()
    copies: Path | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def failed(self) -> tuple[Made, ...]:
        """The targets that could not be made or uploaded."""
        return tuple(made for made in self.made if made.state == "failed")


def create_deep(
    config: Config, run: str, wishes: Wishes, ledger: Ledger, console: Console
) -> Report:
    """Make the ABs of a run's targets and upload them, as options and a person say.

    A target that cannot be made is told, and the others go on.

    Args:
        config: the configuration.
        run: the run, in any spelling.
        wishes: what the command line says.
        ledger: where runs have their pseudo-dates.
        console: where to show and ask.

    Raises:
        ConfigError: nothing can be made: no list, ABs of another run in the store, ...
    """
    ask.check_answered(wishes)
    site = open_site(config, run, ledger)
    with holding(site.run_folder / LOCK, f"phoenix_createDeep of {site.run_id}"):
        read_present(site.folder, site.run_id)  # foreign ABs are told before all else
        found = candidates(site, wishes.targets, reader(config))
        for note in site.notes:
            _tell(console, f"! {note}", "yellow")
        for place, one in enumerate(found, start=1):
            ask.show_candidate(console, one, site.cubes, f"{place} of {len(found)}")
        good = [one for one in found if not one.collected.problems]
        bad = [
            _failed(one, "; ".join(one.collected.problems))
            for one in found
            if one.collected.problems
        ]
        if good and not _goes_on(console, wishes, good):
            return Report(site, tuple(Made(one, "skipped") for one in good))
        if good and ledger.date_of(site.run_id) != site.date:
            raise ConfigError(
                f"another run took the pseudo-date {site.date}; call again"
            )
        made = _one_by_one(site, good, wishes, console)
        return _with_leftovers(site, (*bad, *made), found, wishes, console)


def _goes_on(console: Console, wishes: Wishes, targets: Sequence[Candidate]) -> bool:
    try:
        return ask.ask_go_on(console, wishes, targets)
    except EOFError:
        return False


def _one_by_one(
    site: Site, targets: Sequence[Candidate], wishes: Wishes, console: Console
) -> list[Made]:
    made: list[Made] = []
    coming = {b.name for one in targets for b in one.collected.blocks}
    has_quit = False
    for place, one in enumerate(targets, start=1):
        if has_quit:
            made.append(Made(one, "skipped"))
            continue
        console.rule(f"{one.name}, {place} of {len(targets)}", align="left")
        done, has_quit = _one(site, one, wishes, console, coming)
        if done.error and wishes.asks:
            for line in done.error.split("\n"):
                _tell(console, line, "red")
        made.append(done)
    return made


def _one(
    site: Site, one: Candidate, wishes: Wishes, console: Console, coming: set[str]
) -> tuple[Made, bool]:
    """Make and upload a target; return also whether the person quit."""
    made = Made(one, "skipped")
    try:
        made = evolve(made, crowded=ask.ask_crowded(console, wishes, one))
        laid = make(site, one, crowded=bool(made.crowded), fresh=wishes.fresh)
        made = evolve(made, laid=laid, state="collected")
        choice, laid, wrong = _inspect(site, one, laid, wishes, console)
        made = evolve(made, laid=laid)
        if wrong and not wishes.asks:
            return evolve(made, state="failed", error="\n".join(wrong)), False
        if choice is Choice.UPLOAD:
            made = _upload(site, made, wishes, console, coming)
    except EOFError:
        return made, True
    except ConfigError as error:
        return evolve(made, state="failed", error=str(error)), False
    return made, choice is Choice.QUIT


def _inspect(
    site: Site, one: Candidate, laid: tmp2.Laid, wishes: Wishes, console: Console
) -> tuple[Choice, tmp2.Laid, tuple[str, ...]]:
    """Show the ABs as they lie in the folder, as often as a person edits them.

    Returns:
        What becomes of them, themselves as they were looked at, what is wrong.
    """
    while True:
        wrong = problems(site, one, laid)
        ask.show_laid(console, laid, wrong)
        inspected = ask.Inspected(one, site.cubes, laid, wrong)
        choice = ask.ask_upload(console, wishes, inspected)
        if choice is not Choice.CHANGED:
            return choice, laid, wrong
        laid = tmp2.look(laid.folder)


def _upload(
    site: Site, made: Made, wishes: Wishes, console: Console, coming: set[str]
) -> Made:
    assert made.laid
    one, laid = made.candidate, made.laid
    blocks = to_upload(laid.blocks, laid.added)
    # Read again: somebody may have written there while a person was thinking.
    present = read_present(site.folder, site.run_id)
    plan = plan_upload(one.name, blocks, present, coming)
    made = evolve(made, plan=plan)
    ask.show_plan(console, plan, replace=wishes.replace)
    if plan.refusal and not wishes.replace:
        told = f"{one.name}: {plan.refusal}; --replace replaces them (copies are kept)"
        return evolve(made, state="failed", error=told)
    copies = None if plan.is_done else upload(site.folder, plan, _keeper(site))
    tmp2.mark_uploaded(laid.folder)
    if plan.is_done:
        return evolve(made, state="there")
    if copies:
        _tell(console, f"copies of what was replaced are in {copies}")
    told = f"{len(plan.written)} ABs of {one.name} are now in {site.folder.shown}"
    _tell(console, told, "green")
    return evolve(made, state="uploaded", copies=copies)


def _with_leftovers(
    site: Site,
    made: tuple[Made, ...],
    found: Sequence[Candidate],
    wishes: Wishes,
    console: Console,
) -> Report:
    """Tell of, or with --replace withdraw, what no selected target needs any more."""
    if wishes.targets or not wishes.upload:
        return Report(site, made)
    coming = {b.name for one in found for b in one.collected.blocks}
    coming |= {name for one in made if one.laid for name in one.laid.added}
    names = {one.name for one in found}
    rest = leftovers(read_present(site.folder, site.run_id), names, coming)
    if not rest:
        return Report(site, made)
    told = tuple(_title(block) for block in rest)
    is_whole = all(one.state in {"uploaded", "there"} for one in made)
    if wishes.replace and is_whole:
        copies = withdraw(site.folder, rest, _keeper(site))
        why = f"withdrawn, since no selected target needs it: {some(told)}"
        _tell(console, f"{why}; copies are in {copies}")
        return Report(site, made, withdrawn=told, copies=copies)
    more = f"! the store has also {some(told)}, which no selected target needs"
    _tell(console, f"{more}; --replace withdraws what is not needed", "yellow")
    return Report(site, made, left=told)


def _tell(console: Console, text: str, style: str = "") -> None:
    console.print(plain(text), style=style, markup=False, soft_wrap=True)


def _keeper(site: Site) -> Keep:
    return lambda blocks: tmp2.keep_copies(site.run_folder, blocks)


def _title(block: AssociationBlock) -> str:
    target = plain(block.value("TARGET"))
    return f"{block.name} ({target})" if target else block.name


def _failed(one: Candidate, why: str) -> Made:
    return Made(one, "failed", f"{one.name}: {why}")
