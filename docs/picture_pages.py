"""Take the pictures of docs/preparation.md, with a headless Chromium.

python docs/picture_pages.py FOLDER IMAGES

FOLDER is <monitor>/FINISHED/RUN of simulated data, with these decisions in RUN_TYPE.txt:
094.D-0114(B) YES, 098.A-0317(A) TBD; IMAGES is where the pictures go.
"""

import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

FLAGS = ("headless", "no-sandbox", "disable-gpu", "no-first-run", "hide-scrollbars")
PICTURES = {
    "overview": ("overview.html", 1400, 480, "", ""),
    "run": ("094.D-0114B.html", 1640, 990, "target", "NGC300"),
}


def main(folder, images, pictures=PICTURES):
    """Open each page, filter a column where that is shown, and take its picture."""
    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"user-data-dir={profile}"):
            options.add_argument(f"--{flag}")
        browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
        try:
            for name, (page, wide, high, column, words) in pictures.items():
                browser.set_window_size(wide, high)
                browser.get((Path(folder).absolute() / page).as_uri())
                if column:
                    field = f"input[aria-label='filter {column}']"
                    browser.find_element(By.CSS_SELECTOR, field).send_keys(words)
                browser.save_screenshot(str(Path(images) / f"{name}.png"))
        finally:
            browser.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
