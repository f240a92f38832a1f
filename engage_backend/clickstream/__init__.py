"""Records in, ClickEvents and tokens out. Pure Python: neither Django nor numpy, and nothing of the rooms above.

`parse` reads one record, `kind_table` says what each path and event means, `vocabulary` which kinds a model knows,
`files` reads logs that lie around and `sources` those that still grow.
"""
