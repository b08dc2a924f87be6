"""pgi_phoenix_EXAMPLE_HDR: every file that a run needs from disk is there."""

from phoenix_core import hookimpl
from phoenix_core.ab.inputs import find_file
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, Cascade, Finding, Run


@hookimpl
def hdr_pgi(run: Run, cascade: Cascade) -> list[Finding]:
    """Name each missing file, and the AB that wants it."""
    return [
        Finding(problem, block.name, is_error=True)
        for block in cascade.blocks
        for problem in _problems(run, block)
    ]


def _problems(run: Run, block: AssociationBlock) -> list[str]:
    directories = run.config.directories
    wanted = [(directories.raw, raw.file) for raw in block.rawfiles]
    wanted += [(directories.calib, m.file) for m in block.mcalibs if not m.is_virtual]
    problems = []
    for directory, name in wanted:
        try:
            find_file(directory, name)
        except ProcessingError as error:
            problems.append(str(error))
    return problems
