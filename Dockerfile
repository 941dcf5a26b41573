# syntax=docker/dockerfile:1

# GraphiQL, so that DEBUG=true needs no internet access.
FROM node:24-slim AS web
WORKDIR /app
COPY heygen_graphql/web/graphiql .
RUN npm ci --ignore-scripts --no-audit --no-fund && node build.js bundle

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PYTHON=/opt/venv
# What runs needs no pip of its own: that of the base image installs into it.
RUN python -m venv --without-pip /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
# The packages change less often than the code: their layer is kept. Of mediapipe one model is read as a file.
COPY requirements.lock .
RUN pip install --no-deps --require-hashes -r requirements.lock \
    && find /opt/venv/lib/python3.11/site-packages/mediapipe -type f ! -name selfie_segmentation.tflite -delete \
    && find /opt/venv/lib/python3.11/site-packages/numpy -type d -name tests -prune -exec rm -r {} +
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY heygen_graphql heygen_graphql
COPY --from=web /app/bundle heygen_graphql/web/static/graphiql
RUN pip install --no-deps --no-build-isolation .
# Makes a film of what was installed, or fails; and leaves the compiled modules of what is really loaded,
# which a read-only container could not write down, a third of the size of all there are.
WORKDIR /
RUN DATA_DIR=/tmp/tried heygen-graphql doctor \
    && python -c "import heygen_graphql.cli.serving, heygen_graphql.cli.working, heygen_graphql.jobs.render_child"

FROM python:3.11-slim
# Kubernetes' runAsNonRoot knows numbers alone.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data heygen \
    && install -d -o 10001 -g 10001 /data
COPY --from=build /opt/venv /opt/venv
COPY deploy/image/health.py /opt/health.py
# A worker's metrics are what its health is known by.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000 \
    METRICS_HOST=0.0.0.0 \
    METRICS_PORT=9090 \
    LOG_JSON=true
USER 10001:10001
WORKDIR /
# Beside it only /tmp is written to: the rest may be read-only.
VOLUME /data
EXPOSE 8000 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/opt/health.py"]
# API and workers end what they are doing, or hand it back, and exit with 0.
STOPSIGNAL SIGTERM
ENTRYPOINT ["heygen-graphql"]
CMD ["serve"]
