"""A review in a real browser: by mouse, by keyboard alone, beside an enemy's page."""

import http.server
import threading
from contextlib import contextmanager

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from phoenix_core.records.comments import read_comments


@pytest.fixture
def page(browser, served):
    """The browser, on the first page of a review."""
    browser.get(served.door.url)
    yield browser
    browser.get_log("browser")  # the next test shall not read it


def one(page, selector):
    return page.find_element(By.CSS_SELECTOR, selector)


def wait(page, condition):
    # What was found may be of the page before.
    patient = WebDriverWait(page, 20, 0.05, [StaleElementReferenceException])
    return patient.until(condition)


def wait_for_page(page, number):
    """Wait until a page of the review is there, and listens."""
    wait(page, lambda _: page.current_url.endswith(f"/{number}/"))
    state = "return document.readyState"
    wait(page, lambda _: page.execute_script(state) == "complete")


def wait_for_text(page, selector, text):
    wait(page, lambda _: text in one(page, selector).text)


def pixel(page, stage, x, y):
    """The grey of a canvas in the middle of a pixel, from the upper left."""
    code = """
      const canvas = document.querySelectorAll(".stage canvas")[arguments[0]];
      const at = (part, size) => Math.floor(size * part);
      const context = canvas.getContext("2d");
      const x = at((arguments[1] + 0.5) / 16, canvas.width);
      const y = at((arguments[2] + 0.5) / 12, canvas.height);
      return context.getImageData(x, y, 1, 1).data[0];
    """
    return page.execute_script(code, stage, x, y)


def paths(page, kind):
    return page.find_elements(By.CSS_SELECTOR, f"#spectrum path.{kind}")


def test_a_whole_review_by_mouse(page, served):
    wait(page, lambda _: one(page, "#images").is_displayed())
    captions = [c.text for c in page.find_elements(By.TAG_NAME, "figcaption")]
    assert captions == ["NGC300", "in1.ab"]
    # The member lies 3 columns to the left and 2 rows up: the same place is brighter.
    assert 0 < pixel(page, 0, 5, 5) < pixel(page, 1, 2, 3) + 40
    assert pixel(page, 1, 15, 5) == 0
    assert pixel(page, 0, 5, 5) > 0

    canvas = one(page, ".stage canvas")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    ActionChains(page).move_to_element_with_offset(canvas, 9, 9).click().perform()
    wait(page, lambda _: paths(page, "product") and paths(page, "member"))
    assert "NGC300 at 9, 6" in one(page, "#spectrum svg").text
    assert "in1.ab at 12, 4" in one(page, "#spectrum svg").text
    one(page, "input[name=low]").send_keys("4755", Keys.ENTER)
    wait(page, lambda _: "4750" not in one(page, "#spectrum svg").text)

    Select(one(page, "#member")).select_by_value("2")
    wait_for_text(page, "#images figure:last-child figcaption", "in2.ab")
    wait_for_text(page, "#spectrum svg", "in2.ab at 9, 6")
    one(page, "#blink").click()
    wait_for_text(page, "#images figcaption", "in2.ab")
    wait_for_text(page, "#images figcaption", "NGC300")
    one(page, "#blink").click()
    one(page, "#zoom").click()
    wait_for_text(page, "#said", "zoom 2")

    field = one(page, "article:not([hidden]) ~ article:not([hidden]) textarea")
    field.send_keys("clouds <b>")
    field.find_element(By.XPATH, "../following-sibling::button").click()
    wait_for_text(page, "#said", "comment kept")
    assert read_comments(served.run)["in2.ab"].text == "clouds <b>"
    assert "clouds <b>" in one(page, "[data-comments='2']").text

    one(page, "input[value=accept]").click()
    one(page, ".verdict button").click()
    wait_for_page(page, 2)
    assert served.given["one.ab"].is_accepted
    assert "<script>alert(1)</script>" in one(page, "h1").text
    one(page, "input[value=reject]").click()
    one(page, ".verdict button").click()
    assert page.current_url.endswith("/2/")  # the browser asks for a reason
    one(page, ".verdict input[name=comment]").send_keys("half empty")
    one(page, ".verdict button").click()
    wait_for_text(page, "main", "All is decided")
    assert served.over.wait(5)
    assert served.given["two.ab"].comment == "half empty"
    assert (
        page.execute_script("return getComputedStyle(document.body).fontSize") == "14px"
    )


