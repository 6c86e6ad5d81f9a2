"""HTTP connections that strangers can neither hold open nor fill.

uvicorn gives a request as long as it likes to arrive, and its parser keeps headers and trailers of any length. Whoever
can reach the webhook needs no signature for that, so it is bounded here, below everything that looks at requests. What
the body may have is for the application to say: it is handed over as it comes.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class BoundedProtocol(HttpToolsProtocol):
    """Ends, without a word, a connection that goes over a limit."""

    most_connections = 512  # well below the usual limit on open files, which sandboxes and databases need too
    seconds = 30.0  # for a whole request to arrive; GitHub itself gives up after ten
    most_overhead = 128 * 1024  # bytes of a request that are not its body
    # Bytes that the parser gets at a time; most deliveries are one. What a request shares with the one before counts
    # for both.
    slice = 16 * 1024

    _deadline: asyncio.TimerHandle | None = None
    _overhead = 0
    _slice_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.abort()
        else:
            self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), self.slice):
            if self.transport.is_closing():  # answered, or given up
                return
            part = data[start : start + self.slice]
            self._slice_size = len(part)
            self._overhead += len(part)
            super().data_received(part)
            if self._overhead > self.most_overhead:
                self.transport.abort()

    def on_message_begin(self) -> None:
        self._overhead = self._slice_size
        self._expect_request()
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._expect_nothing()
        super().on_message_complete()

    def _expect_request(self) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(self.seconds, self.transport.abort)

    def _expect_nothing(self) -> None:
        """An idle connection, kept for another request, has uvicorn's own limit."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
