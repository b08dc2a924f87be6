"""Plug-in packages for tests, written as an installer leaves them."""

import inspect
import textwrap
from collections.abc import Mapping
from pathlib import Path

from phoenix_core import hookspecs


def hook_source(hook: str, body: str) -> str:
    """Return the source of a hook with all the arguments of its spec."""
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return f"@hookimpl\ndef {hook}({arguments}):\n{lines}\n"


def write_package(
    directory: Path,
    distribution: str,
    pgis: Mapping[str, str | None],
    version: str = "1.0",
) -> None:
    """Write a package of PGIs with what its distribution says of itself.

    Args:
        directory: where it goes; Python has to look there.
        distribution: its name; the package is called so, with underscores.
        pgis: the source of each PGI, by its name; None: an entry point with nothing
            behind it.
        version: the distribution's.
    """
    package = distribution.replace("-", "_")
    about = directory / f"{package}-{version}.dist-info"
    about.mkdir(parents=True)
    (directory / package).mkdir(exist_ok=True)
    (directory / package / "__init__.py").touch()
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    (about / "METADATA").write_text(metadata, "utf-8")
    points = [f"{pgi} = {package}.{pgi}" for pgi in pgis]
    lines = ["[phoenix.pgi]", *points, ""]
    (about / "entry_points.txt").write_text("\n".join(lines), "utf-8")
    for pgi, source in pgis.items():
        if source is not None:
            (directory / package / f"{pgi}.py").write_text(source, "utf-8")
