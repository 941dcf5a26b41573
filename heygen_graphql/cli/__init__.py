"""The command line. What a command needs is imported when it runs, so that --help answers at once."""

import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from heygen_graphql import __version__
from heygen_graphql.cli.faults import told_in_a_line
from heygen_graphql.errors import BadSettings, HeygenError
from heygen_graphql.settings import Settings

app = typer.Typer(
    name="heygen-graphql",
    help="Turn a script into a video of a presenter speaking it: a GraphQL server, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
user_app = typer.Typer(help="People who may sign in.", no_args_is_help=True)
app.add_typer(user_app, name="user")


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"heygen_graphql {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Options of the program itself, before any command."""


Host = Annotated[str | None, typer.Option(help="The address to listen at; HOST otherwise.")]
Email = Annotated[str, typer.Argument(help="The account's address, in capitals or not.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="The port; PORT otherwise. 0 takes a free one.")
]


def main() -> None:
    """Run a command; what a person can mend ends in one line for each fault, not in a traceback."""
    with told_in_a_line():
        app()


def _writable(out: Path) -> Path:
    """Told before the video is made, not after."""
    if out.is_dir():
        raise HeygenError(f"--out: {out} is a folder; name a file in it, like {out / 'hello.mp4'}")
    if out.suffix.lower() in {".vtt", ".srt"}:
        raise HeygenError(f"--out: {out} is where the captions go; name the video, like {out.stem}.mp4")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            return out
    except OSError as error:
        raise HeygenError(
            f"--out: nothing can be written to {out.parent}: {error.strerror}; choose another folder"
        ) from error


def _settings(**overrides: Any) -> Settings:
    return Settings(**{name: value for name, value in overrides.items() if value is not None})


@app.command()
def serve(host: Host = None, port: Port = None) -> None:
    """Run the server: all of it in this process, or, where REDIS_URL is set, its API."""
    settings = _settings(host=host, port=port)
    if not settings.is_embedded:
        _require_shared_services(settings, "serve")
        _require_newest_schema(settings)
    from heygen_graphql.cli.serving import serve as serve_settings

    serve_settings(settings)


@app.command()
def api(host: Host = None, port: Port = None) -> None:
    """Run the API alone, beside `heygen-graphql worker` processes."""
    settings = _settings(host=host, port=port)
    _require_shared_services(settings, "api")
    _require_newest_schema(settings)
    from heygen_graphql.cli.serving import serve as serve_settings

    serve_settings(settings)


@app.command()
def worker(
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many processes render; WORKER_PROCESSES otherwise.")
    ] = None,
) -> None:
    """Render videos for `heygen-graphql api` processes; WORKERS says how many at once in each process."""
    # Until the supervisor heeds them nothing has begun that would have to be ended.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: sys.exit())
    settings = _settings(worker_processes=processes)
    _require_shared_services(settings, "worker")
    from heygen_graphql.cli.working import supervise

    raise typer.Exit(supervise(settings))


def _require_shared_services(settings: Settings, command: str) -> None:
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if getattr(settings, name.lower()) is None]
    if missing:
        raise BadSettings(
            f"`{command}` shares its work with other processes and needs {' and '.join(missing)}, like "
            "DATABASE_URL=postgresql+asyncpg://user:password@host/name REDIS_URL=redis://host:6379/0; "
            "`heygen-graphql serve` with neither is a whole server"
        )
    settings.require_secret()


def _require_newest_schema(settings: Settings) -> None:
    from heygen_graphql.database import require_newest_schema

    require_newest_schema(settings.resolved_database_url)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = _settings()
    from heygen_graphql.database import migrate as migrate_url

    settings.make_data_directory()
    migrate_url(settings.resolved_database_url)
    typer.echo("The database has the newest schema.")


@app.command()
def render(
    out: Annotated[Path, typer.Option(help="The MP4 to write; its captions are written beside it.")],
    script: Annotated[str | None, typer.Option(help="What is spoken.")] = None,
    script_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, allow_dash=True, help="... read from here.")
    ] = None,
    voice: Annotated[str | None, typer.Option(help="A voice's short name, like heart.")] = None,
    avatar: Annotated[str | None, typer.Option(help="A presenter's short name.")] = None,
    language: Annotated[str | None, typer.Option(help="BCP 47, like en or de-AT.")] = None,
    quality: Annotated[
        Literal["LOW", "MEDIUM", "HIGH", "ULTRA"],
        typer.Option(case_sensitive=False, help="480, 720, 1080 or 2160 lines."),
    ] = "MEDIUM",
    aspect_ratio: Annotated[
        Literal["LANDSCAPE", "PORTRAIT", "SQUARE"], typer.Option(case_sensitive=False)
    ] = "LANDSCAPE",
    captions: Annotated[
        Literal["NONE", "SIMPLE", "KARAOKE"],
        typer.Option(case_sensitive=False, help="Burned into the picture; the files come anyway."),
    ] = "SIMPLE",
    background: Annotated[str, typer.Option(help="#RRGGBB.")] = "#DFE7EE",
    speed: Annotated[float, typer.Option(min=0.5, max=2, help="1 is the voice's own pace.")] = 1,
    pitch: Annotated[float, typer.Option(min=-12, max=12, help="Semitones.")] = 0,
) -> None:
    """Render a video without a server."""
    from heygen_graphql.cli import rendering

    if (script is None) == (script_file is None):
        raise typer.BadParameter("say what is spoken by one of --script and --script-file")
    if script_file is not None:
        data = sys.stdin.buffer.read() if str(script_file) == "-" else script_file.read_bytes()
        try:
            script = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise HeygenError(f"--script-file: {script_file} is not UTF-8 text; save it as that") from error
    settings = _settings()
    storyboard = rendering.storyboard(
        settings,
        script=script or "",
        voice_id=voice,
        avatar_id=avatar,
        language=language,
        quality=quality,
        aspect_ratio=aspect_ratio,
        caption_style=captions,
        background_color=background,
        speed=speed,
        pitch_semitones=pitch,
    )
    rendering.render_to(settings, storyboard, _writable(out))


