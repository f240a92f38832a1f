"""The standalone site: one course page, a sample course that goes on by replay, and a learner whom one can be.

`load` fills a fresh site from a research data package, `feed` appends the package's lines to tracking.log as the
site's clock (`clock`) reaches them, `learner` writes the lines of one's own clicks, `runtime` renders the block, and
`supervisor` runs site, consumer and replay under one command. Nothing here writes a prediction: everything goes
through the log. May import every other room.
"""
