"""Thin: a command parses its arguments and calls a room. It imports what is heavy inside `handle`, not when it is listed."""
