# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib"), str(Path(__file__).resolve().parent)]

import webserver  # noqa: E402
from echo import BUILD, Echo  # noqa: E402


@pytest.fixture(scope="session")
def built():
    subprocess.run(["make", "-s", "-C", BUILD, "tests/http/echo-app"], check=True, timeout=600)


@pytest.fixture(scope="session")
def echo(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("echo")
    for parent in folder.parents[:2]:
        parent.chmod(0o755)  # a web server that runs as somebody else passes through
    apps = Echo(folder)
    try:
        yield apps.start()
    finally:
        apps.stop()


# nginx is not among what the tests install; where it is there, it is tested like the others.
@pytest.fixture(scope="session", params=[s for s in webserver.SERVERS if s != "nginx" or webserver.program(s)])
def web(request, echo, tmp_path_factory):
    if webserver.program(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    server = webserver.WebServer(request.param, tmp_path_factory.mktemp(request.param), echo.run_dir)
    try:
        yield server.start()
    finally:
        server.stop()
