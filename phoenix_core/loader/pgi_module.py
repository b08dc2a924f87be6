"""What an author may get wrong in a PGI's module, told in one line when it is loaded.

A mistake that nobody tells of at load is met hours later, in the middle of a run.
"""

import inspect
from collections.abc import Iterable
from types import ModuleType

import attrs

from phoenix_core import hookspecs
from phoenix_core.errors import PgiError
from phoenix_core.nearest import nearest
from phoenix_core.slots import SLOTS

HOOKS = tuple(hook for s in SLOTS for hook in (s.hook, s.companion) if hook)

CHECK = "check_config"
"""A function of a PGI's module, no hook: it looks at a configuration at load."""


def implements(module: ModuleType, hook: str) -> bool:
    """Whether a module brings a hook, marked as such."""
    return hasattr(getattr(module, hook, None), "phoenix_impl")


def unmarked(module: ModuleType) -> tuple[str, ...]:
    """Return the module's own functions that are named as a hook, but not marked."""
    return tuple(
        hook
        for hook in HOOKS
        if inspect.isfunction(function := getattr(module, hook, None))
        and function.__module__ == module.__name__
        and not implements(module, hook)
    )


def check_hooks(name: str, module: ModuleType) -> None:
    """Hold the hooks of a PGI against their specs.

    Raises:
        PgiError: a hook is not marked, there is no such hook, or it takes what the
            spec does not have.
    """
    for hook in unmarked(module):
        raise PgiError(f"{name}: {lacks_mark(hook)}")
    marked = [n for n, value in vars(module).items() if hasattr(value, "phoenix_impl")]
    for hook in marked:
        if hook not in HOOKS:
            hint = nearest(hook, HOOKS)
            raise PgiError(f"{name}: there is no hook '{hook}'{hint}")
        given = inspect.signature(getattr(module, hook)).parameters.values()
        known = inspect.signature(getattr(hookspecs, hook)).parameters
        _check_arguments(f"{name}: {hook}", given, tuple(known))


def check_options(name: str, module: ModuleType) -> None:
    """Hold the class of a PGI's options, where it has one, against what is asked of it.

    Raises:
        PgiError: it is no attrs class, or an option has no default or no type.
    """
    options = getattr(module, "Options", None)
    if options is None:
        return
    if not (isinstance(options, type) and attrs.has(options)):
        raise PgiError(f"{name}: Options is no attrs class; put @frozen before it")
    for option in attrs.fields(options):
        if option.type is None:
            raise PgiError(f"{name}: option '{option.name}' has no type")
        if option.init and option.default is attrs.NOTHING:
            problem = "has no default; give it one"
            raise PgiError(f"{name}: option '{option.name}' {problem}")


def check_check(name: str, module: ModuleType) -> None:
    """Hold a PGI's own check of a configuration, where it has one, against the spec.

    Raises:
        PgiError: it is no function, or takes something else.
    """
    check = getattr(module, CHECK, None)
    if check is None:
        return
    if not callable(check):
        raise PgiError(f"{name}: {CHECK} is no function")
    known = ("config", *(("options",) if hasattr(module, "Options") else ()))
    given = inspect.signature(check).parameters.values()
    _check_arguments(f"{name}: {CHECK}", given, known)


def lacks_mark(hook: str) -> str:
    """Return the words for a hook that is not marked."""
    return f"{hook} lacks @hookimpl"


def _check_arguments(
    hook: str, given: Iterable[inspect.Parameter], known: tuple[str, ...]
) -> None:
    for argument in given:
        if argument.name not in known:
            raise PgiError(
                f"{hook} takes '{_shown(argument)}'; it can have {', '.join(known)}"
                f"{nearest(argument.name, known)}"
            )
        if argument.default is not argument.empty:
            raise PgiError(
                f"{hook} gives '{argument.name}' a default; hooks take their arguments "
                "as they are"
            )
        if argument.kind is argument.KEYWORD_ONLY:
            raise PgiError(f"{hook} takes '{argument.name}' behind a *; leave it out")


def _shown(argument: inspect.Parameter) -> str:
    """An argument as its author wrote it, with its stars."""
    return f"{argument.replace(annotation=argument.empty, default=argument.empty)}"
