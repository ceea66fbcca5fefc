# SPDX-License-Identifier: Apache-2.0
"""lighttpd, Apache httpd and nginx for tests, before one instance or as balancers before two: each with a
main file that sets variables and includes the configuration of packaging/ as it is."""

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SERVERS = ("lighttpd", "apache", "nginx")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def program(kind):
    """Path of a server's program, or None."""
    for name in {"lighttpd": ["lighttpd"], "apache": ["apache2", "httpd"],
                 "nginx": ["nginx"]}[kind.split("-")[0]]:
        found = shutil.which(name, path=PATH)
        if found:
            return found
    return None


def service_user():
    """Whom a server that root starts should run as: (user, group), or None where we are nobody special."""
    if os.getuid() != 0:
        return None
    for name in ("www-data", "apache", "lighttpd", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return name, grp.getgrgid(user.pw_gid).gr_name
    return None


def lighttpd_conf(folder, run_dir, port):
    return lighttpd_main(folder, port, [f'var.annals_run = "{run_dir}"', packaged("lighttpd", "annals")])


def lighttpd_balancer_conf(folder, ports, port):
    hosts = ", ".join(f'( "host" => "127.0.0.1", "port" => {each} )' for each in ports)
    return lighttpd_main(folder, port, [f"var.annals_hosts = ( {hosts} )", packaged("lighttpd", "balancer")])


def packaged(kind, name):
    return f'include "{TOP}/packaging/{kind}/{name}.conf"'


def lighttpd_main(folder, port, site):
    user = service_user()
    lines = [
        'server.bind = "127.0.0.1"',
        f"server.port = {port}",
        f'server.document-root = "{folder}"',
        f'server.upload-dirs = ( "{folder}/tmp" )',
        *site,
    ]
    if user:
        lines += [f'server.username = "{user[0]}"', f'server.groupname = "{user[1]}"']
    return "\n".join(lines) + "\n"


def apache_modules():
    for folder in ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/etc/httpd/modules"):
        if os.path.isdir(folder):
            return folder
    return None


def apache_conf(folder, run_dir, port):
    return apache_main(folder, port, {"annals_run": run_dir}, "annals")


def apache_pair_conf(folder, run_dirs, port):
    variables = {f"annals_run_{i + 1}": run_dir for i, run_dir in enumerate(run_dirs)}
    return apache_main(folder, port, variables, "pair", BALANCER_MODULES)


def apache_balancer_conf(folder, ports, port):
    variables = {f"annals_host_{i + 1}": f"127.0.0.1:{each}" for i, each in enumerate(ports)}
    return apache_main(folder, port, variables, "balancer", BALANCER_MODULES)


APACHE_MODULES = ("mpm_event", "authz_core", "env", "setenvif", "proxy", "proxy_fcgi", "reqtimeout", "unixd")
BALANCER_MODULES = ("slotmem_shm", "lbmethod_byrequests", "proxy_balancer", "proxy_http", "watchdog",
                    "proxy_hcheck",
                    "headers")


def apache_main(folder, port, variables, site, modules_too=()):
    user = service_user()
    modules = apache_modules()
    lines = [
        f"LoadModule {name}_module {modules}/mod_{name}.so"
        for name in (*APACHE_MODULES, *modules_too)
        if os.path.exists(f"{modules}/mod_{name}.so")  # some are built in
    ]
    lines += [
        "ServerName localhost",
        f"ServerRoot {folder}",
        f"DocumentRoot {folder}/tmp",
        f"PidFile {folder}/apache.pid",
        f"DefaultRuntimeDir {folder}",
        f"Mutex file:{folder} default",
        f"ErrorLog {folder}/error.log",
        f"Listen 127.0.0.1:{port}",
        "StartServers 1",
        "RequestReadTimeout header=20-40,MinRate=500 body=20,MinRate=500",
        *(f"Define {name} {value}" for name, value in variables.items()),
        packaged("apache", site),
    ]
    if user:
        lines += [f"User {user[0]}", f"Group {user[1]}"]
    return "\n".join(lines) + "\n"


# What Debian's fastcgi_params passes on.
NGINX_PARAMS = {
    "QUERY_STRING": "$query_string",
    "REQUEST_METHOD": "$request_method",
    "CONTENT_TYPE": "$content_type",
    "CONTENT_LENGTH": "$content_length",
    "SCRIPT_NAME": "$fastcgi_script_name",
    "REQUEST_URI": "$request_uri",
    "DOCUMENT_URI": "$document_uri",
    "SERVER_PROTOCOL": "$server_protocol",
    "REQUEST_SCHEME": "$scheme",
    "HTTPS": "$https if_not_empty",
    "REMOTE_ADDR": "$remote_addr",
    "SERVER_NAME": "$server_name",
}


def nginx_conf(folder, run_dir, port):
    user = service_user()
    (folder / "fastcgi_params").write_text(
        "".join(f"fastcgi_param {name} {value};\n" for name, value in NGINX_PARAMS.items())
    )
    temporary = ("client_body", "fastcgi", "proxy", "uwsgi", "scgi")
    return "\n".join(
        [
            f"user {user[0]} {user[1]};" if user else "",
            "worker_processes 1;",
            "daemon off;",
            f"pid {folder}/nginx.pid;",
            "error_log stderr;",
            "events {}",
            "http {",
            "access_log off;",
            *(f"{name}_temp_path {folder}/tmp/{name};" for name in temporary),
            f"server {{ listen 127.0.0.1:{port}; root {folder}/tmp;",
            f"set $annals_run {run_dir};",
            f"include {TOP}/packaging/nginx/annals.conf;",
            "} }",
        ]
    )


MAKE_CONF = {
    "lighttpd": lighttpd_conf,
    "apache": apache_conf,
    "nginx": nginx_conf,
    "lighttpd-balancer": lighttpd_balancer_conf,
    "apache-balancer": apache_balancer_conf,
    "apache-pair": apache_pair_conf,
}


class WebServer:
    """A running server; `folder` becomes its own. behind: the folder of the applications' sockets; for a
    pair the folders of both, for a balancer the ports of the web servers behind it."""

    def __init__(self, kind, folder, behind):
        self.kind = kind
        self.folder = Path(folder)
        self.behind = behind
        self.process = None
        self.port = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, tries=5):
        """A port that was free a moment ago may be taken: then with another one."""
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        (self.folder / "tmp").chmod(0o1777)
        while True:
            self.port = free_port()
            try:
                self.start_again()
                return self
            except RuntimeError:
                tries -= 1
                if tries == 0:
                    raise

    def start_again(self):
        """On the port it had."""
        conf = self.folder / f"{self.kind}.conf"
        conf.write_text(MAKE_CONF[self.kind](self.folder, self.behind, self.port))
        args = {
            "lighttpd": ["-D", "-f", conf],
            "apache": ["-DFOREGROUND", "-f", conf],
            "nginx": ["-e", "stderr", "-p", self.folder, "-c", conf],
        }[self.kind.split("-")[0]]
        with open(self.folder / "output.log", "ab") as out:
            self.process = subprocess.Popen(
                [program(self.kind), *args], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True
            )
        until = time.monotonic() + 15
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.kind} ended with {self.process.returncode}:\n{self.logs()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self.kind} does not listen:\n{self.logs()}")

    def logs(self):
        texts = []
        for name in ("output.log", "error.log"):
            path = self.folder / name
            if path.exists():
                texts.append(path.read_text(errors="replace")[-4000:])
        return "\n".join(texts)

    def stop(self, how=signal.SIGTERM):
        """SIGINT lets lighttpd finish its requests first."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.process = None
