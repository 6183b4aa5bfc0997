# The broker with our configurations, and a data folder that its user may write: a fresh
# named volume copies the folder's owner, and would belong to root without this.
ARG NATS_IMAGE=nats:2.15-alpine
FROM ${NATS_IMAGE}
LABEL org.opencontainers.image.title="pocketwatcher-nats" \
      org.opencontainers.image.description="NATS JetStream with Pocketwatcher's configuration" \
      org.opencontainers.image.version="0.1.0" org.opencontainers.image.licenses="Apache-2.0"
RUN mkdir -p /data && chown 10001:10001 /data
COPY deploy/nats.conf /etc/nats/nats-server.conf
COPY deploy/nats-cluster.conf /etc/nats/nats-cluster.conf
ENV NATS_FILE_STORE=16G
USER 10001:10001
VOLUME /data
