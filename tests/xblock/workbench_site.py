"""The XBlock SDK's workbench as a site of its own: `python workbench_site.py FOLDER` migrates, prints its address, serves."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.xblock.workbench_settings"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


class Quiet(WSGIRequestHandler):
    """Errors reach stderr through Django; a line for each request does not."""

    def log_message(self, *args: object) -> None:
        """Nothing."""


def main() -> None:
    """Serve until killed."""
    import django
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    with make_server("127.0.0.1", 0, StaticFilesHandler(get_wsgi_application()), handler_class=Quiet) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
        server.serve_forever()


if __name__ == "__main__":
    os.environ["WORKBENCH_FOLDER"] = sys.argv[1]
    main()
