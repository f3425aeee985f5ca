# Multi-stage: the binary is built with the pinned toolchain and runs as an unprivileged user. The image brings no
# PostgreSQL: give it a database with ASSAY_DATABASE__URL (see docs/OPERATIONS.md).
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends cmake clang && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p assay && strip target/release/assay

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/assay assay
COPY --from=build /src/target/release/assay /usr/local/bin/assay
USER 10001
WORKDIR /var/lib/assay
ENV ASSAY_PROFILE=production ASSAY_SERVER__HOST=0.0.0.0 ASSAY_METRICS__HOST=0.0.0.0
EXPOSE 8080 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["curl", "-fsS", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["/usr/local/bin/assay", "--data-dir", "/var/lib/assay"]
CMD ["serve"]
