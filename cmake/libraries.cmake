# The libraries of other people, all from the distribution's packages (docs/dependencies.md).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(RABBITMQ REQUIRED IMPORTED_TARGET librabbitmq)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)

# llhttp: a library on Debian 13 and later; Debian 12 packages its C sources with node-llhttp.
# STRICT_MODE because 8.x is lenient by default and open to request smuggling (CVE-2023-30589).
pkg_check_modules(LLHTTP IMPORTED_TARGET libllhttp)
if(NOT LLHTTP_FOUND)
  find_path(LLHTTP_SOURCES NAMES llhttp.c PATHS /usr/share/llhttp PATH_SUFFIXES src)
  find_path(LLHTTP_INCLUDE NAMES llhttp.h PATHS /usr/share/include/llhttp /usr/include/llhttp
            /usr/share/llhttp/include)
  if(NOT LLHTTP_SOURCES OR NOT LLHTTP_INCLUDE)
    message(FATAL_ERROR "llhttp not found: install libllhttp-dev or, on Debian 12, node-llhttp")
  endif()
  file(GLOB LLHTTP_C ${LLHTTP_SOURCES}/*.c)
  add_library(llhttp STATIC ${LLHTTP_C})
  target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
  target_compile_definitions(llhttp PRIVATE LLHTTP_STRICT_MODE=1)
  target_compile_options(llhttp PRIVATE -w)
  add_library(PkgConfig::LLHTTP ALIAS llhttp)
endif()
