# The broker with our configuration, and a data folder that its user may write: a fresh
# named volume copies the folder's owner, and would belong to root without this.
ARG NATS_IMAGE=nats:2.15-alpine
FROM ${NATS_IMAGE}
RUN mkdir -p /data && chown 10001:10001 /data
COPY deploy/nats.conf /etc/nats/nats-server.conf
USER 10001:10001
VOLUME /data
