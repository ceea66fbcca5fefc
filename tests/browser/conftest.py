# SPDX-License-Identifier: Apache-2.0
"""A real browser: headless Chromium, driven over loopback only."""
import shutil
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib"), str(Path(__file__).resolve().parent)]

pytest.importorskip("selenium", reason="python3-selenium is not installed")

from browser import Browser  # noqa: E402


def start(annals, tmp_path_factory, **options):
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        pytest.skip("chromium and chromium-driver are not installed")
    return Browser(annals, tmp_path_factory.mktemp("chromium"), **options)


@pytest.fixture(scope="session")
def shared_browser(annals, tmp_path_factory):
    one = start(annals, tmp_path_factory)
    yield one
    one.quit()


@pytest.fixture
def browser(shared_browser):
    """Signed out, of the usual size, in the light."""
    shared_browser.fresh()
    return shared_browser


@pytest.fixture(scope="session")
def plain_browser(annals, tmp_path_factory):
    """One that runs no scripts."""
    one = start(annals, tmp_path_factory, scripts=False)
    yield one
    one.quit()
