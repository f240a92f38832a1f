"""The platform under us: who is enrolled, who may see, what the course's dates are, what time it is.

The only room that imports edx-platform (lazily, in `edx`). Everyone else asks `get_platform()` and sees the
`Platform` protocol. `standalone` is the other side of it: small tables of our own for demo, tests and pilots.
May import: Django, opaque keys.
"""
