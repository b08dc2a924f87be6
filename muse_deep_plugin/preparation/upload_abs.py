"""From the working folder to branch MUSE_deep: all ABs of a target, or none to see.

phoenix sees a target by its dpc AB. That one is written last, and where a target is
replaced the former one is taken away first, so that whoever looks at any moment finds
a target as it was, as it is, or not at all. A call that was killed is called again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from muse_deep_plugin.ab_deep import foreign_runs
from muse_deep_plugin.preparation.check_deep import needed
from muse_deep_plugin.preparation.deep_warnings import some
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core.ab.file import check_block
from phoenix_core.ab.store import AbFolder, put, remove
from phoenix_core.association_block import PROCESSING, AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.run_id import RunId

BRANCH: Final = "MUSE_deep"
Present = Mapping[str, AssociationBlock]
Keep = Callable[[Sequence[AssociationBlock]], Path | None]
"""Keeps copies of ABs, and returns where; None where there are none."""

# The middle of the times of exposures, which count: rounded by one tool or another.
_NO_DIFFERENCE: Final = frozenset(
    {*PROCESSING, "TOOL_VERSION", "CONFIG_VERSION", "MJD-OBS_MOD"}
)


@define
class RunStore:
    """What a run has in the store; of what did not change nothing is read twice."""

    folder: AbFolder
    run_id: RunId
    _blocks: dict[str, AssociationBlock] = field(factory=dict, init=False)
    _marks: dict[str, str] = field(factory=dict, init=False)

    def present(self) -> Present:
        """Read what is there now.

        Raises:
            ConfigError: it cannot be read, or there are ABs of another run.
        """
        marks = self.folder.marks()
        found: dict[str, AssociationBlock] = {}
        for name, mark in marks.items():
            if self._marks.get(name) == mark:
                found[name] = self._blocks[name]
            elif block := self.folder.read(name):
                # What was noted when somebody processed it does not matter here.
                check_block(block.updated(dict.fromkeys(PROCESSING, "")))
                found[name] = block
        if foreign := foreign_runs(found.values(), self.run_id):
            raise ConfigError(
                "\n".join(f"{self.folder.shown}: {told.message}" for told in foreign)
            )
        self._blocks, self._marks = found, {name: marks[name] for name in found}
        return found


@frozen
class UploadPlan:
    """What the upload of a target does to the run's folder of the store.

    `written` are the ABs that are new or differ, in order, the dpc AB last; `same` are
    there already and say the same. `replaced` and `former` are the store's: those that
    differ, and dpc ABs of the target that have another name. `unneeded` are what only
    these need. `users` names other targets that need a replaced AB.
    """

    target: str
    written: tuple[AssociationBlock, ...] = ()
    same: tuple[str, ...] = ()
    replaced: tuple[AssociationBlock, ...] = ()
    former: tuple[AssociationBlock, ...] = ()
    unneeded: tuple[AssociationBlock, ...] = ()
    users: Mapping[str, tuple[str, ...]] = field(factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether the store has it already, and no other version of it."""
        return not (self.written or self.former)

    @property
    def refusal(self) -> str:
        """What it would replace, '' where nothing."""
        told = []
        if self.replaced:
            names = [self._with_users(block.name) for block in self.replaced]
            told.append(f"the store has other ABs of these names: {some(names)}")
        told += [f"the store has it as {block.name} already" for block in self.former]
        return "; ".join(told)

    def _with_users(self, name: str) -> str:
        users = self.users.get(name, ())
        return f"{name} (of {', '.join(users)})" if users else name


def plan_upload(
    target: str,
    blocks: Sequence[AssociationBlock],
    present: Present,
    coming: Collection[str] = (),
) -> UploadPlan:
    """Hold the ABs of a target against what the store has.

    Args:
        target: the target's name.
        blocks: its ABs, each behind its needs, the dpc AB last.
        present: what the run has in the store.
        coming: the names of ABs that other targets of the call need.
    """
    own = {block.name: block for block in blocks}
    dpcs = _dpcs(present)
    same = {n for n, b in own.items() if n in present and is_same(b, present[n])}
    replaced = [present[n] for n in own if n in present and n not in same]
    former = [
        dpcs[name]
        for name in sorted(dpcs)
        if name not in own and dpcs[name].value("TARGET") == target
    ]
    gone = {b.name for b in (*former, *replaced)} & set(dpcs)
    # Where nothing is replaced, nobody has to know who else needs it.
    staying = sorted(set(dpcs) - gone - set(own)) if gone or replaced else []
    needs = {name: needed([name], present) for name in staying}
    unneeded = needed(sorted(gone), present) - gone - set(own) - set(coming)
    unneeded = unneeded.difference(*needs.values())
    return UploadPlan(
        target,
        tuple(block for block in blocks if block.name not in same),
        tuple(name for name in own if name in same),
        tuple(replaced),
        tuple(former),
        tuple(present[name] for name in sorted(unneeded)),
        {
            block.name: tuple(_title(dpcs[name]) for name in others)
            for block in replaced
            if (others := _others(target, block, dpcs, needs))
        },
    )


def _others(
    target: str,
    block: AssociationBlock,
    dpcs: Present,
    needs: Mapping[str, Collection[str]],
) -> list[str]:
    """The dpc ABs of other targets that an AB of the store is of."""
    if block.name in dpcs:
        return [block.name] if block.value("TARGET") != target else []
    return [name for name, its in needs.items() if block.name in its]


def upload(folder: AbFolder, plan: UploadPlan, keep: Keep) -> Path | None:
    """Do what a plan says; return where copies of what it replaced are kept.

    Raises:
        ConfigError: the store does not do what it is asked for.
    """
    copies = keep((*plan.replaced, *plan.former, *plan.unneeded))
    hidden = [b.name for b in plan.replaced if b.recipe == EXP_COMBINE.recipe]
    remove(folder, [*hidden, *(block.name for block in plan.former)])
    put(folder, plan.written, {block.name for block in plan.replaced} - set(hidden))
    remove(folder, [block.name for block in plan.unneeded])
    return copies


def leftovers(
    present: Present, selected: Collection[str], coming: Collection[str] = ()
) -> tuple[AssociationBlock, ...]:
    """Return what the store has of a run and no selected target needs, dpc ABs first.

    Args:
        present: what the run has in the store.
        selected: the targets that the run is to have.
        coming: the names of ABs that are to come, or that may stay.
    """
    dpcs = _dpcs(present)
    wanted = [n for n, b in dpcs.items() if b.value("TARGET") in selected]
    rest = set(present) - needed(wanted, present) - set(coming)
    return tuple(
        present[name] for name in sorted(rest, key=lambda n: (n not in dpcs, n))
    )


def withdraw(
    folder: AbFolder, blocks: Sequence[AssociationBlock], keep: Keep
) -> Path | None:
    """Take ABs out of the store; return where copies of them are kept."""
    copies = keep(blocks)
    remove(folder, [block.name for block in blocks])
    return copies


def is_same(one: AssociationBlock, other: AssociationBlock) -> bool:
    """Whether two ABs say the same, whatever tool wrote them, and how it set them."""
    return _meaning(one) == _meaning(other)


def _meaning(block: AssociationBlock) -> dict[str, list[list[str]]]:
    return {
        name: [text.split() for text in block.values(name)]
        for name in block.qualifiers
        if name not in _NO_DIFFERENCE
    }


def _dpcs(present: Present) -> dict[str, AssociationBlock]:
    return {n: b for n, b in present.items() if b.recipe == EXP_COMBINE.recipe}


def _title(dpc: AssociationBlock) -> str:
    return dpc.value("TARGET") or dpc.name
