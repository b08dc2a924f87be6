"""createAB (AB_SOURCE): ABs from the raw frames below raw, by an instrument's rules.

Option `rules` names them: ``<package>:<file>``, or a path.
"""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from phoenix_core.association_block import AssociationBlock, is_parameter
from phoenix_core.config import Config, build_options
from phoenix_core.create_ab.rules import Rules
from phoenix_core.errors import ConfigError
from phoenix_core.hookspecs import hookimpl
from phoenix_core.model import Finding, Run
from phoenix_core.nearest import nearest
from phoenix_core.slots import slot_of

PGI = "createAB"


@frozen
class Options:
    """Options of createAB: the rules, and recipe parameters over theirs."""

    rules: str = ""
    parameters: Mapping[str, list[str]] = field(factory=dict)


@hookimpl
def ab_source(run: Run) -> Sequence[AssociationBlock]:
    """Make the ABs of the run or night, and write their association log."""
    from phoenix_core.create_ab.association_log import write_log  # noqa: PLC0415
    from phoenix_core.create_ab.create import blocks_of, organise  # noqa: PLC0415

    options = run.options(PGI, Options)
    organised = organise(run, rules_of(run.config, options))
    write_log(run, organised)
    return blocks_of(run, organised, options.parameters)


@hookimpl
def ab_source_findings(run: Run) -> Sequence[Finding]:
    """Tell of raw frames that are in no AB, and of damaged calibration files."""
    from phoenix_core.create_ab.create import organise  # noqa: PLC0415
    from phoenix_core.create_ab.findings import findings_of  # noqa: PLC0415

    options = run.options(PGI, Options)
    return findings_of(organise(run, rules_of(run.config, options)))


def check_config(config: Config, options: Options) -> Sequence[str]:
    """Read the rules before a run; what may be a slip in them is returned."""
    return rules_of(config, options).doubts


def read_config_rules(config: Config) -> tuple[Rules, Mapping[str, list[str]]]:
    """Read the rules of a configuration whose ABs createAB makes, and its parameters.

    Raises:
        ConfigError: they come from elsewhere; or as `rules_of`.
    """
    named = config.pgis(slot_of("ab_source"))
    if named != (PGI,):
        told = f"ABs come from {named[0]}, which brings its associations with it"
        raise config.wrong("phoenix", "AB_SOURCE", f"{told}; only {PGI} knows why")
    options = build_options(config, PGI, Options)
    return rules_of(config, options), options.parameters


def rules_of(config: Config, options: Options) -> Rules:
    """Read the rules that a configuration names.

    Raises:
        ConfigError: it names none, file, line and key of what is wrong in them, or it
            has parameters of a recipe that is not among them.
    """
    from phoenix_core.create_ab.read_rules import (  # noqa: PLC0415
        find_rules,
        read_rules,
    )

    if not options.rules:
        raise config.wrong(PGI, "rules", 'is missing; expected "<package>:<file>"')
    try:
        name, text = find_rules(options.rules)
    except ConfigError as error:
        raise config.wrong(PGI, "rules", str(error)) from error
    rules = read_rules(text, name)
    _check_parameters(config, options, rules)
    return rules


def _check_parameters(config: Config, options: Options, rules: Rules) -> None:
    recipes = {group.recipe for group in rules.groups}
    for recipe, parameters in options.parameters.items():
        if recipe not in recipes:
            told = f"no group of {rules.path} has the recipe '{recipe}'"
            hint = nearest(recipe, recipes)
            raise config.wrong(PGI, "parameters", f"{told}{hint}")
        for text in parameters:
            if not is_parameter(text):
                told = f"{text!r} of {recipe}; expected --name=value"
                raise config.wrong(PGI, "parameters", told)
