# One file for all: `docker build --target service --build-arg SERVICE=sync-worker --build-arg MODULE=sync_worker .`
# Nothing is built inside: our packages are pure Python, and everything else comes as locked, hashed wheels.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS packages
COPY requirements/runtime.txt /tmp/runtime.txt
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r /tmp/runtime.txt

FROM packages AS simulator-packages
COPY requirements/simulator.txt /tmp/simulator.txt
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r /tmp/simulator.txt

FROM ${PYTHON_IMAGE} AS process
RUN useradd --system --uid 10001 --no-create-home calsync
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /opt/app

# Development only: the simulated iCloud.
FROM process AS simulator
RUN install -d -o 10001 /var/lib/simulator
COPY --from=simulator-packages /opt/venv /opt/venv
COPY tools/icloud_simulator/src /opt/app
USER 10001
EXPOSE 8080 8081
ENTRYPOINT ["python", "-m", "icloud_simulator"]

# Development only: makes keys and topics, prints tokens.
FROM process AS preparation
RUN install -d -o 10001 /keys/platform /keys/vault/public /keys/vault/signers \
 && install -d -o 10001 -m 700 /keys/vault/private /keys/vault/signing /keys/connector
COPY --from=packages /opt/venv /opt/venv
COPY shared/src tools/local_stack/src /opt/app/
USER 10001
ENTRYPOINT ["python", "-m", "local_stack.containers"]

FROM process AS service
ARG SERVICE
ARG MODULE
COPY --from=packages /opt/venv /opt/venv
COPY shared/src services/${SERVICE}/src /opt/app/
ENV MODULE=${MODULE}
USER 10001
EXPOSE 8080 9090
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('CALSYNC_OPS_PORT', '9090') + '/readyz', timeout=2)"]
# The shell only reads MODULE; exec makes Python the process that gets SIGTERM.
ENTRYPOINT ["sh", "-c", "exec python -m \"$MODULE\""]
