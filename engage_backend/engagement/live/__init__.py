"""The thin shell around the core: histories, states and predictions in the database, kept current.

`engine` takes events in and keeps predictions; `consumer` feeds it from a source. Loads numpy: worker processes only.
"""
