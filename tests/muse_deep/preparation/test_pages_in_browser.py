"""The pages in a real browser: sorted, filtered, followed; offline, and unscripted."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from muse_deep_plugin.preparation.info_run import info_run

RUN = "094.D-0114(B)"


@pytest.fixture
def open_page(history, browser):
    """A function that opens a page of the history in the browser."""
    history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    plots = history.config.directories.plots / "2014-10-22"
    plots.mkdir(parents=True)
    (plots / "1090003_fov.png").write_bytes(b"picture")
    info_run(history.config, "")

    def opened(name):
        browser.get((history.folder / name).as_uri())
        return browser

    return opened


def texts(browser, column):
    """What stands in a column, line by line, as far as lines are shown."""
    heads = browser.find_elements(By.CSS_SELECTOR, "thead tr:first-child th")
    index = [head.text.split()[0] for head in heads].index(column) + 1
    cells = browser.find_elements(By.CSS_SELECTOR, f"tbody td:nth-child({index})")
    return [cell.text for cell in cells if cell.is_displayed()]


def head(browser, column):
    return found(browser, By.XPATH, f"//th[button[normalize-space()='{column}']]")


def filter_of(browser, column):
    return found(browser, By.CSS_SELECTOR, f"input[aria-label='filter {column}']")


def found(browser, how, what):
    """What the page's script makes, once it has."""
    patient = WebDriverWait(browser, 20, 0.05)
    return patient.until(lambda page: page.find_element(how, what))


def test_a_column_is_sorted_up_and_down_and_as_it_was(open_page):
    browser = open_page("094.D-0114B.html")
    before = texts(browser, "texptime")
    numbers = sorted(before, key=float)
    assert before != numbers
    button = head(browser, "texptime").find_element(By.TAG_NAME, "button")
    for shown, order in (
        ("ascending", numbers),
        ("descending", numbers[::-1]),
        (None, before),
    ):
        button.click()
        assert texts(browser, "texptime") == order
        assert head(browser, "texptime").get_attribute("aria-sort") == shown


def test_lines_without_a_value_come_last_both_ways(open_page):
    browser = open_page("094.D-0114B.html")
    button = head(browser, "RMS").find_element(By.TAG_NAME, "button")
    for _ in range(2):
        button.click()
        assert texts(browser, "RMS")[-3:] == ["", "", ""]


def test_only_one_column_is_told_to_be_sorted_and_the_keyboard_is_enough(open_page):
    browser = open_page("overview.html")
    head(browser, "N_dcubes").find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    head(browser, "RUN_ID").find_element(By.TAG_NAME, "button").send_keys(Keys.SPACE)
    sorted_by = browser.find_elements(By.CSS_SELECTOR, "th[aria-sort]")
    assert [h.text.split()[0] for h in sorted_by] == ["RUN_ID"]
    assert texts(browser, "RUN_ID") == sorted(texts(browser, "RUN_ID"))


def test_a_target_is_filtered_and_what_is_left_is_counted(open_page):
    browser = open_page("094.D-0114B.html")
    filter_of(browser, "target").send_keys("ngc")
    assert set(texts(browser, "target")) == {"NGC300"}
    count = browser.find_element(By.CSS_SELECTOR, "[role=status]")
    assert count.text == "4 of 11 lines"
    filter_of(browser, "data_type").send_keys("!sky")
    assert count.text == "2 of 11 lines"
    filter_of(browser, "target").send_keys(Keys.ESCAPE)
    filter_of(browser, "data_type").send_keys(Keys.ESCAPE)
    assert count.text == "11 lines"


@pytest.mark.parametrize(
    ("column", "words", "expected"),
    [
        ("SKY_RES", ">0.8", ["2014-10-24T01:30:10.456_tpl", "2014-10-24T01:41:45.579"]),
        ("civil_date", ">=2014-11-20", ["2014-11-21T02:00", "2014-11-22T03:00"]),
        ("GRD", "=C", ["2014-10-24T00:05"]),
        ("GRD", "=x", []),
    ],
)
def test_a_filter_compares(open_page, column, words, expected):
    browser = open_page("094.D-0114B.html")
    filter_of(browser, column).send_keys(words)
    found = texts(browser, "pipefile")
    assert len(found) == len(expected)
    assert all(part in name for part, name in zip(expected, found, strict=True))


def test_links_lead_from_the_overview_to_the_text_of_a_run(open_page):
    browser = open_page("overview.html")
    for text, end in (
        ("P94", "period_094.html"),
        (RUN, "094.D-0114B.html"),
        ("objects only", "094.D-0114B_objects.html"),
        ("target", "094.D-0114B_targets.html"),
        ("sortable", "094.D-0114B.html"),
        ("txt", "094.D-0114B.txt"),
    ):
        browser.find_element(By.LINK_TEXT, text).click()
        assert browser.current_url.endswith(f"/{end}")
    assert "yours to edit" in browser.find_element(By.TAG_NAME, "body").text


def test_a_preview_opens_large(open_page):
    browser = open_page("094.D-0114B.html")
    browser.find_element(By.CSS_SELECTOR, "td a img").click()
    assert browser.current_url.endswith("/plots/2014-10-22/1090003_fov.png")


def test_the_page_of_targets_keeps_its_groups_while_it_is_filtered(open_page):
    browser = open_page("094.D-0114B_targets.html")
    assert not browser.find_elements(By.CSS_SELECTOR, "th button")
    filter_of(browser, "target").send_keys("abell")
    assert texts(browser, "target") == ["Abell 370"] * 4


def test_style_and_script_are_allowed_and_nothing_else_is_asked_for(open_page):
    browser = open_page("094.D-0114B.html")
    body = browser.find_element(By.TAG_NAME, "body")
    assert "sans-serif" in body.value_of_css_property("font-family")
    complaints = [
        entry["message"]
        for entry in browser.get_log("browser")
        if "Content Security Policy" in entry["message"] or "http" in entry["message"]
    ]
    assert complaints == []


def test_without_a_script_everything_is_there_and_no_field_that_does_nothing(open_page):
    open_page("overview.html").execute_cdp_cmd(
        "Emulation.setScriptExecutionDisabled", {"value": True}
    )
    browser = open_page("094.D-0114B.html")
    try:
        assert len(texts(browser, "pipefile")) == 11
        assert not browser.find_elements(By.CSS_SELECTOR, "input, button")
        browser.find_element(By.LINK_TEXT, "target").click()
        assert len(texts(browser, "target")) == 6
    finally:
        browser.execute_cdp_cmd(
            "Emulation.setScriptExecutionDisabled", {"value": False}
        )
