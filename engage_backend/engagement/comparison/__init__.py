"""The published comparison: twelve rows, two of them ours, judged on the same learners, week by week, run by run.

After Le, Pardos, Meyer, Thorp, "Communication at Scale in a MOOC Using Predictive Engagement Analytics" (AIED 2018).
One subject per file: `material` (what every model may read), `weekly` (the twelve features), `splits`, `sampling`, a file
for each family of models, `cache`, `judging`, `bootstrap`, `groups`, `figures` and `page`. Our own model is called by its
public functions, as it is. Offline only; may import what `engagement` may.
"""
