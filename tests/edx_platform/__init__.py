"""Stand-ins for the part of edx-platform that Engage touches, under the paths that it has there.

edx-platform cannot be installed here. `src/` holds its models with their real names, fields, tables and keys, and its
functions with the rules that we rely on, each naming its source (Teak). So `platform/edx.py` runs its real queries against
a real database, in a process of its own (`settings_lms`, `settings_cms`), into which the plugin is plugged by edX's own
plugin code. What it proves is that we ask as the sources say one must; a running LMS remains the last word.
"""
