"""The rules that keep the shape of the house; each names what breaks it."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from phoenix_core import hookspecs, testing
from phoenix_core.config import ENVIRONMENT, read_config
from phoenix_core.loader.pgis import load
from phoenix_core.slots import SLOTS, slot_of

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "phoenix_core").rglob("*.py"))
PACKAGES = ("phoenix_core", "muse_deep_plugin", "plugins", "bench", "docs", "config")
PYTHON = sorted(
    path
    for folder in PACKAGES
    for path in (ROOT / folder).rglob("*.py")
    if "tests" not in path.parts
)
HOOKS = {
    name: spec
    for name, spec in vars(hookspecs).items()
    if hasattr(spec, "phoenix_spec") and callable(spec)
}


def is_of(path):
    return str(path.relative_to(ROOT))


def imports_of(path):
    """The first words of all that a module imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def test_core_imports_no_plugin_and_only_what_it_declares():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    optional = [d for extra in extras if extra != "dev" for d in extras[extra]]
    named = [*project["dependencies"], *optional]
    declared = {re.split(r"[<>=!~ \[]", d)[0] for d in named}
    # pytest imports phoenix_core.testing, not the other way round.
    allowed = {*declared, "phoenix_core", "pytest", *sys.stdlib_module_names}
    strangers = {
        (is_of(path), name)
        for path in CORE
        for name in imports_of(path)
        if name not in allowed
    }
    assert strangers == set()


INSTRUMENTS = re.compile(
    r"(?<![A-Za-z])(EXAMPLE|muse|hawk-?i|vimos|xshooter|kmos|eris|dpc|dal|pst)(?![a-z])|"
    r"scibasic|scipost|exp_?align|exp_?combine|create_?sky|pixtable|datacube"
)


def test_core_names_no_instrument():
    lines = {
        f"{is_of(path)}:{number}: {line.strip()}"
        for path in CORE
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if INSTRUMENTS.search(line) or INSTRUMENTS.search(line.lower())
    }
    assert lines == set()


def test_every_hook_has_a_slot_and_every_slot_a_hook():
    of_slots = [hook for s in SLOTS for hook in (s.companion, s.hook) if hook]
    assert len(set(of_slots)) == len(of_slots)
    assert set(of_slots) == set(HOOKS)


def test_hooks_and_slots_stand_in_the_same_order():
    of_slots = [hook for s in SLOTS for hook in (s.companion, s.hook) if hook]
    assert list(HOOKS) == of_slots


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_begins_with_its_key_and_says_what_it_is_for(hook):
    slot = slot_of(hook)
    same_key = [s for s in SLOTS if s.key == slot.key]
    table = f" ({slot.table})" if len(same_key) > 1 else ""
    allowed = {f"{slot.key}{table}: ", f"{slot.key} ({slot.table}): "}
    first = inspect.getdoc(HOOKS[hook]).splitlines()[0]
    assert first.startswith(tuple(allowed))
    assert first.endswith(".")


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_typed_and_has_no_defaults(hook):
    signature = inspect.signature(HOOKS[hook])
    assert next(iter(signature.parameters)) == "run"
    assert signature.return_annotation is not signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty
        assert parameter.default is parameter.empty


def test_every_slot_has_a_contract():
    contracts = [getattr(testing, n) for n in testing.__all__ if n.endswith("Contract")]
    assert {c.hook for c in contracts} == {slot.hook for slot in SLOTS}


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.toml")), ids=is_of)
def test_every_configuration_loads(file, monkeypatch):
    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)
    pgis = load(read_config(file))
    named = {s.hook: pgis.config.pgis(s) for s in SLOTS}
    loaded = {s.hook: pgis.names(HOOKS[s.hook]) for s in SLOTS}
    assert loaded == named


def test_nothing_runs_through_a_shell():
    found = set()
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            shell = [k for k in node.keywords if k.arg == "shell"]
            forbidden = {"os.system", "os.popen", "subprocess.getoutput"}
            if called in forbidden or shell:
                found.add(f"{is_of(path)}:{node.lineno}: {called}")
    assert found == set()


HEAVY = ("astropy", "attrs", "matplotlib", "numpy", "pluggy", "sqlalchemy", "structlog")


@pytest.mark.parametrize("word", ["--version", "--help", "-h"])
@pytest.mark.parametrize(
    "command",
    [
        *("phoenix", "process_ab", "process_qc", "qc1_ingest"),
        *("ingest_products", "cleanup_products"),
        *("phoenix_monitor", "dfo_monitor"),
    ],
)
def test_help_and_version_import_nothing_heavy(command, word):
    code = (
        "import sys\n"
        f"sys.argv = ['{command}', '{word}']\n"
        f"from phoenix_core.main import {command}\n"
        "try:\n"
        f"    {command}()\n"
        "except SystemExit:\n"
        "    pass\n"
        f"heavy = [name for name in {HEAVY} if name in sys.modules]\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_a_whole_run_asks_the_hooks_in_the_order_of_the_slots(
    example, phoenix, monkeypatch, capsys
):
    monkeypatch.setenv("PHOENIX_TRACE", "1")
    done = phoenix(example.config, "094.A-0001A", "CPMIU")
    assert done.error == ""
    lines = re.findall(r"^\[trace\] (\w+) ", capsys.readouterr().err, re.MULTILINE)
    # A companion hook is asked whenever somebody wants to know, where a PGI has it.
    companions = {slot.companion for slot in SLOTS if slot.companion}
    assert set(lines) - companions == set(HOOKS) - companions
    order = [hook for hook in dict.fromkeys(lines) if hook not in companions]
    assert order == [slot.hook for slot in SLOTS]


PLACES = re.compile(r"(?<![\w.{}*-])/(work|home|Users|root)/")


def test_no_file_names_a_place_on_somebodys_machine():
    files = [
        path
        for pattern in ("*.py", "*.md", "*.toml", "Makefile")
        for path in ROOT.rglob(pattern)
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    ]
    lines = {
        f"{is_of(path)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if PLACES.search(line)
    }
    assert lines == set()
