"""AB files: read as they are, written so that no half-written one is ever seen."""

from pathlib import Path

from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import write_text
from phoenix_core.files.regular_file import read_regular


def read_block(path: Path) -> AssociationBlock:
    """Read an AB file; it is written back byte for byte.

    Raises:
        ConfigError: there is no such file, or it cannot be read.
    """
    try:
        return parse_block(read_regular(path), path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def parse_block(content: bytes, source: Path) -> AssociationBlock:
    """Read an AB from bytes; bytes that are no UTF-8 survive as they are."""
    return AssociationBlock.parse(content.decode("utf-8", "surrogateescape"), source)


def check_block(block: AssociationBlock) -> AssociationBlock:
    """Return the block if all that phoenix reads of it can be trusted.

    Raises:
        ConfigError: file, line, qualifier and value of what is wrong; among it names
            with directories, and an AB_NAME that is not the file's name.
    """
    name = block.name
    if block.source and block.source.name != name:
        raise block.wrong("AB_NAME", name, f"the name of the file, {block.source.name}")
    for check in ("root", "log_name", "recipe", "raw_type", "status", "params"):
        getattr(block, check)
    for check in ("rawfiles", "mcalibs", "products"):
        getattr(block, check)
    if name in block.needs:
        raise block.wrong("MCALIB", name, "another AB than itself")
    return block


def read_blocks(directory: Path) -> tuple[AssociationBlock, ...]:
    """Read all ABs of a directory, in the order of their names."""
    return tuple(read_block(path) for path in sorted(directory.glob("*.ab")))


def write_block(path: Path, block: AssociationBlock) -> None:
    """Write an AB under its name in one step."""
    write_text(path, block.text)
