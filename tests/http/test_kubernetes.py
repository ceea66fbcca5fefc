# SPDX-License-Identifier: Apache-2.0
"""packaging/kubernetes as far as it can be tried without a cluster: configuration and commands are good,
manifests agree with each other, and a pod of each kind serves with its files as they are. .ci/run checks
the manifests' schemas."""
import copy
import os
import pathlib
import re
import shutil
import signal
import subprocess
import types

import pytest
import yaml

import postgres
import webserver
from annals import BUILD, TOP, wait_until

FOLDER = TOP / "packaging/kubernetes"
DEPLOYMENTS = ("ingest", "search", "admin")


def documents():
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            found += [doc for doc in yaml.safe_load_all(path.read_text()) if doc]
    return found


def pod_specs():
    """(name, spec) of every pod."""
    for doc in documents():
        if doc["kind"] in ("Deployment", "Job"):
            yield doc["metadata"]["name"], doc["spec"]["template"]["spec"]
        if doc["kind"] == "CronJob":
            yield doc["metadata"]["name"], doc["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def deployment(app):
    (found,) = [spec for name, spec in pod_specs() if name == f"annals-{app}"]
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """What the image holds of ours."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run(["make", "-s", "-C", BUILD, "install", f"DESTDIR={folder}"], check=True, timeout=300,
                   stdout=subprocess.DEVNULL)
    return folder


def services():
    """{pod: its service file}."""
    return {doc["metadata"]["name"]: doc["stringData"]["pg_service.conf"] for doc in documents()
            if doc["kind"] == "Secret"}


def test_configuration(tmp_path):
    """With the services of all pods together."""
    file = tmp_path / "pg_service.conf"
    file.write_text("".join(services().values()))
    done = subprocess.run([BUILD / "annalsctl", "--config", FOLDER / "annals.conf", "config", "check"],
                          text=True,
                          capture_output=True, check=False, timeout=30,
                          env={**os.environ, "PGSERVICEFILE": str(file)})
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_pod_has_its_services(tmp_path):
    """What a program connects as is in the Secret of its pod."""
    for pod, text in services().items():
        program = BUILD / pod
        if not program.exists():
            continue  # annalsctl
        file = tmp_path / pod
        file.write_text(text)
        done = subprocess.run([program, "--config", FOLDER / "annals.conf", "--check-config"], text=True,
                              capture_output=True,
                              check=False, timeout=30, env={**os.environ, "PGSERVICEFILE": str(file)})
        assert done.returncode == 0, pod + ": " + done.stdout + done.stderr


def test_every_file_is_named():
    conf = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    named = {*conf["resources"], *conf["configMapGenerator"][0]["files"], "kustomization.yaml"}
    assert {path.name for path in FOLDER.iterdir() if ".example." not in path.name} == named


def test_commands_exist(image):
    """The image is built with the prefix /usr; tests build with another."""
    installed = {path.name for path in image.rglob("*") if path.is_file() and os.access(path, os.X_OK)}
    for name, spec in pod_specs():
        for container in spec["containers"]:
            program = pathlib.PurePath(container["command"][0])
            if program.name == "lighttpd":
                continue
            assert program.name in installed, name
            assert str(program.parent) == {"annalsctl": "/usr/bin", "annals-partition": "/usr/sbin"}.get(
                program.name, "/usr/libexec/annals")


def test_pods_are_restricted():
    for name, spec in pod_specs():
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] and pod["runAsUser"] > 0 \
            and pod["seccompProfile"]["type"] == "RuntimeDefault", name
        assert spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            assert container["securityContext"] == {"allowPrivilegeEscalation": False,
                                                    "readOnlyRootFilesystem": True,
                                                    "capabilities": {"drop": ["ALL"]}}, name
            assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]
        for volume in spec["volumes"]:
            assert set(volume) - {"name"} <= {"configMap", "secret", "emptyDir"}, "a pod's disk holds nothing"


def test_secrets_hold_what_a_pod_needs_and_no_more():
    secrets = {name: re.findall(r"^\[(\w+)\]$", text, re.M) for name, text in services().items()}
    for name, spec in pod_specs():
        (secret,) = [volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume]
        assert secret == name and secrets[name]
    assert secrets["annals-ingest"] == ["annals_writer"]
    owners = [name for name, services in secrets.items() if "annals_owner" in services]
    assert owners == ["annals-migrate"]


def test_a_pod_has_time_to_stop():
    conf = (FOLDER / "annals.conf").read_text()
    delay, timeout = (int(re.search(rf"^{key} = (\d+)s$", conf, re.M)[1])
                      for key in ("drain_delay", "drain_timeout"))
    for app in DEPLOYMENTS:
        spec = deployment(app)
        sleep = int(spec["containers"][1]["lifecycle"]["preStop"]["exec"]["command"][1])
        assert sleep < delay and delay + timeout < spec["terminationGracePeriodSeconds"]


class Pod:
    """The containers of a Deployment: its files and environment, with paths and port of this test in place
    of the image's."""

    def __init__(self, app, folder, database):
        self.app, self.folder = app, folder
        self.spec = deployment(app)
        self.processes = []
        (folder / "run").mkdir()
        (folder / "tmp").mkdir(mode=0o777)
        roles = re.findall(r"^\[annals_(\w+)\]$", services()[f"annals-{app}"], re.M)
        own = [f"[annals_{role}]\n" + database(role).replace(" ", "\n") + "\n" for role in roles]
        self.port = webserver.free_port()
        self.write("pg_service.conf", "".join(own))
        self.write("annals.conf", (FOLDER / "annals.conf").read_text())
        self.write("lighttpd.conf", (FOLDER / "lighttpd.conf").read_text())
        user = postgres.service_user()
        for path in (folder, folder / "run", folder / "tmp"):
            if user is not None:
                os.chown(path, user.pw_uid, user.pw_gid)

    def write(self, name, text):
        for theirs, ours in (("/run/annals", f"{self.folder}/run"),
                             ("/usr/share/annals/", f"{TOP}/packaging/"),
                             ('"/tmp"', f'"{self.folder}/tmp"'),
                             ("= 8080", f"= {self.port}\nserver.bind = \"127.0.0.1\"")):
            text = text.replace(theirs, ours)
        (self.folder / name).write_text(text)

    def start(self, issuer):
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("ANNALS_", "PG"))}
        for container in self.spec["containers"]:
            env = {item["name"]: item["value"] for item in container["env"]}
            if "PGSERVICEFILE" in env:
                env["PGSERVICEFILE"] = str(self.folder / "pg_service.conf")
            command = [word.replace("/etc/annals", str(self.folder)) for word in container["command"]]
            if command[0] != "/usr/sbin/lighttpd":
                command = [str(BUILD / pathlib.PurePath(command[0]).name), "--config",
                           str(self.folder / "annals.conf")]
                env.update({f"ANNALS_SET_ISSUER_MAIN_{key}": value for key, value in issuer.items()})
            else:
                command[0] = webserver.program("lighttpd")
            with open(self.folder / "log", "ab") as log:
                self.processes.append(subprocess.Popen(
                    postgres.as_service(command), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**ours, **env}, start_new_session=True))

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGQUIT if process is self.processes[0] else signal.SIGTERM)
        for process in self.processes:
            process.wait(10)


