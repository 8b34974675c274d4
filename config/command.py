"""The `ckan` command, which loads without looking through memory for what is no longer used.

What it loads stays; the plugin lets the collector go on from there (`startup.loaded`).
"""

import gc
import sys

gc.disable()
del sys.path[0]  # this folder holds settings, no modules

from ckan.cli.cli import ckan  # noqa: E402  (the collector rests from here on)

if __name__ == "__main__":
    ckan(prog_name="ckan")
