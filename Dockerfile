# One file for all: `docker build --target service --build-arg SERVICE=sync-worker .`
# Nothing of ours is built: our packages are pure Python, and everything else comes as locked, hashed wheels.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

# What is thrown away again: pip, its cache, the lists of packages.
FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv --without-pip /opt/venv
COPY requirements/runtime.txt /tmp/runtime.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip --python /opt/venv/bin/python install --only-binary :all: --no-deps --require-hashes -r /tmp/runtime.txt

FROM packages AS simulator-packages
COPY requirements/simulator.txt /tmp/simulator.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip --python /opt/venv/bin/python install --only-binary :all: --no-deps --require-hashes -r /tmp/simulator.txt

FROM packages AS admin-packages
COPY requirements/admin.txt /tmp/admin.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip --python /opt/venv/bin/python install --only-binary :all: --no-deps --require-hashes -r /tmp/admin.txt

# Compiled here: with a read-only root file system a process could not keep what it compiles at each start.
FROM packages AS service-code
ARG SERVICE
COPY shared/src services/${SERVICE}/src /opt/app/
COPY tools/local_stack/src/local_stack/containers_metadata.py /tmp/
COPY shared/pyproject.toml /tmp/shared/
COPY services/${SERVICE}/pyproject.toml /tmp/service/
RUN python3 /tmp/containers_metadata.py /opt/app /tmp/*/pyproject.toml \
 && python3 -m compileall -q -o 0 --invalidation-mode unchecked-hash /opt/app \
 && printf '#!/opt/venv/bin/python\nimport runpy\n\nrunpy.run_module("%s", run_name="__main__", alter_sys=True)\n' \
      "$(echo "${SERVICE:?}" | tr - _)" > /opt/serve && chmod 755 /opt/serve

FROM packages AS admin-code
COPY shared/src tools/calsync/src /opt/app/
COPY tools/local_stack/src/local_stack/containers_metadata.py /tmp/
COPY shared/pyproject.toml /tmp/shared/
COPY tools/calsync/pyproject.toml /tmp/calsync/
RUN python3 /tmp/containers_metadata.py /opt/app /tmp/*/pyproject.toml \
 && python3 -m compileall -q -o 0 --invalidation-mode unchecked-hash /opt/app

FROM ${PYTHON_IMAGE} AS process
# Nothing that runs here installs anything.
RUN python3 -c 'import glob, importlib.util as i, os, shutil; \
found = [i.find_spec(name) for name in ("pip", "setuptools", "wheel", "ensurepip")]; \
folders = [os.path.dirname(one.origin) for one in found if one and one.origin]; \
[shutil.rmtree(each, ignore_errors=True) for folder in folders for each in [folder, *glob.glob(folder + "-*.dist-info")]]' \
 && rm -f /usr/local/bin/pip* /usr/bin/pip* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin calsync
# PYTHONSAFEPATH: the working directory is no place to import from.
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/app PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /opt/app
ARG VERSION=dev
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.vendor="CrocoClick" \
      org.opencontainers.image.licenses="LicenseRef-Proprietary" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

# Development only: the simulated iCloud.
FROM process AS simulator
LABEL org.opencontainers.image.title="calsync-simulator"
RUN install -d -o 10001 -g 10001 /var/lib/simulator
COPY --from=simulator-packages /opt/venv /opt/venv
COPY tools/icloud_simulator/src /opt/app/
USER 10001:10001
EXPOSE 8080 8081
ENTRYPOINT ["python", "-m", "icloud_simulator"]

# One-shot jobs: keys and passwords (for development), topics, MongoDB's roles and users; prints tokens.
FROM process AS preparation
LABEL org.opencontainers.image.title="calsync-preparation"
# A new volume takes its owner from the folder that it is first mounted over; 999 is MongoDB's user in its image.
RUN install -d -o 10001 -g 10001 -m 700 /keys /keys/connector /keys/jwks /keys/platform \
      /keys/vault /keys/vault/private /keys/vault/public /keys/vault/signers /keys/vault/signing /keys/vault/tool \
      /keys/mongodb /keys/mongodb/admin /keys/mongodb/availability /keys/mongodb/calsync-admin /keys/mongodb/calsync-bootstrap \
      /keys/mongodb/calsync-keys /keys/mongodb/connector /keys/mongodb/sync-worker \
 && install -d -o 999 -g 999 -m 700 /mongodb/data /mongodb/key
COPY --from=packages /opt/venv /opt/venv
COPY shared/src tools/local_stack/src /opt/app/
COPY deploy/mongodb/roles.json /opt/deploy/mongodb/roles.json
USER 10001:10001
ENTRYPOINT ["python", "-m", "local_stack.containers"]

# By hand: sees, steers and repairs what runs. docs/admin.md tells how.
FROM process AS admin
LABEL org.opencontainers.image.title="calsync-admin"
COPY --from=admin-packages /opt/venv /opt/venv
COPY --from=admin-code /opt/app /opt/app
USER 10001:10001
ENTRYPOINT ["python", "-m", "calsync"]

FROM process AS service
ARG SERVICE
LABEL org.opencontainers.image.title="calsync-${SERVICE}"
COPY --from=packages /opt/venv /opt/venv
COPY --from=service-code /opt/app /opt/app
COPY --from=service-code /opt/serve /opt/serve
USER 10001:10001
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-S", "-c", "import os, http.client as c; k = c.HTTPConnection('127.0.0.1', int(os.environ.get('CALSYNC_OPS_PORT', '9090')), timeout=3); k.request('GET', '/readyz'); raise SystemExit(k.getresponse().status != 200)"]
ENTRYPOINT ["/opt/serve"]
