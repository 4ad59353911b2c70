"""The programs that a measurement starts: Fermata, nginx, wrk, smtp-sink. Each ends with the `with` that began it."""

import contextlib
import gzip
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "bench"
# What is measured runs alone on one core, what measures on the other.
SERVER_CORE, LOAD_CORE = (str(core) for core in sorted(os.sched_getaffinity(0))[:2])
CONNECTIONS = 64


def note(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def need(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        sys.exit(f"bench: {', '.join(missing)} not found: run .ci/setup bench")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_core(core, *command):
    return ["taskset", "-c", core, *map(str, command)]


def wait_for(what, ready, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if ready():
            return
        time.sleep(0.02)
    sys.exit(f"bench: {what} did not come up within {seconds} s")


def accepts(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def ask(port, method, path, body=None, headers=None, timeout=60):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


class Fermata:
    """The server on its own core."""

    def __init__(self, binary, folder, core=SERVER_CORE, **settings):
        self.port = free_port()
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = self.folder / "fermata.db"
        env = {key: value for key, value in os.environ.items() if not key.startswith("FERMATA_")}
        env |= {
            "FERMATA_LISTEN": f"127.0.0.1:{self.port}",
            "FERMATA_DATA_DIR": str(self.folder),
            "FERMATA_LOG_LEVEL": "warn",
            "RUST_BACKTRACE": "1",
        }
        env |= {f"FERMATA_{key.upper()}": str(value) for key, value in settings.items()}
        self.log = self.folder / "fermata.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(on_core(core, binary, "serve"), env=env, stdout=log, stderr=log)
        began = time.monotonic()
        wait_for(f"Fermata ({self.log})", self.is_ready, 120)
        self.started_in = time.monotonic() - began

    def is_ready(self):
        if self.process.poll() is not None:
            sys.exit(f"bench: Fermata ended at its start:\n{self.log.read_text()[-4000:]}")
        try:
            return ask(self.port, "GET", "/readyz", timeout=5).status == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, token=None, **headers):
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        if token:
            named["authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            named["content-type"] = "application/json"
        return ask(self.port, method, path, body, named)

    def memory(self):
        """Resident memory now and at its highest, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return {name: int(re.search(rf"{key}:\s+(\d+)", status)[1]) // 1024 for name, key in
                (("rss_mib", "VmRSS"), ("peak_rss_mib", "VmHWM"))}

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def postgres_programs():
    """Where `initdb` and `postgres` are: Debian keeps them out of the path."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        sys.exit("bench: PostgreSQL's server programs not found: run .ci/setup bench")
    return found[-1].parent


def copied(value):
    """A value as `copy` reads it."""
    return "\\N" if value is None else str(value).translate({92: "\\\\", 9: "\\t", 10: "\\n", 13: "\\r"})


class Postgres:
    """A PostgreSQL of our own in a temporary folder, reached by a socket in it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fermata-bench-")
        where, bin = self.folder.name, postgres_programs()
        as_user = []
        if os.geteuid() == 0:
            shutil.chown(where, "postgres")
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        initdb = [bin / "initdb", "--auth=trust", "--username=fermata", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run([*as_user, *initdb, "-D", f"{where}/pg"], check=True, stdout=subprocess.DEVNULL)
        settings = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"]
        self.process = subprocess.Popen(
            on_core(LOAD_CORE, *as_user, bin / "postgres", "-D", f"{where}/pg", "-k", where, *settings),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        wait_for("PostgreSQL", lambda: self.psql("postgres", "select 1", check=False).returncode == 0)

    def address(self, database):
        return f"postgres://fermata@localhost/{database}?host={self.folder.name}"

    def psql(self, database, sql, check=True, **options):
        command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", self.address(database), "-c", sql]
        return subprocess.run(command, check=check, capture_output=True, text=True, **options)

    def load(self, database, sqlite):
        """Fills a migrated database with the rows of an open SQLite file."""
        columns = self.psql(database, """
            select table_name, string_agg(column_name || ':' || udt_name, ',' order by ordinal_position)
            from information_schema.columns
            where table_schema = 'public' and is_generated = 'NEVER' and table_name not like '\\_sqlx%'
            group by table_name""").stdout
        for line in columns.splitlines():
            table, fields = line.split("|")
            fields = [field.split(":") for field in fields.split(",")]
            shown = ", ".join(f"nullif(hex({name}), '')" if kind == "uuid" else name for name, kind in fields)
            rows = sqlite.execute(f"select {shown} from {table}")
            # Foreign keys look at each other; triggers forbid what a copy has to do.
            begin = f"set session_replication_role = replica; delete from {table};"
            copy = f"copy {table} ({', '.join(name for name, _ in fields)}) from stdin"
            with tempfile.TemporaryFile("w+", newline="") as text:
                text.writelines("\t".join(map(copied, row)) + "\n" for row in rows)
                text.seek(0)
                subprocess.run(
                    ["psql", "-qX", "-v", "ON_ERROR_STOP=1", self.address(database), "-c", begin, "-c", copy],
                    check=True, stdin=text,
                )
        self.psql(database, "vacuum analyze")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)
        self.folder.cleanup()


# Set by nginx itself for a file.
NGINX_SETS = {"etag", "last-modified", "content-length", "content-type", "content-encoding", "date", "connection",
              "vary", "server", "transfer-encoding", "accept-ranges", "x-request-id"}


class Nginx:
    """nginx on the same core with the same bytes and headers as `page`, as fast as it can be set up."""

    def __init__(self, folder, page, headers, sendfile):
        self.port = free_port()
        self.folder = pathlib.Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        site = self.folder / "site"
        site.mkdir(parents=True)
        (site / "index.html.gz").write_bytes(page)
        (site / "index.html").write_bytes(gzip.decompress(page))
        quoted = [(name, value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "")) for name, value in headers]
        same = "".join(f'add_header {n} "{v}";\n' for n, v in quoted if n.lower() not in NGINX_SETS)
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(f"""
{user} worker_processes 1; daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ use epoll; worker_connections 1024; }}
http {{
  access_log off; server_tokens off; etag on;
  sendfile {sendfile}; tcp_nopush {sendfile}; tcp_nodelay on;
  keepalive_timeout 75s; keepalive_requests 1000000000;
  open_file_cache max=100 inactive=600s; open_file_cache_valid 600s; open_file_cache_min_uses 1;
  gzip_static on; gzip_vary on;
  types {{ text/html html; }} charset utf-8;
  client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3;
  uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
  server {{ listen 127.0.0.1:{self.port} backlog=4096; root {site}; location / {{ {same} }} }}
}}
""")
        self.process = subprocess.Popen(
            on_core(SERVER_CORE, "nginx", "-e", self.folder / "error.log", "-c", self.folder / "nginx.conf")
        )
        wait_for("nginx", lambda: accepts(self.port), 20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)


def wrk(port, path, seconds, connections=CONNECTIONS, script="report.lua", arguments=(), **headers):
    """One round of load. Gives requests per second and latencies in milliseconds."""
    named = [part for key, value in headers.items() for part in ("-H", f"{key.replace('_', '-')}: {value}")]
    command = on_core(
        LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / script, *named,
        f"http://127.0.0.1:{port}{path}",
    )
    if arguments:
        command += ["--", *map(str, arguments)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = json.loads(re.search(r"^RESULT (.*)$", out, re.M)[1])
    return {
        "rps": found["requests"] / (found["us"] / 1e6),
        "p50_ms": found["p50_us"] / 1000,
        "p99_ms": found["p99_us"] / 1000,
        "failed": found["failed"],
        "bytes_each": found["bytes"] / max(found["requests"], 1),
    }


class Sink:
    """smtp-sink, which takes every mail; keeps when the first and the last came and to whom they went."""

    def __init__(self, folder):
        self.port = free_port()
        self.folder = pathlib.Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        command = ["smtp-sink", "-c", "-D", "mails"]
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            command += ["-u", "nobody"]
        command += [f"127.0.0.1:{self.port}", "100"]
        self.count, self.first_at, self.last_at = 0, None, None
        self.process = subprocess.Popen(
            on_core(LOAD_CORE, *command), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        threading.Thread(target=self._read, daemon=True).start()
        wait_for("smtp-sink", lambda: accepts(self.port), 20)

    def _read(self):
        kept = b""
        while piece := os.read(self.process.stdout.fileno(), 65536):
            now = time.monotonic()
            kept = (kept + piece)[-400:]
            counts = re.findall(rb"mesg=(\d+)", kept)
            if counts and int(counts[-1]) > self.count:
                self.first_at = self.first_at or now
                self.count, self.last_at = int(counts[-1]), now

    def recipients(self):
        found = []
        for file in self.folder.glob("mails*"):
            with open(file, errors="replace") as lines:
                found += [line.split("<", 1)[1].split(">", 1)[0] for line in lines if line.startswith("X-Rcpt-Args:")]
        return found

    def connections(self):
        """Connections of clients that are open now."""
        wanted, found = f"{self.port:04X}", 0
        with contextlib.suppress(OSError):
            for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
                fields = line.split()
                found += fields[2].endswith(f":{wanted}") and fields[3] == "01"
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