@pytest.mark.parametrize("app", DEPLOYMENTS)
def test_a_pod_serves(annals, app):
    folder = pathlib.Path(postgres.make_folder("an-pod-"))
    folder.chmod(0o755)
    pod = Pod(app, folder, annals.conninfo)
    seen = copy.copy(annals)
    seen.web = types.SimpleNamespace(port=pod.port)
    try:
        pod.start({"ISSUER": "urn:annals:tests", "DISCOVERY_URL": "", "KEYS_FILE": str(annals.keys_file),
                   "ALGORITHMS": "ES256"})
        wait_until("the pod is alive", lambda: answers(seen, "/healthz"), 15)
        ready = seen.get("/readyz", token=None)
        assert ready.status == 200, ready
        assert ready.json()["status"] == "ready"
        reply = {"ingest": lambda: seen.post({"action": "a.b", "actor": {"type": "user", "id": "u"}}),
                 "search": lambda: seen.get("/v1/events"),
                 "admin": lambda: seen.get("/admin/login?token=x", token=None)}[app]()
        assert reply.status == {"ingest": 201}.get(app, 200), reply
    finally:
        pod.stop()
        print((folder / "log").read_text(errors="replace")[-4000:])
        shutil.rmtree(folder, ignore_errors=True)


def answers(seen, path):
    try:
        return seen.get(path, token=None).status == 200
    except OSError:
        return False
