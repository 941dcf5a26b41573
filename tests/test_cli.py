"""The command line as a person meets it: real processes, their words and their exit codes."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.conftest import StartServer
from tests.media import decode
from tests.servers import clean_environment, free_port, wait_until


def heygen(
    *arguments: str, directory: Path, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heygen_graphql.cli", *arguments],
        cwd=directory,
        env=clean_environment(**{"NO_COLOR": "1", "COLUMNS": "200", **environment}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_help_answers_at_once_and_names_every_command(tmp_path: Path) -> None:
    done = heygen("--help", directory=tmp_path)
    assert done.returncode == 0
    commands = ("serve", "api", "worker", "migrate", "render", "voices", "schema", "user", "doctor", "demo")
    for command in commands:
        assert command in done.stdout

    # What takes long to load is left for the commands that need it.
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, heygen_graphql.cli; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    slow = ("sqlalchemy", "strawberry", "fastapi", "dramatiq", "av", "cv2", "numpy", "onnxruntime")
    assert [name for name in slow if name in loaded] == []


@pytest.mark.parametrize("command", ["serve", "api", "worker"])
def test_a_process_that_shares_its_work_says_which_settings_it_lacks(command: str, tmp_path: Path) -> None:
    done = heygen(command, directory=tmp_path, REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "DATABASE_URL" in done.stderr


def test_every_faulty_setting_gets_a_line_with_its_value_and_no_secret_is_shown(tmp_path: Path) -> None:
    done = heygen(
        "serve",
        directory=tmp_path,
        PORT="99999",
        WORKERS="none",
        DATABASE_URL="mysql://root:hunter2@db/x",
        REDIS_URL="hunter2",
    )
    assert done.returncode == 1
    lines = sorted(done.stderr.splitlines())
    assert [line.split(":")[1].strip() for line in lines] == [
        "DATABASE_URL",
        "PORT=99999",
        "REDIS_URL",
        "WORKERS=none",
    ]
    assert "postgresql+asyncpg://" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("secret", "algorithm"), [("", "HS256"), ("too short", "HS256"), ("k" * 47, "HS384"), ("k" * 63, "HS512")]
)
def test_many_machines_refuse_to_start_without_a_good_secret_and_say_how_to_make_one(
    secret: str, algorithm: str, tmp_path: Path
) -> None:
    done = heygen(
        "api",
        directory=tmp_path,
        REDIS_URL="redis://127.0.0.1:1/0",
        DATABASE_URL="postgresql+asyncpg://u@127.0.0.1:1/x",
        SECRET_KEY=secret,
        ALGORITHM=algorithm,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "secrets.token_urlsafe" in done.stderr


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = heygen("serve", "--port", port, directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in done.stderr


def test_a_second_server_on_the_same_folder_is_refused_in_one_line(
    server: StartServer, tmp_path: Path
) -> None:
    server("serve", DATA_DIR=str(tmp_path / "data"))
    done = heygen("serve", "--port", "0", directory=tmp_path, DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "data") in done.stderr


def test_a_websocket_message_of_more_than_a_mebibyte_is_refused(server: StartServer) -> None:
    address = f"{server('serve').url.replace('http', 'ws', 1)}/graphql"
    with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        socket.send('{"type": "connection_init", "payload": {"a": "%s"}}' % ("a" * 2**20))
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400


def test_the_secret_that_the_server_makes_is_readable_by_its_owner_alone(
    server: StartServer, tmp_path: Path
) -> None:
    server("serve", DATA_DIR=str(tmp_path / "data"))
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_migrate_makes_the_database_and_may_be_repeated(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'new.db'}"
    for _ in range(2):
        assert heygen("migrate", directory=tmp_path, DATABASE_URL=url).returncode == 0
    with sqlite3.connect(tmp_path / "new.db") as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"users", "videos", "video_events", "alembic_version"} <= tables


@pytest.mark.parametrize("command", ["serve", "api", "worker"])
def test_many_machines_refuse_a_database_that_nobody_has_migrated(command: str, tmp_path: Path) -> None:
    done = heygen(
        command,
        directory=tmp_path,
        REDIS_URL="redis://127.0.0.1:1/0",
        DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path / 'new.db'}",
        SECRET_KEY="k" * 32,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "heygen-graphql migrate" in done.stderr


def test_the_voices_of_a_language_are_listed_without_a_server(tmp_path: Path) -> None:
    done = heygen("voices", "--language", "de-AT", directory=tmp_path)
    assert done.returncode == 0
    names = [line.split()[0] for line in done.stdout.splitlines() if line]
    assert "espeak-de" in names
    assert "heart" not in names
    assert "maya" in names


def test_a_database_that_cannot_be_reached_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://ada:hunter2@127.0.0.1:{free_port()}/heygen"
    done = heygen("migrate", directory=tmp_path, DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "postgresql+asyncpg://ada:***@127.0.0.1" in done.stderr


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql+asyncpg://ada:hunter2@127.0.0.1:1/heygen",
            "postgresql+asyncpg://ada:***@127.0.0.1:1/heygen",
        ),
        ("sqlite+aiosqlite:////no/such/folder/heygen.db", "/no/such/folder/heygen.db"),
    ],
)
def test_a_server_whose_database_cannot_be_reached_says_so_in_one_line(
    url: str, shown: str, tmp_path: Path
) -> None:
    done = heygen("serve", "--port", "0", directory=tmp_path, DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert shown in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "https://example.com,example.org"),
        ("ALLOWED_HOSTS", "localhost,videos.example.com:8000"),
        ("ALLOWED_HOSTS", "localhost,*example.com"),
        ("PERSISTED_DOCUMENTS", "nowhere.json"),
        ("PUBLIC_URL", "example.org"),
        ("DATA_DIR", "taken"),
    ],
)
def test_a_setting_that_cannot_be_is_named_in_one_line(name: str, value: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    done = heygen("serve", "--port", "0", directory=tmp_path, **{name: value})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert name in done.stderr
    assert value.split(",")[-1] in done.stderr


def test_the_schema_file_is_what_the_code_says_until_somebody_changes_it(tmp_path: Path) -> None:
    assert heygen("schema", "--write", directory=tmp_path).returncode == 0
    assert heygen("schema", "--check", directory=tmp_path).returncode == 0
    path = tmp_path / "schema.graphql"
    path.write_text(path.read_text().replace("type Video ", "type Film "))
    done = heygen("schema", "--check", directory=tmp_path)
    assert done.returncode == 1
    assert "schema --write" in done.stderr


def test_a_superuser_is_made_at_the_terminal_and_a_bad_one_is_told_every_fault(
    sqlite_url: str, tmp_path: Path
) -> None:
    create = ("user", "create", "--superuser", "--password-stdin", "--email")
    bad = heygen(*create, "nobody", directory=tmp_path, stdin="short\n", DATABASE_URL=sqlite_url)
    assert bad.returncode == 1
    assert [line.split(": ")[1] for line in bad.stderr.splitlines()] == ["email", "password"]

    good = heygen(
        *create, "ada@example.com", directory=tmp_path, stdin="correct horse\n", DATABASE_URL=sqlite_url
    )
    assert good.returncode == 0, good.stderr
    with sqlite3.connect(sqlite_url.split("///")[1]) as database:
        assert database.execute("SELECT email, is_superuser FROM users").fetchall() == [
            ("ada@example.com", 1)
        ]


def test_people_are_promoted_and_deactivated_at_the_terminal_however_their_address_is_written(
    sqlite_url: str, tmp_path: Path
) -> None:
    def user(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return heygen("user", *arguments, directory=tmp_path, stdin=stdin, DATABASE_URL=sqlite_url)

    # Given two people
    for email in ("ada@example.com", "ben@example.com"):
        user("create", "--password-stdin", "--email", email, stdin="correct horse\n")
    # When one is promoted, by a full-width address in capitals
    promoted = user("promote", "ＡDA@EXAMPLE.COM")
    assert (promoted.returncode, promoted.stdout) == (0, "ada@example.com is a superuser now.\n")
    # Then she is the last who cannot be deactivated, and others can
    last = user("deactivate", "ada@example.com")
    assert last.returncode == 1
    assert "last active superuser" in last.stderr
    deactivated = user("deactivate", "Ben@example.com")
    assert deactivated.returncode == 0, deactivated.stderr
    assert deactivated.stdout.startswith("ben@example.com is deactivated")
    with sqlite3.connect(sqlite_url.split("///")[1]) as database:
        rows = database.execute("SELECT email, is_superuser, is_active FROM users ORDER BY email").fetchall()
    assert rows == [("ada@example.com", 1, 1), ("ben@example.com", 0, 0)]
    # And nobody is told apart from somebody
    nobody = user("promote", "eve@example.com")
    assert nobody.returncode == 1
    assert "user create --email eve@example.com" in nobody.stderr


def test_an_account_may_be_made_before_the_first_start_and_where_it_cannot_the_way_is_told(
    tmp_path: Path,
) -> None:
    create = ("user", "create", "--password-stdin", "--email", "ada@example.com")
    good = heygen(*create, directory=tmp_path, stdin="correct horse\n", DATA_DIR=str(tmp_path / "new"))
    assert good.returncode == 0, good.stderr

    shared = {
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    bad = heygen(*create, directory=tmp_path, stdin="correct horse\n", **shared)
    assert bad.returncode == 1
    assert bad.stderr.count("\n") == 1
    assert "heygen-graphql migrate" in bad.stderr


def test_render_makes_a_film_without_a_server(tmp_path: Path) -> None:
    done = heygen(
        *("render", "--script", "Hello from the terminal.", "--quality", "LOW", "--aspect-ratio", "SQUARE"),
        *("--out", "films/hello.mp4"),
        directory=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "films/hello.mp4" in done.stdout
    film = decode((tmp_path / "films" / "hello.mp4").read_bytes())
    assert (film.width, film.height, film.video_codec, film.audio_codec) == (480, 480, "h264", "aac")
    assert sorted(path.name for path in (tmp_path / "films").iterdir()) == [
        "hello.mp4",
        "hello.srt",
        "hello.vtt",
    ]


def test_render_reads_a_script_from_a_file_and_speaks_it_in_its_language(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("Grüße aus der Datei.\n", encoding="utf-8")
    done = heygen(
        *("render", "--script-file", "script.txt", "--language", "de", "--quality", "LOW"),
        *("--out", "gruss.mp4"),
        directory=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "Grüße" in (tmp_path / "gruss.vtt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--script", "Hello", "--voice", "nobody"), "nobody"),
        (("--script", "Hello", "--avatar", "nobody"), "nobody"),
        (("--script", "Hello", "--language", "xx-klingon"), "xx-klingon"),
        (("--script", "Hello", "--background", "reddish"), "reddish"),
        (("--script", "Здравствуйте"), ""),
    ],
)
def test_what_cannot_be_rendered_is_told_in_one_line(
    arguments: tuple[str, ...], word: str, tmp_path: Path
) -> None:
    done = heygen("render", *arguments, "--out", "film.mp4", directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert word in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["render", "demo"])
@pytest.mark.parametrize("out", ["folder", "file/film.mp4", "film.srt"])
def test_a_film_that_could_not_be_written_is_refused_before_it_is_made(
    command: str, out: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("a file, not a folder")
    done = heygen(command, "--script", "Hello", "--out", out, directory=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "--out: " in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_script_file_that_is_not_text_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_bytes("Grüße".encode("latin-1"))
    done = heygen("render", "--script-file", "script.txt", "--out", "film.mp4", directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "script.txt is not UTF-8" in done.stderr


def test_the_doctor_finds_this_machine_well_and_names_what_is_not(tmp_path: Path) -> None:
    well = heygen("doctor", directory=tmp_path)
    assert well.returncode == 0, well.stdout
    assert "FAIL" not in well.stdout

    ill = heygen("doctor", directory=tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert ill.returncode == 1
    failed = [line.split()[1] for line in ill.stdout.splitlines() if line.startswith("FAIL")]
    assert failed == ["Settings", "Redis"]


def test_the_demo_makes_a_film_and_leaves_nothing_running(tmp_path: Path) -> None:
    script = "A dollar is $1, a quote is ' or \", and that is all."
    done = heygen("demo", "--script", script, "--out", "out/film.mp4", directory=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "h264" in done.stdout
    assert "aac" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "film.mp4",
        "film.srt",
        "film.vtt",
    ]
    # The text is shown as it was written, though no voice says a quotation mark.
    assert "$1" in (tmp_path / "out" / "film.srt").read_text()


def test_the_demo_tells_in_one_line_why_the_server_refused(tmp_path: Path) -> None:
    done = heygen("demo", "--voice", "nobody", "--script", " ", directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "voiceId: " in done.stderr
    assert "script: " in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_broken_off_takes_its_server_with_it(number: signal.Signals, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "heygen_graphql.cli", "demo", "--script", "One sentence, many times. " * 30],
        cwd=tmp_path,
        env=clean_environment(TMPDIR=str(temporary)),
        stdout=subprocess.DEVNULL,
        # A shell that runs the tests in the background has SIGINT ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    wait_until(lambda: any(temporary.rglob("heygen.db")), "starting the demo's server")
    process.send_signal(number)
    assert process.wait(timeout=60) == 130
    assert not any(temporary.iterdir())
    assert _processes_in(temporary) == []


def _processes_in(directory: Path) -> list[str]:
    """The command lines of processes that work in `directory`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd").startswith(str(directory)):
                    found.append((entry / "cmdline").read_text())
            except OSError:
                continue
    return found
