"""From a learner's events to three probabilities: history, counters, the model, training, and the live engine.

The pure core (`history`, `counters`, `encoder`, `model`, `streaming`, and all that trains) knows no Django; `live` is the
thin shell that keeps the core's values in the database. The one room that may import torch, xgboost and scikit-learn:
in the worker and offline, never in a web process. May import: `clickstream`, `models`, `platform`.
"""
