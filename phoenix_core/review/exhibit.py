"""What a person is shown of a product, beside its QC report."""

from pathlib import Path

from attrs import frozen

from phoenix_core.model import QcReport


@frozen
class Exhibit:
    """A product as it is looked at: its report, an image, a cube, what it is made of.

    Files are FITS, and read only when somebody looks. Without an image the mean of the
    cube is shown; without both, the plots of the report are all there is.
    """

    report: QcReport
    image: Path | None = None
    cube: Path | None = None
    shift: tuple[float, float] = (0.0, 0.0)  # degrees of RA and Dec
    members: tuple["Exhibit", ...] = ()
