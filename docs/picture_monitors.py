"""Take the pictures of docs/monitors.md, with a headless Chromium.

python docs/picture_monitors.py FOLDER IMAGES

FOLDER is the monitor directory of simulated data, with runs in several states and deep
datacubes in the QC1 database; IMAGES is where the pictures go.
"""

import sys

from picture_pages import main

PICTURES = {
    "dfo_monitor": ("dfoMonitor.html", 1700, 960, "", ""),
    "histo_monitor": ("FINISHED/histoMonitor.html", 1720, 460, "", ""),
    "trending": ("trending.html", 1250, 900, "", ""),
}

if __name__ == "__main__":
    main(*sys.argv[1:], PICTURES)
