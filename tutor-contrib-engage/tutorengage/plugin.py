"""The Tutor plugin: settings, one Redis, consumers and a mail worker, and the image that consumers run in."""

from __future__ import annotations

from pathlib import Path

import click
from tutor import hooks

HERE = Path(__file__).resolve().parent

hooks.Filters.CONFIG_DEFAULTS.add_items(
    [
        ("ENGAGE_VERSION", "20.0.0"),
        # What pip installs into the openedx image; empty where a checkout named openedx-engage is mounted.
        ("ENGAGE_REQUIREMENT", "openedx-engage>=0.1,<0.2"),
        # The same for the worker's image, with what only consumers need; empty where the openedx image has a mounted one.
        ("ENGAGE_WORKER_REQUIREMENTS", ["numpy>=1.26,<3", "safetensors>=0.4", "prometheus-client>=0.19"]),
        # Where torch comes from, for a model with an LSTM: add "torch>=2.6,<3" to the requirements then. PyPI's is for GPUs.
        ("ENGAGE_TORCH_INDEX", "https://download.pytorch.org/whl/cpu"),
        ("ENGAGE_DOCKER_IMAGE", "{{ DOCKER_REGISTRY }}openedx-engage-worker:{{ TUTOR_VERSION }}"),
        # Consumers share the work by learner; one a shard.
        ("ENGAGE_SHARDS", 1),
        # A Redis of our own: the platform's cache evicts, and may throw the stream away.
        ("ENGAGE_RUN_REDIS", True),
        ("ENGAGE_REDIS_URL", "redis://engage-redis:6379/0"),
        ("ENGAGE_REDIS_MEMORY", "512mb"),
        ("ENGAGE_QUEUE", "engage"),
        # Further keys of the ENGAGE setting, as docs/operators.md describes them: {"COURSES": ["course-v1:OrgX+*"]}.
        ("ENGAGE_SETTINGS", {}),
    ]
)

hooks.Filters.ENV_TEMPLATE_ROOTS.add_item(str(HERE / "templates"))
hooks.Filters.ENV_TEMPLATE_TARGETS.add_item(("engage/images", "plugins"))
hooks.Filters.MOUNTED_DIRECTORIES.add_item(("openedx", "openedx-engage"))

# Built after the openedx image, which it starts from: tutor images build openedx engage-worker
hooks.Filters.IMAGES_BUILD.add_item(
    ("engage-worker", ("plugins", "engage", "images", "engage-worker"), "{{ ENGAGE_DOCKER_IMAGE }}", ())
)
hooks.Filters.IMAGES_PUSH.add_item(("engage-worker", "{{ ENGAGE_DOCKER_IMAGE }}"))

# The platform's own init task migrates every app; this one is for `--limit=engage`, and asks the doctor at the end.
task = HERE / "templates" / "engage" / "tasks" / "lms" / "init"
hooks.Filters.CLI_DO_INIT_TASKS.add_item(("lms", task.read_text(encoding="utf-8")))


@click.command(name="engage-doctor", help="Is Engage set up so that it works, and what is to be done where it is not")
def engage_doctor() -> list[tuple[str, str]]:
    """`tutor local do engage-doctor`."""
    return [("lms", "./manage.py lms engage_doctor")]


@click.command(name="engage-catch-up", help="Take over what learners handed in before Engage was installed")
@click.argument("courses", nargs=-1)
def engage_catch_up(courses: tuple[str, ...]) -> list[tuple[str, str]]:
    """`tutor local do engage-catch-up [COURSE...]`."""
    words = " ".join(f"'{course}'" for course in courses)
    return [("lms", f"./manage.py lms engage_catch_up {words}".rstrip())]


hooks.Filters.CLI_DO_COMMANDS.add_items([engage_doctor, engage_catch_up])

for patch in sorted((HERE / "patches").iterdir()):
    hooks.Filters.ENV_PATCHES.add_item((patch.name, patch.read_text(encoding="utf-8")))
