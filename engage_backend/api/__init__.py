"""The REST API, version 1: who may call, what is answered, and how errors look. No prediction is made here.

May import: models, platform, Django and its REST framework; nothing that loads torch or numpy.
"""
