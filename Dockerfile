# The bot with what it needs to make sandboxes: git, bubblewrap, and a Python of its own for the bot alone.
FROM python:3.12-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /venv && /venv/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY bot ./bot
RUN /venv/bin/python -m compileall -q bot

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="solvebot" org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
    && apt-get install -y --no-install-recommends git bubblewrap python3 libseccomp2 tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 solvebot \
    && install -d -o solvebot -g solvebot /data

WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app/bot ./bot
RUN printf '#!/bin/sh\nPYTHONPATH=/app exec /venv/bin/python -m bot.cli "$@"\n' > /usr/local/bin/solvebot \
    && chmod 755 /usr/local/bin/solvebot

USER solvebot
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data HOST=0.0.0.0
VOLUME /data
EXPOSE 8000
HEALTHCHECK CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"

# Unprivileged containers cannot make namespaces by default. Allow user namespaces (--security-opt seccomp=... with a
# profile that has clone and unshare) and an unmasked /proc (--security-opt systempaths=unconfined), or the bot says
# what is missing and does not start.
ENTRYPOINT ["/usr/bin/tini", "--", "solvebot"]
CMD ["serve"]
