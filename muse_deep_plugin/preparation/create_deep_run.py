"""The steps of phoenix_createDeep: collect, warn, ask, make, inspect, upload."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import evolve, frozen
from rich.console import Console

from muse_deep_plugin.preparation import create_deep_questions as ask
from muse_deep_plugin.preparation import tmp2
from muse_deep_plugin.preparation.check_deep import to_upload
from muse_deep_plugin.preparation.create_deep_questions import Choice, Wishes
from muse_deep_plugin.preparation.deep_site import Site, open_site, reader
from muse_deep_plugin.preparation.deep_targets import (
    Candidate,
    candidates,
    make,
    problems,
)
from muse_deep_plugin.preparation.deep_warnings import some
from muse_deep_plugin.preparation.upload_abs import (
    RunStore,
    UploadPlan,
    leftovers,
    plan_upload,
    upload,
    withdraw,
)
from phoenix_core.association_block import AssociationBlock
from phoenix_core.config import Config
from phoenix_core.errors import ConfigError
from phoenix_core.files.run_lock import holding
from phoenix_core.records.ledger import Ledger
from phoenix_core.words.plain_text import plain

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
        store = RunStore(site.folder, site.run_id)
        store.present()  # ABs of another run are told before all else
        found = candidates(site, wishes.targets, reader(config))
        call = _Call(site, wishes, console, store, found)
        _show(call)
        good = [one for one in found if not one.collected.problems]
        if not _goes_on(call, good):
            return Report(site, tuple(Made(one, "skipped") for one in found))
        if good and ledger.date_of(site.run_id) != site.date:
            raise ConfigError(
                f"another run took the pseudo-date {site.date}; call again"
            )
        return _with_leftovers(call, _one_by_one(call))


@frozen
class _Call:
    """What a call works with."""

    site: Site
    wishes: Wishes
    console: Console
    store: RunStore
    targets: tuple[Candidate, ...]

    @property
    def coming(self) -> frozenset[str]:
        """The names of the ABs that are collected for all targets."""
        blocks = itertools.chain.from_iterable(
            one.collected.blocks for one in self.targets
        )
        return frozenset(block.name for block in blocks)

    def tell(self, text: str, style: str = "") -> None:
        """Print a line."""
        self.console.print(plain(text), style=style, markup=False, soft_wrap=True)

    def keep(self, blocks: Sequence[AssociationBlock]) -> Path | None:
        """Keep copies of ABs of the store."""
        return tmp2.keep_copies(self.site.run_folder, blocks)


def _show(call: _Call) -> None:
    for note in call.site.notes:
        call.tell(f"! {note}", "yellow")
    for place, one in enumerate(call.targets, start=1):
        title = f"{place} of {len(call.targets)}"
        ask.show_candidate(call.console, one, call.site.cubes, title)


def _goes_on(call: _Call, targets: Sequence[Candidate]) -> bool:
    try:
        return ask.ask_go_on(call.console, call.wishes, targets)
    except EOFError:
        return False


def _one_by_one(call: _Call) -> tuple[Made, ...]:
    made: list[Made] = []
    has_quit = False
    for place, one in enumerate(call.targets, start=1):
        if why := "; ".join(one.collected.problems):
            made.append(Made(one, "failed", f"{one.name}: {why}"))
        elif has_quit:
            made.append(Made(one, "skipped"))
        else:
            title = f"{one.name}, {place} of {len(call.targets)}"
            call.console.rule(title, align="left")
            done, has_quit = _one(call, one)
            if call.wishes.asks:
                for line in done.error.splitlines():
                    call.tell(line, "red")
            made.append(done)
    return tuple(made)


def _one(call: _Call, one: Candidate) -> tuple[Made, bool]:
    """Make and upload a target; return also whether the person quit."""
    made = Made(one, "skipped")
    wishes = call.wishes
    try:
        made = evolve(made, crowded=ask.ask_crowded(call.console, wishes, one))
        laid = make(call.site, one, crowded=bool(made.crowded), fresh=wishes.fresh)
        made = evolve(made, laid=laid, state="collected")
        choice, laid, wrong = _inspect(call, one, laid)
        made = evolve(made, laid=laid)
        if wrong and not wishes.asks:
            return evolve(made, state="failed", error="\n".join(wrong)), False
        if choice is Choice.UPLOAD:
            made = _upload(call, made, laid)
    except EOFError:
        return made, True
    except ConfigError as error:
        return evolve(made, state="failed", error=str(error)), False
    except RecursionError:
        why = f"{one.name}: a file of its folder is nested too deep"
        return evolve(made, state="failed", error=why), False
    except OSError as error:
        if not error.filename:
            raise  # of the terminal, not of a file of this target
        why = f"{one.name}: {error.filename}: {error.strerror}"
        return evolve(made, state="failed", error=why), False
    return made, choice is Choice.QUIT


def _inspect(
    call: _Call, one: Candidate, laid: tmp2.Laid
) -> tuple[Choice, tmp2.Laid, tuple[str, ...]]:
    """Show the ABs as they lie in the folder, as often as a person edits them.

    Returns:
        What becomes of them, themselves as they were looked at, what is wrong.
    """
    while True:
        wrong = problems(call.site, one, laid)
        ask.show_laid(call.console, laid, wrong)
        inspected = ask.Inspected(one, call.site.cubes, laid, wrong)
        choice = ask.ask_upload(call.console, call.wishes, inspected)
        if choice is not Choice.CHANGED:
            return choice, laid, wrong
        laid = tmp2.look(laid.folder)


def _upload(call: _Call, made: Made, laid: tmp2.Laid) -> Made:
    name, folder = made.candidate.name, call.site.folder
    # Looked at again: somebody may have written there while a person was thinking.
    present = call.store.present()
    blocks = to_upload(laid.blocks, laid.added)
    plan = plan_upload(name, blocks, present, call.coming)
    made = evolve(made, plan=plan)
    ask.show_plan(call.console, plan, replace=call.wishes.replace)
    if plan.refusal and not call.wishes.replace:
        told = f"{name}: {plan.refusal}; --replace replaces them (copies are kept)"
        return evolve(made, state="failed", error=told)
    copies = None if plan.is_done else upload(folder, plan, call.keep)
    tmp2.mark_uploaded(laid.folder)
    if plan.is_done:
        return evolve(made, state="there")
    if copies:
        call.tell(f"copies of what was replaced are in {copies}")
    call.tell(f"{len(plan.written)} ABs of {name} are now in {folder.shown}", "green")
    return evolve(made, state="uploaded", copies=copies)


def _with_leftovers(call: _Call, made: tuple[Made, ...]) -> Report:
    """Tell of, or with --replace withdraw, what no selected target needs any more."""
    site, wishes = call.site, call.wishes
    if wishes.targets or not wishes.upload:
        return Report(site, made)
    added = {name for one in made if one.laid for name in one.laid.added}
    names = {one.name for one in call.targets}
    rest = leftovers(call.store.present(), names, call.coming | added)
    if not rest:
        return Report(site, made)
    told = tuple(_title(block) for block in rest)
    is_whole = all(one.state in {"uploaded", "there"} for one in made)
    if wishes.replace and is_whole:
        copies = withdraw(site.folder, rest, call.keep)
        why = f"withdrawn, since no selected target needs it: {some(told)}"
        call.tell(f"{why}; copies are in {copies}")
        return Report(site, made, withdrawn=told, copies=copies)
    more = f"! the store has also {some(told)}, which no selected target needs"
    call.tell(f"{more}; --replace withdraws what is not needed", "yellow")
    return Report(site, made, left=told)


def _title(block: AssociationBlock) -> str:
    target = plain(block.value("TARGET"))
    return f"{block.name} ({target})" if target else block.name
