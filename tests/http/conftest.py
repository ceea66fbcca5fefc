# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib"), str(Path(__file__).resolve().parent)]

import webserver  # noqa: E402
from echo import BUILD, Echo  # noqa: E402


@pytest.fixture(scope="session")
def built():
    subprocess.run(["make", "-s", "-C", BUILD, "tests/http/echo-app"], check=True, timeout=600)


@pytest.fixture(scope="session")
def open_folder():
    """A folder that a web server which runs as somebody else can enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="an-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def echo(built, open_folder):
    (open_folder / "echo").mkdir()
    apps = Echo(open_folder / "echo")
    try:
        yield apps.start()
    finally:
        apps.stop()


# nginx is not among what the tests install; where it is there, it is tested like the others.
@pytest.fixture(scope="session",
                params=[s for s in webserver.SERVERS if s != "nginx" or webserver.program(s)])
def web(request, echo, open_folder):
    if webserver.program(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    server = webserver.WebServer(request.param, open_folder / request.param, echo.run_dir)
    try:
        yield server.start()
    finally:
        server.stop()
