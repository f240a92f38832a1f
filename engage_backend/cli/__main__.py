"""`python -m engage_backend.cli` is `engage`, also where nothing is installed."""

import sys

from engage_backend.cli import main

sys.exit(main())