@app.command()
def voices(
    language: Annotated[str | None, typer.Option(help="Only those that speak it, like de or pt-BR.")] = None,
) -> None:
    """List the voices, and then the presenters, by their short names."""
    from heygen_graphql.rendering import presenters
    from heygen_graphql.videos import voices_of

    known = voices_of(_settings())
    for voice in known.all():
        if language is None or known.speaks(voice, language):
            typer.echo(f"{voice.voice_id:24} {voice.language:12} {voice.gender.lower():8} {voice.name}")
    for problem in known.problems():
        typer.echo(f"No voice: {problem}.", err=True)
    typer.echo()
    for avatar in presenters.avatars():
        typer.echo(f"{avatar.avatar_id:24} {avatar.kind.lower():12} {'':8} {avatar.name}")


@app.command()
def schema(
    check: Annotated[
        bool, typer.Option("--check", help="Fail unless the file says the same, and describes everything.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write it to the file.")] = False,
    path: Annotated[Path, typer.Option(help="The file.")] = Path("schema.graphql"),
    keeps: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Fail unless operations written for the schema in this file work with the server's.",
        ),
    ] = None,
) -> None:
    """Print the GraphQL schema."""
    from heygen_graphql.cli import schemas
    from heygen_graphql.schema import sdl

    text = sdl()
    if write:
        for change in schemas.write(text, path):
            typer.echo(f"Breaks clients: {change}.")
    if check:
        schemas.check(text, path)
    if keeps is not None:
        schemas.require_kept(keeps, text)
    if not (check or write or keeps):
        typer.echo(text, nl=False)


@user_app.command("create")
def user_create(
    email: Annotated[str, typer.Option(prompt=True)],
    full_name: Annotated[str | None, typer.Option()] = None,
    superuser: Annotated[bool, typer.Option("--superuser", help="May see every account.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Make an account; asks for its password."""
    from heygen_graphql.cli import users

    password = (
        sys.stdin.readline().rstrip("\r\n")
        if password_stdin
        else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    settings = _settings()
    settings.make_data_directory()
    user = users.create(settings, email=email, password=password, full_name=full_name, is_superuser=superuser)
    typer.echo(f"{user.email} may sign in now{' and is a superuser' if superuser else ''}.")


@user_app.command("promote")
def user_promote(email: Email) -> None:
    """Make somebody a superuser, who looks after other people's accounts."""
    from heygen_graphql.accounts import UserChanges
    from heygen_graphql.cli import users

    settings = _settings()
    settings.make_data_directory()
    user = users.change(settings, email, UserChanges(is_superuser=True))
    rest = "" if user.is_active else ", but deactivated: another superuser can change that with updateUser"
    typer.echo(f"{user.email} is a superuser now{rest}.")


@user_app.command("deactivate")
def user_deactivate(email: Email) -> None:
    """Bar somebody from signing in. Sessions end at once; videos and files stay."""
    from heygen_graphql.accounts import UserChanges
    from heygen_graphql.cli import users

    settings = _settings()
    settings.make_data_directory()
    user = users.change(settings, email, UserChanges(is_active=False))
    typer.echo(f"{user.email} is deactivated, and all of their sessions have ended.")


@app.command()
def doctor() -> None:
    """Look whether this machine has all that the server needs, and say what to do where it has not."""
    from heygen_graphql.cli.doctor import examine

    if not examine():
        raise typer.Exit(1)


@app.command()
def demo(
    script: Annotated[str | None, typer.Option(help="What is spoken.")] = None,
    voice: Annotated[str | None, typer.Option(help="A voice's short name, like heart.")] = None,
    avatar: Annotated[str | None, typer.Option(help="A presenter's short name.")] = None,
    out: Annotated[Path, typer.Option(help="The MP4 to write; its captions come beside it.")] = Path(
        "demo.mp4"
    ),
) -> None:
    """Make a video as a client would: start a server, sign up, create a video, watch, download."""
    from heygen_graphql.demo import DEFAULT_SCRIPT, run

    run(
        script=DEFAULT_SCRIPT if script is None else script,
        voice_id=voice,
        avatar_id=avatar,
        out=_writable(out),
    )
