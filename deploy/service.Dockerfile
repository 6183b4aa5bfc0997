# The image of any service, built from the repository's root. compose.yaml names the arguments of
# each; services.toml declares them, and a test compares the two. By hand:
#   docker build -f deploy/service.Dockerfile --build-arg SERVICE=parser .
# Plain enough for the legacy builder, which builds every stage, and for BuildKit, which builds
# those that it needs.
ARG PYTHON_IMAGE=python:3.13-slim
# Whose pages are in it: `plain` for none, `pages` for the API.
ARG SOURCE=plain
# `serving` answers for its health; what ends by itself, `once`, has none.
ARG RUNS=serving

# What the lock of this one service names, by hash. Sources come after it: the layer stays.
FROM ${PYTHON_IMAGE} AS locked
RUN python -m venv /opt/build && python -m venv --without-pip /opt/app
# Not before: what stands above is the same for every service, and is built once.
ARG SERVICE
COPY requirements/build.txt requirements/${SERVICE}.txt /requirements/
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes -r /requirements/build.txt \
 && /opt/build/bin/pip --python /opt/app/bin/python install --no-cache-dir --require-hashes -r /requirements/${SERVICE}.txt
# The module is known here and nowhere later: `exec` makes python the process that gets SIGTERM.
RUN printf '#!/bin/sh\nexec python -m pw_%s "$@"\n' "$SERVICE" >/opt/app/bin/start-service \
 && chmod 755 /opt/app/bin/start-service

FROM locked AS plain
ARG SERVICE
COPY libs /src/libs
COPY services/${SERVICE} /src/services/${SERVICE}

# The pages: taken as they are where they were built from these sources already, else built here.
# PAGES=optional makes an image also where node's packages cannot be had: it shows the plain page.
FROM plain AS pages
ARG SOURCE
ARG PAGES=must
ARG NPM_CONFIG_REGISTRY
COPY requirements/node.txt /src/requirements/
COPY tools/dashboard.sh /src/tools/
COPY dashboard /src/dashboard
RUN if [ "$SOURCE" = pages ]; then VENV=/opt/build /src/tools/dashboard.sh "--$PAGES"; fi

# Of our own libraries pip takes those that the service names, and it refuses what the lock lacks.
FROM ${SOURCE} AS build
ARG SERVICE
RUN /opt/build/bin/pip wheel --no-index --no-deps --no-build-isolation -w /wheels /src/libs/* /src/services/${SERVICE} \
 && /opt/build/bin/pip --python /opt/app/bin/python install --no-index --find-links /wheels "pw-${SERVICE}"

FROM ${PYTHON_IMAGE} AS once
COPY --from=build /opt/app /opt/app
ENV PATH=/opt/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
HEALTHCHECK NONE

FROM once AS serving
ENV PW_HTTP_LISTEN=0.0.0.0:8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
 CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]

FROM ${RUNS}
ARG SERVICE
ARG IMAGE=pocketwatcher-${SERVICE}
ARG ABOUT
LABEL org.opencontainers.image.title="${IMAGE}" org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.description="${ABOUT}" org.opencontainers.image.licenses="Apache-2.0"
# Folders that a volume takes its owner from, each as path=mode.
ARG FOLDERS=
RUN for one in $FOLDERS; do install -d -o 10001 -g 10001 -m "${one#*=}" "${one%=*}" || exit 1; done
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["/opt/app/bin/start-service"]
