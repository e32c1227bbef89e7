# A static program alone in an image: no shell, no libraries, not root.
#   docker build -t rolecall . && docker run -p 127.0.0.1:4566:4566 -v rolecall:/data rolecall
FROM docker.io/library/rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev gcc make
WORKDIR /src
COPY . .
# musl links statically; the caches keep a second build short.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --release --package rolecall --bin rolecall \
    && install -D -m 0755 target/release/rolecall /image/usr/bin/rolecall \
    && install -d -m 0700 -o 65532 -g 65532 /image/data \
    && install -d -m 1777 /image/tmp

FROM scratch
COPY --from=build /image /
COPY LICENSE /LICENSE
USER 65532:65532
# Within the container every address is behind the port that is published.
ENV ROLECALL_LISTEN=0.0.0.0:4566 ROLECALL_DATA=/data ROLECALL_INSTANCES_DRIVER=metadata-only
VOLUME /data
EXPOSE 4566
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/rolecall"]
CMD ["serve"]
