"""The documents for plug-in authors say what the code says, and their commands work."""

import ast
import inspect
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from phoenix_core import hookspecs
from phoenix_core.config import read_config
from phoenix_core.errors import PgiError
from phoenix_core.loader.pgis import load
from phoenix_core.slots import SLOTS

ROOT = Path(__file__).parents[2]
HOOKS_MD = (ROOT / "docs" / "hooks.md").read_text("utf-8")
WRITE_MD = (ROOT / "docs" / "write_a_pgi.md").read_text("utf-8")
EXAMPLE = ROOT / "plugins" / "phoenix-example"
CHANGING = re.compile(r"\d\.\d s|/tmp/\S*|\d+\.\d ms")


def signature(node):
    """A hook with its arguments and answer, on one line."""
    arguments, answer = ast.unparse(node.args), ast.unparse(node.returns)
    return f"{node.name}({arguments}) -> {answer}"


def specs():
    tree = ast.parse(Path(hookspecs.__file__).read_text("utf-8"))
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]


def entry(node):
    """What docs/hooks.md has to say of a hook, word for word."""
    text = inspect.cleandoc(ast.get_docstring(node))
    return f"### {node.name}\n\n```python\n{signature(node)}\n```\n\n{text}\n"


def row(slot):
    """The line of a slot in the table of docs/hooks.md."""
    pgis = "several, first to answer" if slot.first else "several"
    if not slot.several:
        pgis = "one, required" if slot.required else "one or none"
    if slot.default:
        pgis = f"one, default `{slot.default[0]}`"
    return f"| {slot.table} | {slot.key} | `{slot.hook}` | {slot.asked} | {pgis} |"


@pytest.mark.parametrize("node", specs(), ids=lambda node: node.name)
def test_a_hook_is_documented_with_its_arguments_and_its_docstring(node):
    assert entry(node) in HOOKS_MD


def test_hooks_are_documented_in_the_order_of_calling_and_no_others():
    documented = re.findall(r"^### (\w+)$", HOOKS_MD, re.MULTILINE)
    assert documented == [node.name for node in specs()]


def test_the_table_of_slots_is_the_table_of_slots():
    rows = [line for line in HOOKS_MD.splitlines() if line.startswith("| ")]
    assert rows[2:] == [row(slot) for slot in SLOTS]


def blocks(language):
    return re.findall(
        rf"^```{language}\n(.*?)^```$", WRITE_MD, re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize("language", ["python", "toml"])
def test_every_block_of_code_is_lines_of_the_example(language):
    files = [
        *EXAMPLE.rglob("*.py"),
        EXAMPLE / "pyproject.toml",
        *(ROOT / "config").glob("example*.toml"),
    ]
    sources = [path.read_text("utf-8") for path in files]
    found = blocks(language)
    assert found
    for block in found:
        parts = block.split("...\n")
        assert any(all(part in text for part in parts) for text in sources), block


HOOK = "@hookimpl\ndef job_pgi(run, cascade):\n    return []\n"
MISTAKES = {
    "def job_pgi(run):\n    return []\n": "pgi_x: job_pgi lacks @hookimpl",
    HOOK.replace("job_pgi", "job_pgy"): (
        "pgi_x: there is no hook 'job_pgy'; did you mean 'job_pgi'?"
    ),
    HOOK.replace("cascade", "casc"): (
        "pgi_x: job_pgi takes 'casc'; it can have run, cascade; did you mean 'cascade'?"
    ),
    HOOK.replace("cascade", "cascade=None"): (
        "pgi_x: job_pgi gives 'cascade' a default; hooks take their arguments as they "
        "are"
    ),
    f"@frozen\nclass Options:\n    limit: int\n{HOOK}": (
        "pgi_x: option 'limit' has no default; give it one"
    ),
    f"@frozen\nclass Options:\n    limit = field(default=3)\n{HOOK}": (
        "pgi_x: option 'limit' has no type"
    ),
    f"class Options:\n    limit: int = 3\n{HOOK}": (
        "pgi_x: Options is no attrs class; put @frozen before it"
    ),
}


@pytest.mark.parametrize(("source", "message"), MISTAKES.items())
def test_the_table_of_mistakes_shows_what_is_said(
    example, pgi_package, source, message
):
    head = "from attrs import field, frozen\nfrom phoenix_core import hookimpl\n"
    name = pgi_package("pgi_x", head + source)
    example.edit(example.config, "pgi_phoenix_EXAMPLE_JOB", name)
    with pytest.raises(PgiError) as error:
        load(read_config(example.config))
    assert f"{error.value}" == message
    assert f"\n| `{message}` | " in WRITE_MD


def sessions():
    """Each command of the walk-through with what it shows."""
    for block in blocks("console"):
        for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = session.partition("\n")
            yield command, output.splitlines()


def lasting(line):
    """A line of output without times, directories of today and widths of columns."""
    return " ".join(CHANGING.sub("#", line).replace("│", " ").split())


def test_the_commands_of_the_walk_through_show_what_it_says(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copytree(EXAMPLE, tmp_path / "plugins" / "phoenix-example")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    for command, expected in sessions():
        words = shlex.split(command)
        variables = {}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
        done = subprocess.run(
            [shutil.which(words[0], path=path), *words[1:]],
            cwd=tmp_path,
            env={"PATH": path, "COLUMNS": "100", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        shown = {
            lasting(line.replace(f"{tmp_path}/", ""))
            for line in done.stdout.splitlines()
        }
        wanted = set(map(lasting, expected)) - {"..."}
        assert wanted <= shown, f"$ {command}\n{done.stdout}"
