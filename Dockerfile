# The connector's image: built on Debian, shipped on busybox. No name of an architecture occurs, so it builds for amd64
# and arm64 alike, with BuildKit and with the classic builder.
#
#   docker build -t source-navan/source-navan:dev .

# The SBOM of a release lists what is in Cargo.lock too; the last stage alone would show but one binary.
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true

# The dependencies first, with nothing of the sources, so that a change to the sources leaves this stage in the cache.
#
# Debian 12's C library is older than busybox's, so what is linked against it runs there. The image has gcc, which is
# all that the crates with C code need, and CA certificates.
FROM rust:1.95.0-slim-bookworm AS dependencies
WORKDIR /build

# Targets that a manifest names but whose files are not here (benches, examples, tests) would be errors, so they go.
COPY Cargo.toml Cargo.lock ./
COPY sandbox/Cargo.toml sandbox/
COPY demo/Cargo.toml demo/
RUN set -eu; \
    for manifest in Cargo.toml sandbox/Cargo.toml demo/Cargo.toml; do \
        awk '/^\[/ { drop = /^\[\[(bench|example|test)\]\]/ } !drop' "$manifest" > reduced; \
        mv reduced "$manifest"; \
    done; \
    mkdir -p src sandbox/src demo/src; \
    echo 'fn main() {}' | tee src/main.rs > demo/src/main.rs; \
    touch src/lib.rs sandbox/src/lib.rs; \
    cargo build --release --locked --package source-navan --bin source-navan

# Then the connector. Copied files keep their times, by which cargo would take them for older than the build above.
FROM dependencies AS build
COPY build.rs spec.json ./
COPY link link
COPY schemas schemas
COPY src src
RUN set -eu; \
    touch src/lib.rs src/main.rs; \
    cargo build --release --locked --package source-navan --bin source-navan; \
    mkdir /image; \
    cp target/release/source-navan /image/; \
    cp "$(ldd target/release/source-navan | awk '$1 == "libgcc_s.so.1" { print $3 }')" /image/

# busybox is the smallest base with the `sh` that Airbyte's launcher needs, and has no package manager. The variant with
# glibc, since that is what the connector is tested with. It brings the loader, libc and libm; only libgcc_s is missing.
FROM busybox:1.37.0-glibc

RUN set -eu; \
    echo 'airbyte:x:1000:' >> /etc/group; \
    echo 'airbyte:x:1000:1000:airbyte:/airbyte:/bin/sh' >> /etc/passwd; \
    mkdir -p /airbyte; \
    chown 1000:1000 /airbyte

COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /image/libgcc_s.so.1 /lib/
COPY --from=build /image/source-navan /usr/local/bin/

# The same as in Cargo.toml. The build fails if it is not, or if the binary does not start on this base.
ARG VERSION=0.1.0
RUN test "$(/usr/local/bin/source-navan --version)" = "source-navan ${VERSION}"

LABEL io.airbyte.name="source-navan/source-navan" \
      io.airbyte.version="${VERSION}"

# On Kubernetes Airbyte runs the words of this variable by `sh`, elsewhere the entry point: they must be the same.
ENV AIRBYTE_ENTRYPOINT="/usr/local/bin/source-navan"

WORKDIR /airbyte
# The user airbyte, by number: `runAsNonRoot` of Kubernetes cannot check a name.
USER 1000:1000
ENTRYPOINT ["/usr/local/bin/source-navan"]
