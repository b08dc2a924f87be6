"""The configuration file: what is wrong is told by file, line, table and key."""

from pathlib import Path

import attrs
import pytest

from phoenix_core.config import ENVIRONMENT, find_config, read_config
from phoenix_core.errors import ConfigError
from phoenix_core.slots import SLOTS

MINIMAL = 'instrument = "TOY"\nmode = "DEEP"\n'


@pytest.fixture(autouse=True)
def _no_directories_from_outside(monkeypatch):
    for variable in (*ENVIRONMENT.values(), "PHOENIX_CONFIG"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "phoenix.toml"


@pytest.fixture
def read(file):
    """A function that reads a configuration of these lines."""

    def read(text):
        file.write_text(text, "utf-8")
        return read_config(file)

    return read


def test_the_smallest_configuration_has_the_defaults(read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = read(MINIMAL)
    root = tmp_path / "phoenix-data"
    assert (config.instrument, config.mode, config.ab_branch) == ("TOY", "DEEP", "")
    assert config.database == f"sqlite:///{root}/phoenix.db"
    assert config.ab_store == f"{root}/qcweb"
    directories = attrs.asdict(config.directories)
    assert directories == {"root": root, **{name: root / name for name in ENVIRONMENT}}
    assert {slot.name: config.pgis(slot) for slot in SLOTS if config.pgis(slot)} == {
        "phoenix.AB_SOURCE": ("qcweb",),
        "phoenix.BQS": ("local",),
        "ingestProducts.ARCHIVE": ("archive_directory",),
    }


def test_root_is_put_where_the_file_says_so(read):
    config = read(
        f'{MINIMAL}database = "sqlite:///{{root}}/x.db"\nab_store = "memory://{{root}}"\n'
        '[directories]\nroot = "/data"\nraw = "/archive/raw"\nlogs = "{root}/papers"\n'
    )
    assert config.database == "sqlite:////data/x.db"
    assert config.ab_store == "memory:///data"
    assert config.directories.raw == Path("/archive/raw")
    assert config.directories.logs == Path("/data/papers")
    assert config.directories.plots == Path("/data/plots")


@pytest.mark.parametrize(("name", "variable"), ENVIRONMENT.items())
def test_the_variables_of_dfos_win_over_the_file(read, monkeypatch, name, variable):
    monkeypatch.setenv(variable, "/from/outside")
    config = read(f'{MINIMAL}[directories]\nroot = "/data"\n{name} = "/from/file"\n')
    assert getattr(config.directories, name) == Path("/from/outside")


def test_a_variable_that_is_empty_is_as_none(read, monkeypatch):
    monkeypatch.setenv("DFO_RAW_DIR", "")
    config = read(f'{MINIMAL}[directories]\nroot = "/data"\n')
    assert config.directories.raw == Path("/data/raw")


def test_slots_hold_the_names_in_their_order(read):
    config = read(f'{MINIMAL}[phoenix]\nAB_PGI = "b"\nHDR_PGI = ["z", "a"]\n')
    assert config.slots == {"phoenix.AB_PGI": ("b",), "phoenix.HDR_PGI": ("z", "a")}


def test_one_name_is_enough_where_several_are_allowed(read):
    assert read(f'{MINIMAL}[phoenix]\nHDR_PGI = "z"\n').slots == {
        "phoenix.HDR_PGI": ("z",)
    }


WRONG = {
    'mode = "DEEP"\n': ": instrument: is missing",
    'instrument = "TOY"\n': ": mode: is missing",
    'instrument = 3\nmode = "DEEP"\n': ", line 1: instrument: is 3; expected a text",
    'instrument = "T"\nmode = "DEEPER"\n': (
        ", line 2: mode: is 'DEEPER'; expected DEEP or IDP"
    ),
    f'{MINIMAL}ab_brunch = "x"\n': (
        ", line 3: ab_brunch: unknown key; did you mean 'ab_branch'?"
    ),
    f"{MINIMAL}colour = 3\n": ", line 3: colour: unknown key",
    f'{MINIMAL}phoenix = "x"\n': (
        ", line 3: phoenix: is 'x'; expected a table [phoenix]"
    ),
    f'{MINIMAL}[phoenix]\nJOB_PGY = "x"\n': (
        ", line 4: [phoenix] JOB_PGY: unknown key; did you mean 'JOB_PGI'? (known: "
        "AB_SOURCE, AB_PGI, HDR_PGI, JOB_PGI, BQS, CERTIF_PGI)"
    ),
    f'{MINIMAL}[processQC]\nAB_PGI = "x"\n': (
        ", line 4: [processQC] AB_PGI: unknown key (known: QC_PROCEDURE, "
        "FINAL_PLUGIN, PGI_COVER)"
    ),
    f"{MINIMAL}[phoenix]\nAB_PGI = 3\n": (
        ", line 4: [phoenix] AB_PGI: is 3; expected the name of a PGI"
    ),
    f'{MINIMAL}[phoenix]\nAB_PGI = ""\n': (
        ", line 4: [phoenix] AB_PGI: is ''; expected the name of a PGI"
    ),
    f'{MINIMAL}[phoenix]\nAB_PGI = ["a", "b"]\n': (
        ", line 4: [phoenix] AB_PGI: takes one PGI, not a list"
    ),
    f'{MINIMAL}[phoenix]\nHDR_PGI = ["a", "b", "a"]\n': (
        ", line 4: [phoenix] HDR_PGI: names a PGI twice"
    ),
    f'{MINIMAL}[directories]\nroot = "/data"\nlog = "/x"\n': (
        ", line 5: [directories] log: unknown directory; did you mean 'logs'?"
    ),
    f"{MINIMAL}[directories]\nraw = 3\n": (
        ", line 4: [directories] raw: is 3; expected a path"
    ),
    f'{MINIMAL}[directories]\nroot = "/my data"\n': (
        ", line 4: [directories] root: is '/my data'; ABs and recipes take no path "
        "with blanks"
    ),
    "instrument = TOY\n": ": not TOML: Invalid value (at line 1, column 14)",
}


@pytest.mark.parametrize(("text", "problem"), WRONG.items())
def test_what_is_wrong_is_one_line_with_file_line_and_key(read, file, text, problem):
    with pytest.raises(ConfigError) as error:
        read(text)
    assert f"{error.value}" == f"{file}{problem}"
    assert error.value.exit_code == 2


def test_bytes_that_are_no_text_are_told(file):
    file.write_bytes(b'instrument = "\xff"')
    with pytest.raises(ConfigError, match=r"phoenix\.toml: not TOML: 'utf-8' codec"):
        read_config(file)


def test_a_directory_is_no_configuration(tmp_path):
    with pytest.raises(ConfigError) as error:
        read_config(tmp_path)
    assert f"{error.value}" == f"{tmp_path}: Is a directory"


# Which file -------------------------------------------------------------------------


def test_the_file_that_is_named_comes_first_then_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named, outside = tmp_path / "named.toml", tmp_path / "outside.toml"
    for path in (named, outside, tmp_path / "phoenix.toml"):
        path.touch()
    assert find_config(None) == Path("phoenix.toml")
    monkeypatch.setenv("PHOENIX_CONFIG", str(outside))
    assert find_config(None) == outside
    assert find_config(named) == named


def test_no_configuration_is_told_with_what_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def told(given=None):
        with pytest.raises(ConfigError) as error:
            find_config(given)
        return f"{error.value}"

    assert told().startswith(
        "no configuration file phoenix.toml ($PHOENIX_CONFIG is not set); name one "
        "with --config"
    )
    assert told(Path("x.toml")).startswith("no configuration file x.toml; name one")
    monkeypatch.setenv("PHOENIX_CONFIG", "/nowhere/y.toml")
    assert told().startswith(
        "no configuration file /nowhere/y.toml ($PHOENIX_CONFIG); name one"
    )
