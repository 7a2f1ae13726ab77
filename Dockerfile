# One image for frontend, backend and traffic, one with the labs besides, and one to work in.
#
#   docker build --target programs -t metrics-workshop .    then: docker run --rm metrics-workshop frontend --help
#   docker build --target labs -t metrics-workshop-labs .   docs/labs/README.md says how to run them
#   docker build --target dev -t metrics-workshop-dev .     the toolchain; the source is mounted at /workshop
#
# The first knows neither compiler nor source, runs as a user without rights, and writes nothing to its root file system.
FROM debian:trixie-slim AS toolchain
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends gcc libc6-dev cmake ninja-build pkg-config libuv1-dev libhiredis-dev \
      librabbitmq-dev libpq-dev libjansson-dev zlib1g-dev libllhttp-dev libnghttp2-dev \
      libprotobuf-c-dev protobuf-c-compiler python3 \
 && rm -rf /var/lib/apt/lists/*

FROM toolchain AS build
WORKDIR /source
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY bench bench
COPY labs labs
COPY common common
COPY frontend frontend
COPY backend backend
COPY traffic traffic
RUN cmake --preset release && cmake --build --preset release --target frontend backend traffic \
 && strip build/release/bin/frontend build/release/bin/backend build/release/bin/traffic

FROM debian:trixie-slim AS programs
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends libuv1t64 libhiredis1.1.0 librabbitmq4 libpq5 libjansson4 zlib1g libllhttp9.2 \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old
COPY --from=build /source/build/release/bin/frontend /source/build/release/bin/backend /source/build/release/bin/traffic /usr/local/bin/
USER 65534:65534
EXPOSE 5000 5001 5002
CMD ["frontend", "--help"]

# The labs, and traffic to ask them. /bin/echo is found behind the lab of that name.
FROM build AS build-labs
RUN cmake --build --preset release --target labs \
 && cd build/release/bin && strip person echo echo_client stats_exporter

FROM debian:trixie-slim AS labs
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends libuv1t64 libjansson4 zlib1g libllhttp9.2 libnghttp2-14 libprotobuf-c1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old
COPY --from=build-labs /source/build/release/bin/person /source/build/release/bin/echo /source/build/release/bin/echo_client /source/build/release/bin/stats_exporter /source/build/release/bin/traffic /usr/local/bin/
USER 65534:65534
EXPOSE 7080 8081 50051 50052
CMD ["person", "--help"]

# To work in: what `./workshop` would install, servers included, so that everything natively possible is possible here.
FROM toolchain AS dev
COPY tools/workshop/packages.py tools/workshop/ui.py tools/workshop/apt-install.sh /tmp/tools/workshop/
RUN cd /tmp/tools && python3 -c 'from pathlib import Path; from workshop.packages import RUN, ensure; ensure(RUN, Path("/tmp/apt.log"))' \
 && rm -rf /var/lib/apt/lists/* /tmp/tools
WORKDIR /workshop
# The programs are made there and run from there, so that a health check finds them as in the image below.
ENV PATH=/workshop/build/release/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1
CMD ["bash"]
