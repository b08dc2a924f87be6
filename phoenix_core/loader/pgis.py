"""The loader: the PGIs that a configuration names, and typed calls of their hooks.

Only the named ones are imported, so a broken package that a run does not use cannot
break it; only the hooks of slots that name a PGI become live. What is wrong with a
plug-in is told at load, what is wrong with an answer at the call.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, get_type_hints

import pluggy
from attrs import field, frozen
from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

from phoenix_core import hookspecs
from phoenix_core.config import Config, build_options
from phoenix_core.errors import ConfigError, PgiError, PhoenixError
from phoenix_core.loader.entry_point import distribution_of, module_of, one_line
from phoenix_core.loader.option_tables import PGIS, check_tables, tables_of_commands
from phoenix_core.loader.pgi_module import (
    CHECK,
    HOOKS,
    check_check,
    check_hooks,
    check_options,
    implements,
    lacks_mark,
    unmarked,
)
from phoenix_core.model import AssociationBlock, Cascade, QcReport
from phoenix_core.nearest import nearest
from phoenix_core.slots import SLOTS, Slot, slot_of

GROUP = PGIS

P = ParamSpec("P")
R = TypeVar("R")


class _PluginManager(pluggy.PluginManager):
    """A plug-in manager for which only the hooks of the named slots exist."""

    def __init__(self, live: Mapping[int, frozenset[str]]) -> None:
        super().__init__("phoenix")
        self._live = live
        self.add_hookspecs(hookspecs)

    def parse_hookimpl_opts(
        self, plugin: object, name: str
    ) -> pluggy.HookimplOpts | None:
        opts = super().parse_hookimpl_opts(plugin, name)
        # By module: pluggy 1.6 knows a plug-in's name here, 1.7 not yet. A hook that
        # no spec knows is kept, so that check_pending can tell of it.
        live = self._live.get(id(plugin), frozenset())
        if opts and name in HOOKS and name not in live:
            return None
        return opts


@frozen
class Installed:
    """An installed PGI, as the list of plug-ins shows it."""

    name: str
    distribution: str
    fills: tuple[str, ...] = ()
    problem: str = ""


@frozen
class Pgis:
    """The loaded PGIs of one configuration; handed in, never global.

    `doubts` is what their own checks say of the configuration and does not stop a run.
    """

    config: Config
    _hooks: Mapping[str, Sequence[pluggy.HookImpl]] = field(repr=False)
    doubts: tuple[str, ...] = ()

    def names(self, spec: Callable[..., object]) -> tuple[str, ...]:
        """Return the PGIs that answer a hook, in the order of asking."""
        return tuple(impl.plugin_name for impl in self._hooks[spec.__name__])

    def unused_options(self) -> tuple[str, ...]:
        """Return the tables of PGIs that no slot names; they may stand."""
        named = {name for slot in SLOTS for name in self.config.pgis(slot)}
        named |= tables_of_commands()
        return tuple(table for table in self.config.options if table not in named)

    def call(self, spec: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask the one PGI of a slot.

        Raises:
            PgiError: no PGI answers, it failed, or its answer is of a wrong type.
        """
        for _, answer in self.each(spec, *args, **kwargs):
            return answer
        slot = slot_of(spec.__name__)
        raise PgiError(f"{self.config.path}: no PGI answers {slot.name}")

    def ask(self, spec: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Ask the PGIs of a slot that may be empty, until one has an answer."""
        for _, answer in self.each(spec, *args, **kwargs):
            if answer is not None:
                return answer
        return None

    def each(
        self, spec: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[tuple[str, R]]:
        """Ask every PGI of a slot in order; yield its name and answer."""
        assert not args, "hooks are called by keyword"
        for impl in self._hooks[spec.__name__]:
            yield impl.plugin_name, _call(impl, spec, kwargs)


def load(config: Config, slots: Sequence[Slot] = SLOTS) -> Pgis:
    """Import the PGIs that a configuration names and hold them against their slots.

    Args:
        config: the configuration.
        slots: those to fill; a run fills all, a contract of one slot that one.

    Raises:
        ConfigError: a required slot is empty, a word names no installed PGI, or a
            PGI's options are wrong, or its own check refuses the configuration.
        PgiError: a PGI cannot be imported, does not fill the slot that names it, or
            has a hook that does not fit.
    """
    slots_of: dict[str, list[Slot]] = {}
    for slot in slots:
        names = config.pgis(slot)
        if slot.required and not names:
            raise config.wrong(slot.table, slot.key, "is missing; it has to name a PGI")
        for name in names:
            slots_of.setdefault(name, []).append(slot)
    modules = {
        name: _import(config, named[0], name) for name, named in slots_of.items()
    }
    check_tables(config)
    live = {
        id(modules[name]): frozenset(
            h for s in named for h in (s.hook, s.companion) if h
        )
        for name, named in slots_of.items()
    }
    manager = _PluginManager(live)
    doubts: list[str] = []
    for name, module in modules.items():
        _register(manager, name, module)
        for slot in slots_of[name]:
            _check_fills(config, slot, name, module)
        options = _read_options(config, name, module)
        doubts += _checked(config, name, module, options)
    hooks = {hook: _in_order(manager, config, hook) for hook in HOOKS}
    return Pgis(config, hooks, tuple(doubts))


def installed() -> tuple[Installed, ...]:
    """List every installed PGI; one that cannot be imported is a row that says so."""
    rows = []
    points = sorted(entry_points(group=GROUP), key=lambda p: p.name)
    times = Counter(name for name, _ in {(p.name, p.value) for p in points})
    for point in points:
        origin = distribution_of(point)
        if times[point.name] > 1:
            problem = "two installed PGIs have this name"
            rows.append(Installed(point.name, origin, problem=problem))
            continue
        try:
            module = module_of(point)
        except BaseException as error:  # noqa: BLE001, a stranger's code may do anything
            problem = f"cannot be imported: {one_line(error)}"
            rows.append(Installed(point.name, origin, problem=problem))
            continue
        fills = tuple(s.name for s in SLOTS if implements(module, s.hook))
        bare = "; ".join(map(lacks_mark, unmarked(module)))
        problem = bare or ("" if fills else "fills no slot")
        rows.append(Installed(point.name, origin, fills, problem))
    return tuple(rows)


def trace(message: str) -> None:
    """Say what a hook did, where $PHOENIX_TRACE asks for it.

    In one piece, so that what several threads say stays apart.
    """
    sys.stderr.write(f"[trace] {message}\n")


def in_few_words(answer: object) -> str:
    """Return what a hook answered, as far as it fits into a line.

    >>> in_few_words(None), in_few_words([]), in_few_words((1, 2))
    ('None', 'nothing', '2 int')
    """
    if answer is None:
        return "None"
    if isinstance(answer, (list, tuple)):
        kinds = " and ".join(dict.fromkeys(type(item).__name__ for item in answer))
        return f"{len(answer)} {kinds}" if answer else "nothing"
    kind = type(answer).__name__
    if isinstance(answer, Cascade):
        return f"{kind} of {len(answer.blocks)} ABs"
    if isinstance(answer, AssociationBlock):
        return f"{kind} {answer.value('AB_NAME')}".rstrip()
    if isinstance(answer, QcReport):
        scores = f", {len(answer.scores)} scores" if answer.scores else ""
        return f"{kind} of {answer.block}{scores}"
    return f"{kind} {answer}" if isinstance(answer, Path) else kind


_HINTS: dict[str, dict[str, Any]] = {
    hook: get_type_hints(getattr(hookspecs, hook)) for hook in HOOKS
}


def _call(impl: pluggy.HookImpl, spec: Callable[P, R], kwargs: dict[str, Any]) -> R:
    pgi, hook = impl.plugin_name, spec.__name__
    start = time.perf_counter()
    try:
        answer = impl.function(*(kwargs[name] for name in impl.argnames))
    except BaseException as error:
        _trace_call(pgi, hook, kwargs, f"raised {type(error).__name__}", start)
        # A sys.exit in a plug-in is its failure, not the end of the run.
        if isinstance(error, (PhoenixError, KeyboardInterrupt)):
            raise
        raise PgiError(f"{pgi} failed in {hook}: {one_line(error)}") from error
    _trace_call(pgi, hook, kwargs, in_few_words(answer), start)
    try:
        checked: R = check_type(
            answer,
            _HINTS[hook]["return"],
            collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS,
        )
    except TypeCheckError as error:
        told = one_line(error).removeprefix("TypeCheckError: ")
        raise PgiError(f"{pgi}: wrong answer to {hook}: {told}") from error
    return checked


def _trace_call(
    pgi: str, hook: str, kwargs: Mapping[str, Any], answered: str, start: float
) -> None:
    if os.environ.get("PHOENIX_TRACE"):
        about = getattr(kwargs.get("block"), "name", "")
        asked = f"{hook} {about}".rstrip()
        spent = 1000 * (time.perf_counter() - start)
        trace(f"{asked} <- {pgi}: {answered}, {spent:.1f} ms")


def _import(config: Config, slot: Slot, name: str) -> ModuleType:
    points = [p for p in entry_points(group=GROUP) if p.name == name]
    if not points:
        hint = nearest(name, {p.name for p in entry_points(group=GROUP)})
        problem = f"no installed PGI is called '{name}'{hint}"
        raise config.wrong(slot.table, slot.key, problem)
    if len({point.value for point in points}) > 1:
        origins = " and ".join(sorted(distribution_of(point) for point in points))
        raise PgiError(f"two installed PGIs are called '{name}': {origins}")
    try:
        return module_of(points[0])
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise PgiError(
            f"{name} (from {distribution_of(points[0])}) cannot be imported: "
            f"{one_line(error)}"
        ) from error


def _register(manager: _PluginManager, name: str, module: ModuleType) -> None:
    check_hooks(name, module)
    try:
        manager.register(module, name=name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PgiError(f"{name}: {one_line(error)}") from error


def _read_options(config: Config, name: str, module: ModuleType) -> object:
    """Make a PGI's options once, so that a mistake in them is told before a run."""
    check_options(name, module)
    options = getattr(module, "Options", None)
    if options is None:
        if name in config.options:
            raise config.wrong(name, "", "this PGI takes no options")
        return None
    try:
        made: object = build_options(config, name, options)
    except PhoenixError:
        raise
    except Exception as error:
        told = one_line(error)
        raise PgiError(f"{name}: its Options cannot be made: {told}") from error
    return made


def _checked(
    config: Config, name: str, module: ModuleType, options: object
) -> Sequence[str]:
    """Let a PGI look at the configuration, where it wants to, before a run does."""
    check_check(name, module)
    check = getattr(module, CHECK, None)
    if check is None:
        return ()
    given = {"config": config, "options": options}
    try:
        answer = check(**{key: given[key] for key in signature(check).parameters})
        check_type(answer, tuple[str, ...] | list[str] | None)
    except (PhoenixError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise PgiError(f"{name} failed in {CHECK}: {one_line(error)}") from error
    return answer or ()


def _check_fills(config: Config, slot: Slot, name: str, module: ModuleType) -> None:
    if implements(module, slot.hook):
        return
    fills = [s.name for s in SLOTS if implements(module, s.hook)]
    does = f"it fills {' and '.join(fills)}" if fills else "it fills no slot"
    problem = f"{name} has no hook {slot.hook}; {does}"
    raise PgiError(str(config.wrong(slot.table, slot.key, problem)))


def _in_order(
    manager: _PluginManager, config: Config, hook: str
) -> tuple[pluggy.HookImpl, ...]:
    """The implementations of a hook, in the order of the configuration."""
    order = config.pgis(slot_of(hook))
    found = getattr(manager.hook, hook).get_hookimpls()
    return tuple(sorted(found, key=lambda impl: order.index(impl.plugin_name)))


__all__ = ["ConfigError", "Installed", "Pgis", "installed", "load", "trace"]
