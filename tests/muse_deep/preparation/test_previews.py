"""Pictures that the database names: found where they are, and nowhere else."""

from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muse_deep_plugin.preparation.previews import find_previews, is_picture


@pytest.fixture
def site(tmp_path):
    """Directories as a site has them, with a picture in each and a secret beside."""
    for name in ("plots/2014-10-22/a.png", "monitor/plots/b.png", "secret/c.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"picture")
    (tmp_path / "plots" / "d#1.png").write_bytes(b"no safe name")
    (tmp_path / "monitor" / "FINISHED" / "RUN").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def link(site):
    """A function that returns the address of a picture."""

    def look(named):
        roots = (site / "plots", site / "monitor")
        page = site / "monitor" / "FINISHED" / "RUN"
        return find_previews([named], roots, page).link(named)

    return look


def test_a_picture_is_found_below_plots_and_below_monitor(link, site):
    assert link("2014-10-22/a.png") == "../../../plots/2014-10-22/a.png"
    assert link("plots/b.png") == "../../plots/b.png"
    assert link(f"{site}/plots/2014-10-22/a.png") == "../../../plots/2014-10-22/a.png"


@pytest.mark.parametrize(
    "named",
    [
        "",
        "2014-10-22/z.png",
        "2014-10-22",
        "../secret/c.png",
        "2014-10-22/../../secret/c.png",
        "./2014-10-22/a.png",
        "2014-10-22//a.png",
        "d#1.png",
        "/etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://",
        "https://archive.example/preview/a.png",
        "//host/x.png",
        "2014-10-22/a.png\0",
    ],
)
def test_what_is_not_there_or_leads_elsewhere_has_no_address(link, named):
    assert link(named) == ""


def test_a_picture_is_known_by_its_name():
    assert is_picture("../plots/a.PNG")
    assert not is_picture("../plots/a.html")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("abcplotsecr2014-/.\\~:#% \n\0\x7f"), max_size=30))
def test_no_name_leads_out_of_the_directories_of_pictures(site, link, named):
    page = site / "monitor" / "FINISHED" / "RUN"
    found = link(named)
    if found:
        target = (page / unquote(found)).resolve()
        assert target.is_file()
        assert any(target.is_relative_to(site / d) for d in ("plots", "monitor"))
