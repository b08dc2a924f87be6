"""Recipe parameters, ``--name=value`` each: asked for and replaced by name."""

from collections.abc import Iterable, Sequence


def param_value(params: Iterable[str], name: str, default: str = "") -> str:
    """Return the value of a parameter, the last one where it is given twice.

    >>> param_value(["--save=cube", "--nifu=3"], "save")
    'cube'
    """
    value = default
    for param in params:
        given, _, text = param.partition("=")
        if given == f"--{name}":
            value = text
    return value


def with_params(params: Sequence[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the parameters with these, in place of others of the same name.

    >>> with_params(["--skymethod=model", "--save=cube"], ["--skymethod=none"])
    ('--skymethod=none', '--save=cube')
    """
    result = list(params)
    for new in wanted:
        name = _name(new)
        places = [at for at, param in enumerate(result) if _name(param) == name]
        kept = [p for at, p in enumerate(result) if at not in places]
        kept.insert(places[0] if places else len(kept), new)
        result = kept
    return tuple(result)


def without_param(params: Sequence[str], name: str) -> tuple[str, ...]:
    """Return the parameters without one: the recipe's default holds."""
    return tuple(param for param in params if _name(param) != f"--{name}")


def _name(param: str) -> str:
    return param.partition("=")[0]
