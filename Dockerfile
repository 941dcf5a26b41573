# syntax=docker/dockerfile:1

# GraphiQL, so that DEBUG=true needs no internet access.
FROM node:24-slim AS web
WORKDIR /app
COPY heygen_graphql/web/graphiql .
RUN npm ci --ignore-scripts --no-audit --no-fund && node build.js bundle

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
# The packages change less often than the code: their layer is kept.
COPY requirements.lock .
RUN pip install --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY heygen_graphql heygen_graphql
COPY --from=web /app/bundle heygen_graphql/web/static/graphiql
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 heygen && install -d -o heygen -g heygen /data
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000 \
    LOG_JSON=true
USER heygen
WORKDIR /home/heygen
VOLUME /data
EXPOSE 8000
# A worker has no port: docker-compose.yml switches this off for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=4)"]
# uvicorn and the worker both end gracefully on SIGTERM, which Docker sends.
ENTRYPOINT ["heygen-graphql"]
CMD ["serve"]
