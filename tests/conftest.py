# SPDX-License-Identifier: Apache-2.0
"""Fixtures that all suites share; tests/lib holds what they are made of."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

import annals as annals_lib  # noqa: E402
import postgres  # noqa: E402


@pytest.fixture(scope="session")
def cluster():
    """One PostgreSQL for all: fast, not for tests that kill it."""
    with postgres.Cluster() as pg:
        yield pg


@pytest.fixture(scope="session")
def annals(cluster):
    """One Annals with the defaults for all tests that only talk to it."""
    stack = annals_lib.Annals(cluster=cluster).start()
    yield stack
    stack.stop()


@pytest.fixture
def make_annals(cluster):
    """make_annals({"limits.event_bytes": "1KiB"}, server="apache", own_cluster=True): started, and stopped
    at the test's end."""
    stacks = []

    def make(settings=None, own_cluster=False, **kwargs):
        stack = annals_lib.Annals(settings, cluster=None if own_cluster else cluster, **kwargs)
        stacks.append(stack.start())
        return stack

    yield make
    for stack in stacks:
        stack.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its Annals logged last."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, annals_lib.Annals) and value.log.exists():
                report.sections.append((f"log of {name}", value.log_tail()))
