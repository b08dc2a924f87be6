"""Tables of options: of PGIs, and of commands that installed packages declare."""

import pytest

from phoenix_core.config import read_config
from phoenix_core.errors import ConfigError
from phoenix_core.loader.option_tables import check_tables, tables_of_commands

TEXT = 'instrument = "T"\nmode = "DEEP"\n[{table}]\nx = 1\n'


@pytest.fixture
def check(tmp_path):
    def check(table):
        path = tmp_path / "phoenix.toml"
        path.write_text(TEXT.format(table=table), "utf-8")
        check_tables(read_config(path))

    return check


def test_a_table_of_a_pgi_or_of_a_command_may_stand(check):
    check("local")
    for table in tables_of_commands():
        check(table)


def test_a_table_that_is_nobodys_is_refused_with_the_nearest_name(check):
    name = min(tables_of_commands())
    with pytest.raises(ConfigError, match=f"line 3: .*did you mean '{name}'"):
        check(f"{name}n")