@pytest.mark.parametrize("width", [600, 1400])
def test_each_plot_is_shown_whole_in_its_column(page, width):
    size = page.get_window_size()
    page.set_window_size(width, 900)
    try:
        wide = """
          return Array.from(document.querySelectorAll("article:not([hidden]) .plot"))
            .map((one) => [one, one.querySelector("img"), one.closest("article")])
            .map((them) => them.map((one) => one.getBoundingClientRect().width));
        """
        shown = wait(page, lambda _: page.execute_script(wide))
        for plot, image, column in shown:
            assert max(plot, image) <= column + 1
    finally:
        page.set_window_size(size["width"], size["height"])


def test_a_whole_review_by_keyboard_alone(page, served):
    def press(*keys):
        ActionChains(page).send_keys(*keys).perform()

    def press_with_control(key):
        chain = ActionChains(page).key_down(Keys.CONTROL).send_keys(key)
        chain.key_up(Keys.CONTROL).perform()

    wait(page, lambda _: one(page, "#images").is_displayed())
    press("m")
    wait_for_text(page, "#images figure:last-child figcaption", "in2.ab")
    press("M")
    wait_for_text(page, "#images figure:last-child figcaption", "in1.ab")
    press("s", Keys.ARROW_LEFT, Keys.ARROW_UP)
    wait_for_text(page, "#spectrum svg", "NGC300 at 8, 8")
    press("b")
    wait_for_text(page, "#images figcaption", "in1.ab")
    press("b", "z")
    wait_for_text(page, "#said", "zoom 2")
    press("c", "hazy")
    press_with_control(Keys.ENTER)
    wait_for_text(page, "#said", "comment kept")
    assert read_comments(served.run)["in1.ab"].text == "hazy"
    press(Keys.ESCAPE, "n")
    wait_for_page(page, 2)
    press("a", "two fields", Keys.ENTER)
    wait_for_page(page, 1)
    press("p")
    wait_for_page(page, 2)
    press("r")
    press_with_control("a")
    press("no", Keys.ENTER)
    wait_for_page(page, 1)
    assert not served.given["two.ab"].is_accepted
    # With Tab and Enter only, as a browser has them without the script's keys.
    page.refresh()
    wait_for_page(page, 1)
    for _ in range(40):
        press(Keys.TAB)
        here = page.switch_to.active_element
        if here.get_attribute("name") == "verdict":
            break
    press(Keys.SPACE, Keys.TAB, "fine", Keys.TAB, Keys.ENTER)
    wait_for_text(page, "main", "All is decided")
    assert served.given["one.ab"].comment == "fine"


@contextmanager
def page_of_an_enemy(content):
    """A page on another port of this machine: the same site, another origin."""

    class Enemy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())
            stolen.append(self.headers["Cookie"])

        def log_message(self, *_):
            pass

    stolen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Enemy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", stolen
        finally:
            server.shutdown()
            thread.join()


def test_an_enemys_page_in_the_same_browser_neither_sees_nor_says_a_thing(page, served):
    """Even one that knows the address, and the key of the forms."""
    base = f"http://127.0.0.1:{served.door.port}{served.door.base}"
    review = served.site.sitting.reviews[0].id
    fields = {"key": served.door.form_key, "report": review, "verdict": "accept"}
    inputs = "".join(f"<input name={n} value={v}>" for n, v in fields.items())
    content = f"""<iframe id=frame src="{base}1/"></iframe>
    <form id=form method=post target=sink action="{base}1/verdict">{inputs}</form>
    <iframe name=sink></iframe><img id=plot src="{base}1/0/plot/0">
    <script>
      const body = new URLSearchParams({fields});
      const sent = fetch("{base}1/verdict", {{method: "POST", body, mode: "no-cors",
        credentials: "include"}});
      const read = fetch("{base}1/", {{credentials: "include"}}).then(() => "seen");
      form.submit();
      const all = Promise.allSettled([sent, read]);
      all.then((ends) => {{ window.done = ends[1].status; }});
    </script>"""
    with page_of_an_enemy(content) as (address, stolen):
        page.get(address)
        wait(page, lambda _: page.execute_script("return window.done"))
        assert page.execute_script("return window.done") == "rejected"
        assert page.execute_script("return plot.naturalWidth") == 0
        page.switch_to.frame("frame")
        assert page.find_elements(By.CSS_SELECTOR, ".verdict") == []
        page.switch_to.default_content()
    assert stolen == [None] * len(stolen)
    assert served.given == {}
