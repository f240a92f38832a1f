"""Messages that go out by themselves, once the author has said so twice: never in doubt, never too often, never at night.

`daily` looks at each automatic communication once a day, `guards` says when one has to pause, `health` asks whether the
data under it can be trusted, `limits` how often and at what hour, `telling` mails the author, `handling` is what the course
team does. May import what `messaging` may.
"""
