"""What headers of HAWKI files say, read with one line where they cannot be read."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from phoenix_core.errors import ProcessingError

if TYPE_CHECKING:
    from astropy.io import fits

Inputs = Sequence[tuple[Path, str]]

OPEN: Final = "OPEN"
DIT: Final = "ESO DET DIT"
CHIPS: Final = 4


@frozen
class Keywords(Mapping[str, Any]):
    """What a header says; a keyword whose value is none (NaN, 1_0) is not there."""

    header: "fits.Header"

    def __getitem__(self, keyword: str) -> Any:
        """Return a value."""
        from astropy.io import fits  # noqa: PLC0415, costs start-up

        try:
            return self.header[keyword]
        except fits.VerifyError as error:  # values are parsed when they are asked for
            raise KeyError(keyword) from error

    def __iter__(self) -> Iterator[str]:
        """Go through the keywords."""
        return (keyword for keyword in self.header if keyword in self)

    def __len__(self) -> int:
        """Count the keywords."""
        return sum(1 for _ in self)


@frozen
class Extension:
    """What the header of one chip's HDU says."""

    name: str
    keywords: Keywords

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and rows; 0 where there are no pixels."""
        return int(self.keywords.get("NAXIS1", 0)), int(self.keywords.get("NAXIS2", 0))


def primary_header(path: Path) -> Keywords:
    """Return the primary header of a FITS file.

    Raises:
        ProcessingError: the file is not there, or is no FITS file.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        header = fits.getheader(path)
        len(header)  # parses it
    except (OSError, ValueError, IndexError, fits.VerifyError) as error:
        raise _unreadable(path, error) from error
    return Keywords(header)


def extensions(path: Path) -> tuple[Extension, ...]:
    """Return the extensions of a FITS file, without their data.

    Raises:
        ProcessingError: the file is not there, or is no FITS file.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        with fits.open(path, lazy_load_hdus=False) as hdus:
            headers = [(hdu.name, hdu.header.copy()) for hdu in hdus[1:]]
    except (OSError, ValueError, IndexError, fits.VerifyError) as error:
        raise _unreadable(path, error) from error
    return tuple(Extension(name, Keywords(header)) for name, header in headers)


def filter_of(header: Mapping[str, object]) -> str:
    """Return the filter in the beam, '' where the header does not tell.

    As the recipes do: that of the first wheel, unless it is open.
    """
    first, second = (
        str(header.get(f"ESO INS FILT{wheel} NAME", "")).strip() for wheel in (1, 2)
    )
    return second if first == OPEN else first


def number(header: Mapping[str, object], keyword: str) -> float | None:
    """Return a keyword that is a number; a logical value is none."""
    value = header.get(keyword)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def with_tag(inputs: Inputs, *tags: str) -> tuple[Path, ...]:
    """Return the files of some tags, in their order."""
    return tuple(path for path, its in inputs if its in tags)


def _unreadable(path: Path, error: Exception) -> ProcessingError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ProcessingError(f"{path} cannot be read: {reason}")
