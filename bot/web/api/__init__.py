"""/api/v1: what the bot knows, for programs, and what may be asked of it. OpenAPI is made from the types.

    application.py     FastAPI with all routes        services.py  what they are given
    authentication.py  a token -> who asks            rates.py     how often they may
    problems.py        errors -> RFC 9457             caching.py   ETag and If-None-Match
    solves.py operations.py        questions          steering.py  requests, which go into the inbox
    following.py       events as they happen (SSE)    documentation.py  /docs, without another host

Nothing here is imported before somebody asks: FastAPI takes longer to load than the rest of the receiver.
"""
