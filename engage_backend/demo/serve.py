"""The site's web process: `python -m engage_backend.demo.serve FILE_DESCRIPTOR` serves on a listening socket.

The supervisor opens the socket, so that the address it prints is the one that is served.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import Any


def main(descriptor: int) -> int:
    """Serve until SIGTERM."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "engage_backend.demo.settings")
    import waitress
    from django.core.wsgi import get_wsgi_application

    server: Any = waitress.create_server(
        get_wsgi_application(), sockets=[socket.socket(fileno=descriptor)], threads=8, ident=None
    )
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    signal.signal(signal.SIGINT, lambda number, frame: sys.exit(0))
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
