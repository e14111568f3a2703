# syntax=docker/dockerfile:1
# One image for every process; the command says which. It holds no secrets: they come with the environment.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /opt/socialsync \
    && /opt/socialsync/bin/pip install --require-hashes -r requirements.lock
# What builds our own wheel is locked as well, and stays behind in this stage.
RUN python -m venv tools \
    && tools/bin/pip install --require-hashes -r requirements-dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY alembic alembic
COPY src src
RUN tools/bin/python -m hatchling build -t wheel \
    && /opt/socialsync/bin/pip install --no-deps --no-index dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/socialsync socialsync
COPY --from=build /opt/socialsync /opt/socialsync
WORKDIR /srv/socialsync
COPY alembic.ini ./
COPY alembic alembic
ENV PATH=/opt/socialsync/bin:$PATH \
    PROCRASTINATE_APP=socialsync.worker.app \
    PYTHONUNBUFFERED=1 \
    SOCIALSYNC_HOME=/var/lib/socialsync \
    SOCIALSYNC_LOG_FORMAT=json
USER socialsync
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
CMD ["socialsync", "serve", "--host", "0.0.0.0", "--port", "8000"]
