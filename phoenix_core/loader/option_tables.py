"""Tables of a configuration that are no slot's: options of PGIs, and of commands.

A package whose command takes options names it in the entry point group
``phoenix.options``; the name is the table's, the module the command's.
"""

from importlib.metadata import entry_points

from phoenix_core.config import Config
from phoenix_core.nearest import nearest
from phoenix_core.slots import tables

PGIS = "phoenix.pgi"
COMMANDS = "phoenix.options"


def tables_of_commands() -> frozenset[str]:
    """Return the tables that installed commands have."""
    return frozenset(point.name for point in entry_points(group=COMMANDS))


def check_tables(config: Config) -> None:
    """Refuse tables that are nobody's.

    One of an installed PGI that no slot names is let through: a swap and the way back
    are one line each.

    Raises:
        ConfigError: nothing that is installed has a table of this name.
    """
    if not config.options:
        return
    names = tables_of_commands() | {point.name for point in entry_points(group=PGIS)}
    for table in config.options:
        if table not in names:
            hint = nearest(table, {"directories", *tables(), *names})
            problem = f"unknown table: no installed PGI is called '{table}'{hint}"
            raise config.wrong(table, "", problem)
