"""What a person may ask of us, and what must be told of us: objection, retirement, retention, export, and who looked.

May import: `engagement` as far as a web process may (never torch or numpy), `clickstream`, `models`, `platform`.
"""
