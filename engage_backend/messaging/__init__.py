"""Writing to just those learners: who is meant (criteria, selection, segments, presets), and the messages to them.

May import: governance, models, platform, Django; nothing that loads torch or numpy. `criteria` is pure.
"""
