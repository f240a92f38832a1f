"""Thin: a command parses its arguments and calls a room. torch is imported inside `handle`, never when a command is listed."""
