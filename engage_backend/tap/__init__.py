"""What runs in the LMS's own processes for every tracking event: it takes a record aside and gets out of the way.

`record` makes a tracking event small, `sender` carries it to Redis from a thread of its own, `backend` is what the LMS
knows. May import `clickstream` and our settings; nothing here ever raises into, or waits in, a request.
"""
