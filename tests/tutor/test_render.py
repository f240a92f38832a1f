"""The Tutor plugin, installed as a package and rendered by the real Tutor: what it makes of `local` and `k8s`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from engage_backend.conf import check_settings, engage_settings
from engage_backend.management.commands.engage_consume import Command
from tests.services import PATIENCE

PLUGIN = Path(__file__).resolve().parents[2] / "tutor-contrib-engage"
pytestmark = pytest.mark.skipif(find_spec("tutor") is None, reason="no Tutor here: pip install 'tutor>=20,<23'")

Render = Callable[..., Path]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the plugin."""
    packages = tmp_path_factory.mktemp("packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    source = tmp_path_factory.mktemp("source") / PLUGIN.name  # a build leaves files where it is done
    shutil.copytree(PLUGIN, source, ignore=shutil.ignore_patterns("*.egg-info", "build"))
    subprocess.run([*pip, "--target", str(packages), str(source)], check=True, capture_output=True, timeout=PATIENCE)
    return packages


def tutor(packages: Path, root: Path, *words: str) -> str:
    """Run Tutor with the plugin installed, in a root of its own; what it said."""
    environment = {
        **os.environ,
        "TUTOR_ROOT": str(root),
        "TUTOR_PLUGINS_ROOT": str(root / "plugins"),
        "PYTHONPATH": str(packages),
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-c", "from tutor.commands.cli import main; main()", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def render(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """`render(NAME=value)`: Tutor's environment with these settings, and the others as they are by default; made once."""

    @cache
    def made(settings: tuple[tuple[str, Any], ...]) -> Path:
        root = tmp_path_factory.mktemp("root")
        (root / "config.yml").write_text(yaml.safe_dump({"PLUGINS": ["engage"]}))
        tutor(
            packages,
            root,
            "config",
            "save",
            *(word for name, value in settings for word in ("--set", f"{name}={value}")),
        )
        return root / "env"

    return lambda **given: made(tuple(sorted(given.items())))


def services(env: Path) -> dict[str, Any]:
    """All services of `tutor local`."""
    found: dict[str, Any] = {}
    for name in ("docker-compose.yml", "docker-compose.prod.yml"):
        found |= yaml.safe_load((env / "local" / name).read_text())["services"]
    return found


def manifests(env: Path) -> dict[tuple[str, str], Any]:
    """All manifests of `tutor k8s`, by kind and name."""
    documents = [
        document
        for name in ("deployments", "services", "volumes")
        for document in yaml.safe_load_all((env / "k8s" / f"{name}.yml").read_text())
        if document
    ]
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def engage_of(env: Path, service: str, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The setting ENGAGE as the rendered settings module leaves it, after what stood there before."""
    text = (env / "apps" / "openedx" / "settings" / service / "production.py").read_text()
    found = re.search(r"^ENGAGE = \{.*?^\}", text, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    module: dict[str, Any] = {} if before is None else {"ENGAGE": before}
    exec(found[0], module)  # it refers to its module's globals, as in an LMS
    return dict(module["ENGAGE"])


def command_of(container: dict[str, Any], key: str) -> list[str]:
    value = container[key]
    return value.split() if isinstance(value, str) else list(value)


def test_local_has_a_consumer_a_worker_and_a_redis_that_keeps_what_it_has(render: Render) -> None:
    found = services(render())
    assert {"engage-consumer-0", "engage-worker", "engage-redis", "lms", "cms"} <= set(found)
    assert "engage-consumer-1" not in found
    redis = command_of(found["engage-redis"], "command")
    assert redis[redis.index("--maxmemory-policy") + 1] == "noeviction"
    assert found["engage-worker"]["image"] == found["lms"]["image"]
    assert "engage-worker" in found["engage-consumer-0"]["image"]
    assert "--queues=engage" in found["engage-worker"]["command"]


def test_k8s_has_the_same_and_the_redis_keeps_it_on_a_volume(render: Render) -> None:
    found = manifests(render())
    for name in ("engage-consumer-0", "engage-worker", "engage-redis"):
        assert ("Deployment", name) in found
    assert ("Service", "engage-redis") in found
    assert ("PersistentVolumeClaim", "engage-redis") in found
    (redis,) = found["Deployment", "engage-redis"]["spec"]["template"]["spec"]["containers"]
    assert redis["args"][redis["args"].index("--maxmemory-policy") + 1] == "noeviction"
    for name in ("engage-consumer-0", "engage-worker"):
        spec = found["Deployment", name]["spec"]
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        mounted = {mount["name"] for mount in spec["template"]["spec"]["containers"][0]["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["template"]["spec"]["volumes"]}


def test_a_consumer_a_shard_each_with_words_that_the_command_knows(render: Render) -> None:
    env = render(ENGAGE_SHARDS="3")
    local, k8s = services(env), manifests(env)
    assert engage_of(env, "lms")["STREAM"]["SHARDS"] == 3
    shards = []
    for number in range(3):
        words = command_of(local[f"engage-consumer-{number}"], "command")
        assert words[:3] == ["./manage.py", "lms", "engage_consume"]
        (container,) = k8s["Deployment", f"engage-consumer-{number}"]["spec"]["template"]["spec"]["containers"]
        assert container["args"] == words
        options = Command().create_parser("manage.py", "engage_consume").parse_args(words[3:])
        assert (options.source, options.log_json) == ("redis", True)
        shards += options.shards
    assert shards == [0, 1, 2]


@pytest.mark.parametrize("service", ["lms", "cms"])
def test_the_settings_can_be_used_and_keep_what_stood_there(render: Render, settings: Any, service: str) -> None:
    env = render(ENGAGE_SETTINGS='{"COURSES": ["course-v1:OrgX+*"], "ACTIVE_DAYS": 10}')
    settings.ENGAGE = engage_of(env, service, {"POLL_MILLISECONDS": 5000, "ACTIVE_DAYS": 7})
    assert check_settings() == []
    read = engage_settings()
    assert read.stream is not None
    assert (read.stream.place, read.queue) == ("engage-redis:6379", "engage")
    assert (read.poll_milliseconds, read.active_days, read.courses) == (5000, 10, ("course-v1:OrgX+*",))


def test_settings_are_usable_as_they_come(render: Render, settings: Any) -> None:
    settings.ENGAGE = engage_of(render(), "lms")
    assert check_settings() == []


def test_the_image_of_lms_and_studio_gets_the_base_install_and_the_workers_what_reads_a_model(render: Render) -> None:
    env = render()
    openedx = (env / "build" / "openedx" / "Dockerfile").read_text()
    assert "pip install 'openedx-engage>=0.1,<0.2'" in openedx
    assert "torch" not in openedx
    worker = (env / "plugins" / "engage" / "images" / "engage-worker" / "Dockerfile").read_text()
    assert re.search(r"^FROM \S*overhangio/openedx:", worker, flags=re.MULTILINE)
    assert "'safetensors>=0.4'" in worker and "'torch" not in worker and "--extra-index-url" not in worker
    env = render(ENGAGE_WORKER_REQUIREMENTS='["torch>=2.6,<3"]')
    with_torch = (env / "plugins" / "engage" / "images" / "engage-worker" / "Dockerfile").read_text()
    assert "'torch>=2.6,<3'" in with_torch and "--extra-index-url https://download.pytorch.org/whl/cpu" in with_torch
    assert "--constraint /tmp/pins.txt" in worker
    assert "pip freeze --all " in worker  # else setuptools is not among the pins


@pytest.mark.parametrize("mounted", [False, True], ids=["from PyPI", "mounted"])
def test_static_files_are_collected_after_the_plugin_was_installed(
    packages: Path, tmp_path: Path, mounted: bool
) -> None:
    (tmp_path / "openedx-engage").mkdir()
    (tmp_path / "config.yml").write_text(
        yaml.safe_dump(
            {
                "PLUGINS": ["engage"],
                **({"MOUNTS": [str(tmp_path / "openedx-engage")], "ENGAGE_REQUIREMENT": ""} if mounted else {}),
            }
        )
    )
    tutor(packages, tmp_path, "config", "save")
    image = (tmp_path / "env" / "build" / "openedx" / "Dockerfile").read_text()
    # The development image, which recompiles its own, begins after the production image.
    production = image.partition(" AS development")[0]
    # Tutor 20 installs with pip, 21 and 22 with "uv pip".
    installed = ' install -e "/mnt/openedx-engage"' if mounted else "pip install 'openedx-engage"
    assert 0 < production.index(installed) < production.index("manage.py lms collectstatic")
    assert 0 < production.index(installed) < production.index("manage.py cms collectstatic")


def test_a_mounted_checkout_needs_no_release(render: Render) -> None:
    env = render(ENGAGE_REQUIREMENT="")
    assert "pip install 'openedx-engage" not in (env / "build" / "openedx" / "Dockerfile").read_text()


def test_another_redis_can_be_used(render: Render) -> None:
    env = render(ENGAGE_RUN_REDIS="false", ENGAGE_REDIS_URL="redis://elsewhere:6379/2")
    assert "engage-redis" not in services(env)
    assert not [name for _, name in manifests(env) if name == "engage-redis"]
    assert engage_of(env, "lms")["STREAM"]["URL"] == "redis://elsewhere:6379/2"


def test_migrations_are_an_init_task_and_the_doctor_a_command(render: Render, packages: Path) -> None:
    told = tutor(packages, render().parent, "local", "do", "--help")
    assert "engage-doctor" in told
    assert "engage-catch-up" in told
    task = (PLUGIN / "tutorengage" / "templates" / "engage" / "tasks" / "lms" / "init").read_text()
    assert "migrate engage" in task


def test_the_plugin_needs_neither_django_nor_torch() -> None:
    text = (PLUGIN / "setup.py").read_text() + (PLUGIN / "tutorengage" / "plugin.py").read_text()
    assert 'install_requires=["tutor>=20.0.0,<23.0.0"]' in text
    assert not re.search(r"^\s*(import|from) (django|torch|engage_backend)", text, flags=re.MULTILINE)
