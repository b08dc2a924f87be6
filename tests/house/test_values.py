"""docs/values.md says what the code says of every value that a PGI gets and returns.

What a field means stands in the page alone; all else is held to the code. After a
change, the failing test shows the text that the page has to have.
"""

import ast
import inspect
import re
from pathlib import Path

import attrs
import pytest

from phoenix_core import hookspecs, model
from phoenix_core.ab import cascade, inputs
from phoenix_core.config import Config, Directories
from phoenix_core.fits import edit, file
from phoenix_core.processing import publish
from phoenix_core.recipe import recipe_call
from phoenix_core.review import by_rule, certify
from phoenix_core.review.exhibit import Exhibit
from phoenix_core.run_id import RunId

PAGE = (Path(__file__).parents[2] / "docs" / "values.md").read_text("utf-8")
# In the order of the page: as they are met on the way through the hooks.
VALUES = (
    model.Run,
    model.AssociationBlock,
    model.RawFile,
    model.Mcalib,
    model.SofEntry,
    model.ProductRecord,
    model.AbStatus,
    model.Cascade,
    model.Finding,
    model.Job,
    model.Outcome,
    model.DrsCall,
    model.Product,
    model.Qc1Row,
    model.QcReport,
    model.Score,
    model.Verdict,
    Exhibit,
    model.Move,
    model.Idp,
    model.Stored,
    model.Receipt,
    Config,
    Directories,
    RunId,
)
# What a PGI may call, by the module to import it from.
FUNCTIONS = (
    inputs.paths,
    inputs.find_file,
    recipe_call.run_recipe,
    file.check_fits,
    edit.set_cards,
    publish.product_names,
    cascade.in_order,
    certify.review,
    by_rule.why_not_green,
    by_rule.accept_by_rule,
)
ROW = re.compile(r"^\| `(\w+)` \| `(.*?)` \| (.*?) \| (.*) \|$", re.MULTILINE)


def class_of(value):
    tree = ast.parse(Path(inspect.getfile(value)).read_text("utf-8"))
    (found,) = (
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == value.__name__
    )
    return found


def text_of(node):
    return inspect.cleandoc(ast.get_docstring(node) or "")


def first_lines(node):
    """The first paragraph of a docstring, on one line."""
    return " ".join(text_of(node).split("\n\n")[0].split())


def in_a_cell(text):
    """Code in a table, where a bar would end the cell."""
    return f"`{text}`".replace("|", "\\|")


def members(value, *, are_properties):
    """What a value offers beside its fields, as its class has it."""
    for node in class_of(value).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            marks = {ast.unparse(mark) for mark in node.decorator_list}
            is_property = bool(marks & {"property", "cached_property"})
            if is_property == are_properties:
                yield node


def fields(value):
    """Names, types and defaults of the fields, as the page has them."""
    if not attrs.has(value):
        return []
    types = {
        node.target.id: in_a_cell(ast.unparse(node.annotation))
        for node in class_of(value).body
        if isinstance(node, ast.AnnAssign)
    }
    return [(f.name, types[f.name], default_of(f)) for f in attrs.fields(value)]


def default_of(field):
    if field.default is attrs.NOTHING:
        return "required"
    if isinstance(field.default, attrs.Factory):
        if field.default.takes_self:
            return "by the others"
        return f"`{field.default.factory()!r}`"
    return f"`{field.default!r}`"


def has(annotation, value):
    return re.search(rf"\b{value.__name__}\b", ast.unparse(annotation)) is not None


def travels(value):
    """Which hooks get a value, and which return it."""
    tree = ast.parse(Path(hookspecs.__file__).read_text("utf-8"))
    specs = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    given = [
        f"`{node.name}`"
        for node in specs
        if any(has(argument.annotation, value) for argument in node.args.args)
    ]
    answered = [f"`{node.name}`" for node in specs if has(node.returns, value)]
    if len(given) == len(specs):
        given = ["every hook"]
    ways = (("Given to", given), ("Returned by", answered))
    return " ".join(f"{way} {', '.join(hooks)}." for way, hooks in ways if hooks)


def called(node):
    """A method as a person calls it."""
    arguments = ast.unparse(node.args).replace("self, ", "").replace("cls, ", "")
    return f"{node.name}({arguments}) -> {ast.unparse(node.returns)}"


def properties(value):
    found = list(members(value, are_properties=True))
    if not found:
        return ""
    rows = [
        f"| `{n.name}` | {in_a_cell(ast.unparse(n.returns))} | {first_lines(n)} |"
        for n in found
    ]
    return "\n".join(["| property | type | meaning |", "| --- | --- | --- |", *rows])


def methods(value):
    return "\n".join(
        f"* `{called(node)}`: {first_lines(node)}"
        for node in members(value, are_properties=False)
    )


def offered(function):
    """The line of a function that PGIs may call."""
    tree = ast.parse(inspect.getsource(function))
    module = function.__module__
    return f"* `{module}.{called(tree.body[0])}`: {first_lines(tree.body[0])}"


def section(value):
    """The part of the page that tells of a value."""
    found = re.search(
        rf"^### {value.__name__}\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE
    )
    assert found, f"docs/values.md has no section '### {value.__name__}'"
    return found[1]


def plain_docstring(value):
    """What the class says of itself, without its examples."""
    return text_of(class_of(value)).split("\n\n>>>")[0]


def test_every_value_is_documented_in_one_order():
    documented = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    assert documented == [value.__name__ for value in VALUES]
    named = {name for name in model.__all__ if inspect.isclass(getattr(model, name))}
    assert named <= set(documented)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_a_value_is_documented_with_its_docstring_and_hooks(value):
    assert plain_docstring(value) in section(value)
    assert travels(value) in section(value)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_the_fields_of_a_value_are_documented_with_type_default_and_meaning(value):
    head, _, _ = section(value).partition("| property |")
    documented = ROW.findall(head)
    assert [(n, f"`{t}`", d) for n, t, d, _ in documented] == fields(value)
    assert all(meaning.strip() for *_, meaning in documented)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_what_a_value_offers_is_documented_as_in_the_code(value):
    assert properties(value) in section(value)
    assert methods(value) in section(value)
    _, _, tail = section(value).partition("| property |")
    assert tail.count("\n| `") == properties(value).count("\n| `")
    assert section(value).count("\n* `") == len(
        list(members(value, are_properties=False))
    )


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_numbers_are_documented_with_their_units(value):
    """Seconds, bytes, counts: a number without its unit is a guess."""
    units = ("seconds", "bytes", "number", "at most", "at once", "unit", "letter")
    for name, kind, _, meaning in ROW.findall(section(value)):
        if kind in {"int", "float", "float \\| None"}:
            assert any(unit in meaning for unit in units), (value, name)


def test_the_words_of_a_status_are_documented():
    assert ", ".join(f"`{status}`" for status in model.AbStatus) in section(
        model.AbStatus
    )


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_the_functions_for_pgis_are_documented_as_in_the_code(function):
    assert offered(function) in PAGE.partition("## Functions")[2].splitlines()


def test_the_example_of_the_page_runs():
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    exec(compile(block, "values.md", "exec"), {})  # noqa: S102
