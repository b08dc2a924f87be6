"""Take the pictures of docs/certification.md, with a headless Chromium.

PHOENIX_CONFIG=FILE python docs/picture_review.py RUN IMAGES

RUN is processed and not yet certified, with three targets; IMAGES is where the pictures
go. The verdicts and the comment that are given for the pictures are kept with the run:
take simulated data.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = ("headless", "no-sandbox", "disable-gpu", "no-first-run", "hide-scrollbars")
COLOURS = ("light", "dark")


def main(run, images):
    """Review one target, and take the pictures of the next one."""
    command = Path(sys.executable).with_name("phoenixCertify_MUSE")
    server = subprocess.Popen([command, "-r", run, "--web"], stderr=subprocess.PIPE, text=True)
    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, "window-size=1400,1630", f"user-data-dir={profile}"):
            options.add_argument(f"--{flag}")
        browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
        try:
            browser.get(re.search(r"http\S+", server.stderr.readline())[0])
            take(browser, Path(images))
        finally:
            browser.quit()
            server.terminate()
            server.communicate()


def take(browser, images):
    """Accept the first target, and show the second with a spectrum and a comment."""

    def press(*keys):
        ActionChains(browser).send_keys(*keys).perform()

    def wait(selector, text):
        def is_there(_):
            return text in browser.find_element(By.CSS_SELECTOR, selector).text

        WebDriverWait(browser, 30).until(is_there)

    press("a", Keys.ENTER)
    WebDriverWait(browser, 30).until(lambda _: "/2/" in browser.current_url)
    wait("#images figcaption", "NGC300")
    press("m")
    press("s", *[Keys.ARROW_UP] * 3, *[Keys.ARROW_LEFT] * 6)
    wait("#spectrum svg", "at 22, 31")
    press("b", "b")
    browser.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")
    for colour in COLOURS:
        feature = {"name": "prefers-color-scheme", "value": colour}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        browser.save_screenshot(str(images / f"review_{colour}.png"))


if __name__ == "__main__":
    main(*sys.argv[1:])
