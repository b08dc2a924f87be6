"""The rooms of the core: what stands where, and imports that go one way."""

import ast
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "phoenix_core"
NOUNS = {
    *("association_block", "config", "errors", "hookspecs", "model", "nearest"),
    *("pseudo_date", "run_id", "slots"),
}
ROOMS = sorted(init.parent.name for init in CORE.glob("*/__init__.py"))


def rooms_asked(path):
    """The rooms that a module imports from, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        words = []
        if isinstance(node, ast.ImportFrom) and node.module:
            words = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            words = [alias.name for alias in node.names]
        for word in words:
            core, _, rest = word.partition(".")
            room = rest.partition(".")[0]
            if core == "phoenix_core" and room in ROOMS:
                yield room


def test_at_the_top_stands_what_all_talk_in_and_it_needs_no_room():
    top = {path.stem for path in CORE.glob("*.py")}
    assert top == {*NOUNS, "__init__", "main"}
    assert {noun: [*rooms_asked(CORE / f"{noun}.py")] for noun in NOUNS} == {
        noun: [] for noun in NOUNS
    }


def test_imports_between_rooms_go_one_way():
    asked = {
        room: {
            other
            for path in (CORE / room).rglob("*.py")
            for other in rooms_asked(path)
            if other != room
        }
        for room in ROOMS
    }
    TopologicalSorter(asked).prepare()  # names the rooms of a circle


def test_the_wheel_has_every_room():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for init in CORE.rglob("__init__.py")
    }
    assert set(project["tool"]["setuptools"]["packages"]) == found


def test_contributors_are_told_of_every_room():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for room in ROOMS:
        doc = ast.get_docstring(ast.parse((CORE / room / "__init__.py").read_text()))
        assert f"| `{room}` | {doc.splitlines()[0].rstrip('.')} |" in text
