"""demo_answers.py ENGAGE FOLDER: start `engage demo` in a folder, fetch its page, end it; 0 when the page came."""

import re
import signal
import subprocess
import sys
import time

import requests

began = time.monotonic()
demo = subprocess.Popen([sys.argv[1], "demo", "--port", "0"], cwd=sys.argv[2], stdout=subprocess.PIPE, text=True)
assert demo.stdout is not None
address = next((found[0] for line in demo.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+/", line))), None)
try:
    if address is None:
        sys.exit("engage demo ended without an address")
    page = requests.Session().get(address, timeout=240)
    page.raise_for_status()
    if "engage" not in page.text:
        sys.exit(f"{page.url} is not the page of a course")
    sys.stdout.write(f"engage demo: a page of {len(page.content):,} bytes after {time.monotonic() - began:.0f} s\n")
finally:
    demo.send_signal(signal.SIGINT)
    demo.wait(240)
