"""What a container engine is told, tried without one."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from heygen_graphql.cli import app, serving
from heygen_graphql.jobs import supervisor
from heygen_graphql.observability import serve_metrics
from heygen_graphql.settings import Settings
from tests.api.serving import served
from tests.node_programs import run_node
from tests.servers import S3, free_port

ROOT = Path(__file__).parent.parent
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "docker-compose.yml"
FILE = yaml.safe_load(COMPOSE.read_text())
SERVICES = FILE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"] == FILE["x-heygen"]["image"]}
SETTINGS = {
    str(name).upper()
    for field, of in Settings.model_fields.items()
    for name in getattr(of.validation_alias, "choices", [field])
}
HEALTH = ROOT / "deploy/image/health.py"


def hadolint(dockerfile: str) -> str:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [program, "-"], input=dockerfile, capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout + done.stderr


def filled(text: str, **environment: str) -> str:
    """`text` as Compose fills it in: ${NAME}, ${NAME:-default} and ${NAME:?fault}."""

    def value(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        assert name in environment or default is not None, f"{name} is not set"
        return environment.get(name) or default or ""

    pattern = r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)?\}"
    return re.sub(pattern, value, text)


def environment_of(service: str, **environment: str) -> dict[str, str]:
    """A name without a value is passed on where it is set."""
    given = SERVICES[service]["environment"]
    passed_on = {name: environment[name] for name in given.keys() & environment if given[name] is None}
    return passed_on | {
        name: filled(str(value), **environment) for name, value in given.items() if value is not None
    }


def seconds(duration: str) -> int:
    (number,) = re.findall(r"^(\d+)s$", duration)
    return int(number)


def said_by_the_head_of_the_file() -> dict[str, str]:
    """The variables that it has one write to .env for the bucket; what it has made up at random is given."""
    lines = re.findall(r"^#   ([A-Z_]+)=(\S.*)$", COMPOSE.read_text(), re.MULTILINE)
    return {name: re.sub(r"\$\(.*\)", "ab" * 12, value) for name, value in lines}


BASIC = {"SECRET_KEY": "a secret of more than thirty-two bytes", "POSTGRES_PASSWORD": "secret"}
WITH_BUCKET = {**BASIC, **said_by_the_head_of_the_file()}


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert hadolint(DOCKERFILE.read_text()) == ""


def test_hadolint_would_find_something() -> None:
    assert "DL3002" in hadolint(DOCKERFILE.read_text().replace("USER 10001:10001", "USER root"))


def dclint(compose: Path) -> None:
    """Fails with what it finds."""
    options = ("--config", str(ROOT / "tests/dclint.json"), "--max-warnings=0")
    run_node("node_modules/dclint/bin/dclint.cjs", *options, str(compose))


def test_dclint_finds_nothing_in_the_compose_file() -> None:
    dclint(COMPOSE)


def test_dclint_would_find_something(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE.read_text().replace("read_only: true", "read_only: 17"))
    with pytest.raises(pytest.fail.Exception, match="read_only"):
        dclint(broken)


def test_the_image_runs_without_rights_and_names_its_user_by_number() -> None:
    text = DOCKERFILE.read_text()
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    assert re.findall(r"^STOPSIGNAL (.+)$", text, re.MULTILINE) == ["SIGTERM"]


def test_the_images_variables_are_settings() -> None:
    final = DOCKERFILE.read_text().rpartition("\nFROM ")[2]
    named = set(re.findall(r"^(?:ENV|   ) ([A-Z_]+)=", final, re.MULTILINE))
    assert {"DATA_DIR", "PORT", "METRICS_PORT"} <= named
    assert named - SETTINGS == {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def test_prometheus_looks_for_a_workers_metrics_where_the_image_has_them() -> None:
    (port,) = re.findall(r"METRICS_PORT=(\d+)", DOCKERFILE.read_text())
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    looked_up = [of for job in jobs for of in job["dns_sd_configs"]]
    # By name, all that there are of a service.
    assert all(of["type"] == "A" for of in looked_up)
    assert {(*of["names"], of["port"]) for of in looked_up} == {("api", 8000), ("worker", int(port))}
    assert {name for of in looked_up for name in of["names"]} <= SERVICES.keys()


def test_what_the_dockerfile_copies_is_let_through() -> None:
    let_through = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    for source in " ".join(copied).split():
        assert (ROOT / source).exists()
        assert any(Path(source).is_relative_to(one) for one in let_through), source


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting_and_its_value_one_that_it_takes(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SETTINGS & os.environ.keys():
        monkeypatch.delenv(name)
    for given in (BASIC, WITH_BUCKET):
        told = environment_of(service, **given)
        assert told.keys() <= SETTINGS
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        settings = Settings(_env_file=None)
        settings.require_secret()
        assert not settings.is_embedded
        assert settings.previous_key is None
        assert settings.database_url == "postgresql+asyncpg://heygen:secret@postgres/heygen"


@pytest.mark.parametrize("service", OURS)
def test_what_the_documents_advise_to_set_is_passed_on_and_otherwise_not_set(service: str) -> None:
    advised = {
        "AWS_SESSION_TOKEN": "token",
        "DATABASE_POOL_SIZE": "20",
        "DRAIN_SECONDS": "10",
        "MAX_CONNECTIONS_PER_USER": "500",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "RENDER_MAX_MEMORY_BYTES": "4294967296",
        "VIDEOS_AT_ONCE_PER_USER": "2",
    }
    assert advised.items() <= environment_of(service, **BASIC, **advised).items()
    assert not advised.keys() & environment_of(service, **BASIC).keys()
    # All of .env would be more than they need.
    assert "env_file" not in SERVICES[service]


@pytest.mark.parametrize("service", OURS)
def test_every_command_is_one_of_ours(service: str) -> None:
    name, *options = [filled(part) for part in SERVICES[service]["command"]]
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    # Parsed alone, not run.
    command.make_context(name, options)
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def test_whoever_stops_a_service_waits_longer_than_it_takes_to_end() -> None:
    api, worker = environment_of("api", **BASIC), environment_of("worker", **BASIC)
    drains = float(api.get("DRAIN_SECONDS", Settings.model_fields["drain_seconds"].default))
    assert seconds(SERVICES["api"]["stop_grace_period"]) > drains + serving._GRACEFUL_SECONDS
    grace = float(worker["WORKER_GRACE_SECONDS"])
    assert seconds(SERVICES["worker"]["stop_grace_period"]) > grace + supervisor._LATE_SECONDS


def test_nothing_of_ours_has_rights_or_a_root_that_can_be_written_to() -> None:
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["tmpfs"] == ["/tmp"]


def test_without_its_profile_nothing_needs_the_storage() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            is_there = "profiles" not in SERVICES[needed] or "profiles" in service
            assert is_there or how["required"] is False, f"{name} needs {needed}"


def test_the_bucket_has_one_name_one_place_and_one_pair_of_keys() -> None:
    told = environment_of("api", **WITH_BUCKET)
    storage = environment_of("storage", **WITH_BUCKET)
    assert WITH_BUCKET["COMPOSE_PROFILES"] == "s3"
    assert told["STORAGE_URL"] == f"s3://{storage['GARAGE_DEFAULT_BUCKET']}"
    assert told["AWS_ACCESS_KEY_ID"] == storage["GARAGE_DEFAULT_ACCESS_KEY"]
    assert told["AWS_SECRET_ACCESS_KEY"] == storage["GARAGE_DEFAULT_SECRET_KEY"]
    bucket = environment_of("bucket", **WITH_BUCKET)
    assert bucket.items() - {("HOME", "/tmp")} <= told.items()
    assert set(re.findall(r"--bucket (\w+)", SERVICES["bucket"]["command"][0])) == {"heygen"}
    (port,) = SERVICES["storage"]["ports"]
    assert f'api_bind_addr = "[::]:{port.split(":")[-1]}"' in FILE["configs"]["garage"]["content"]
    assert told["AWS_ENDPOINT_URL"] == f"http://storage:{port.split(':')[-1]}"
    assert told["STORAGE_PUBLIC_URL"] == f"http://localhost:{port.split(':')[1]}"


@pytest.fixture
def client(s3: S3) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=s3.url,
        region_name="us-east-1",
        aws_access_key_id=S3.KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=S3.KEYS["AWS_SECRET_ACCESS_KEY"],
    )


def test_a_bucket_takes_its_rules(client: Any, bucket: str) -> None:
    cors = json.loads((ROOT / "deploy/s3/cors.json").read_text())
    lifecycle = json.loads((ROOT / "deploy/s3/lifecycle.json").read_text())

    client.put_bucket_cors(Bucket=bucket, CORSConfiguration=cors)
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=lifecycle)

    (rule,) = client.get_bucket_cors(Bucket=bucket)["CORSRules"]
    assert set(rule["AllowedMethods"]) == {"GET", "HEAD", "PUT"}
    (rule,) = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def health(**environment: str) -> int:
    return subprocess.run([sys.executable, HEALTH], env=environment, check=False, timeout=30).returncode


@pytest.fixture
def api(tmp_path: Path, sqlite_url: str) -> Iterator[str]:
    settings = Settings(
        _env_file=None, database_url=sqlite_url, data_dir=tmp_path, allowed_hosts="only.example"
    )
    with served(settings) as address:
        yield address


def test_the_health_check_knows_an_api_from_none(api: str) -> None:
    nowhere = str(free_port())
    assert httpx.get(f"{api}/health/detailed", trust_env=False).status_code == 400
    assert health(PORT=api.rpartition(":")[2], METRICS_PORT=nowhere) == 0
    assert health(PORT=nowhere, METRICS_PORT=nowhere) == 1


def test_the_health_check_knows_a_worker_by_its_metrics() -> None:
    with serve_metrics("127.0.0.1", 0) as port:
        assert health(PORT=str(free_port()), METRICS_PORT=str(port)) == 0
    assert health(PORT=str(free_port()), METRICS_PORT=str(port)) == 1
