# The API. `docker run ... python -m functions.migrate` runs the migration (docs/deploy-container.md).
# Behind a mirror, BASE_IMAGE is its copy of the image. PIP_INDEX_URL and UV_DEFAULT_INDEX are its package index.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
# uv trusts the certificates of the image, because a company's image may contain its own.
ENV UV_SYSTEM_CERTS=1 \
    UV_LINK_MODE=copy \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /source
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,source=locks/build.txt,target=build.txt \
    pip install --disable-pip-version-check --root-user-action ignore --require-hashes --requirement build.txt
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=locks/service.txt,target=service.txt \
    uv venv --quiet /opt/venv \
    && uv pip sync --python /opt/venv/bin/python --require-hashes service.txt \
    && rm /opt/venv/.lock /opt/venv/.gitignore
COPY tools/artifact.py tools/sbom.sh tools/
RUN python tools/artifact.py /opt/venv/lib/python3.13/site-packages /opt/venv/lib/python3.13/site-packages
# The code has its own layer, because the packages are larger and change less often.
COPY layers layers
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --no-deps --target /app ./layers/core ./layers/assistant ./layers/delivery
COPY functions /app/functions
COPY migrations /app/migrations
RUN PYTHONPATH=/app /opt/venv/bin/python -m functions.web.build /app/functions/web/page \
    && python tools/artifact.py /app /app \
    && tools/sbom.sh python /app/sbom.cdx.json /opt/venv/lib/python3.13/site-packages /app

# `docker build --target sbom --output FOLDER .` writes the bill of materials into a folder.
FROM scratch AS sbom
COPY --from=build /app/sbom.cdx.json /

FROM ${BASE_IMAGE}
# The base image contains no bytecode of the standard library. pip is not used at run time.
RUN python -m pip uninstall --quiet --yes --root-user-action ignore pip \
    && rm -r /usr/local/lib/python3.13/ensurepip \
    && python -m compileall -qf -j 0 --invalidation-mode unchecked-hash -x 'idlelib|test|tkinter|turtledemo' \
        /usr/local/lib/python3.13 \
    && groupadd --gid 1001 todo \
    && useradd --uid 1001 --gid 1001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin todo
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production \
    METRICS_HOST=:: \
    METRICS_PORT=9090 \
    # Longer than the idle timeout of proxies. The client must close idle connections, or a request could meet a closed one.
    UVICORN_TIMEOUT_KEEP_ALIVE=75 \
    # Longer than a turn of the assistant.
    UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=30
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER 1001:1001
EXPOSE 8000 9090
# A bare socket without packages, because the check runs every two seconds and starts a Python process each time.
HEALTHCHECK --interval=2s --timeout=2s --retries=10 CMD ["python", "-ISc", "\
import os, socket; \
connection = socket.create_connection(('localhost', os.environ.get('UVICORN_PORT') or os.environ.get('PORT') or 8000), timeout=2); \
connection.sendall(b'GET /health HTTP/1.0\\r\\n\\r\\n'); \
raise SystemExit(b' 200 ' not in connection.recv(16))"]
# The empty host: all addresses of IPv4, and of IPv6 where the kernel has it. An environment variable cannot be empty.
CMD ["python", "-m", "functions", "--host", ""]
ARG VERSION=0.2.0
ARG REVISION
ARG CREATED
ARG SOURCE
LABEL org.opencontainers.image.title="todo-backend" \
    org.opencontainers.image.description="An asynchronous todo API with accounts and an assistant." \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.base.name="docker.io/library/python:3.13-slim"
