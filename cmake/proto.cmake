# proto(name directory file.proto [REPLACE from to]): what protoc-c makes of a .proto at build time, as an OBJECT library
# whose header is included as "name/file.pb-c.h". It stands among the USES of a room or program.
#
# REPLACE changes the text that protoc-c reads, not what others read. It is for strings: protobuf-c keeps one as a C
# string, which ends at the first NUL that the text holds; `bytes` are the same on the wire, and keep all.
find_program(PROTOC_C protoc-c REQUIRED)
function(proto name directory file)
  cmake_parse_arguments(P "" "" "REPLACE" ${ARGN})
  set(made ${CMAKE_BINARY_DIR}/include/${name}/${name})
  get_filename_component(base ${file} NAME_WE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${directory}/${file})
  file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${directory}/${file} text)
  if(P_REPLACE)
    list(GET P_REPLACE 0 from)
    list(GET P_REPLACE 1 to)
    string(REPLACE "${from}" "${to}" text "${text}")
  endif()
  file(MAKE_DIRECTORY ${made})
  file(CONFIGURE OUTPUT ${made}/${file} CONTENT "${text}" @ONLY)
  add_custom_command(OUTPUT ${made}/${base}.pb-c.c ${made}/${base}.pb-c.h
    COMMAND ${PROTOC_C} --c_out=${made} -I ${made} ${made}/${file} DEPENDS ${made}/${file} VERBATIM)
  add_library(${name} OBJECT ${made}/${base}.pb-c.c ${made}/${base}.pb-c.h)
  target_compile_options(${name} PRIVATE -w)
  target_include_directories(${name} SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/include/${name})
  target_link_libraries(${name} PUBLIC PkgConfig::PROTOBUF_C)
  set_property(GLOBAL PROPERTY ROOM_USES_${name} "")
endfunction()
