# The simulated Navan (docs/sandbox.md) as an image, for compose.yaml. It is built in the repository's folder:
#
#   docker build -f monitoring/sandbox.Dockerfile -t source-navan/sandbox:dev .
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY sandbox/Cargo.toml sandbox/
COPY sandbox/src sandbox/src
COPY demo/Cargo.toml demo/
# The rest of the workspace needs not be here, only be named: as in ../Dockerfile. The profile is the one that compiles fast.
RUN set -eu; \
    for manifest in Cargo.toml demo/Cargo.toml; do \
        awk '/^\[/ { drop = /^\[\[(bench|example|test)\]\]/ } !drop' "$manifest" > reduced; \
        mv reduced "$manifest"; \
    done; \
    mkdir -p src demo/src; \
    echo 'fn main() {}' | tee src/main.rs > demo/src/main.rs; \
    touch src/lib.rs; \
    cargo build --profile demo --locked --package navan-sandbox; \
    mkdir /image; \
    cp target/demo/navan-sandbox /image/; \
    cp "$(ldd target/demo/navan-sandbox | awk '$1 == "libgcc_s.so.1" { print $3 }')" /image/

FROM busybox:1.37.0-glibc
COPY --from=build /image/libgcc_s.so.1 /lib/
COPY --from=build /image/navan-sandbox /usr/local/bin/
USER 1000:1000
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/navan-sandbox"]
