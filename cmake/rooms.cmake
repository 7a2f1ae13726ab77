# room() and program(): how a directory becomes a target.
#
# A room is an OBJECT library, so that the linker keeps the constructors that register its metrics.
# Its headers are included as "room/header.h". The only include directory that a room shows is
# build/include/<room>, which holds one link <room> -> its source directory; so a header of a room
# that is not named after USES (nor used by one that is) does not exist for the compiler.

# room(name SOURCES a.c … [USES room …] [LIBRARIES target …])
function(room name)
  cmake_parse_arguments(R "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  set(shown ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${shown})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${name} ${shown}/${name} SYMBOLIC)
  list(TRANSFORM R_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/${name}/)
  add_library(${name} OBJECT ${R_SOURCES})
  target_include_directories(${name} PUBLIC ${shown})
  target_link_libraries(${name} PUBLIC ${R_USES} ${R_LIBRARIES})
  set_property(GLOBAL PROPERTY ROOM_USES_${name} ${R_USES})
endfunction()

# rooms_closure(out room …): the rooms and all that they use, each once. CMake links an OBJECT
# library's objects only where it is named directly, so executables name the whole closure.
function(rooms_closure out)
  set(todo ${ARGN})
  set(seen "")
  while(todo)
    list(POP_FRONT todo next)
    if(NOT next IN_LIST seen)
      list(APPEND seen ${next})
      get_property(uses GLOBAL PROPERTY ROOM_USES_${next})
      list(APPEND todo ${uses})
    endif()
  endwhile()
  set(${out} ${seen} PARENT_SCOPE)
endfunction()

# program(name [DIR directory] [MAIN main.c] SOURCES main.c … USES room … [LIBRARIES target …]). The sources lie in
# the directory of the program's name, or in DIR, beneath the one of the CMakeLists.txt that says it; headers are
# included as "directory/header.h". All sources but main.c, or MAIN, are the OBJECT library <name>_parts, which unit
# tests may link.
function(program name)
  cmake_parse_arguments(P "" "DIR;MAIN" "SOURCES;USES;LIBRARIES" ${ARGN})
  foreach(default "DIR;${name}" "MAIN;main.c")
    list(GET default 0 key)
    if(NOT P_${key})
      list(GET default 1 P_${key})
    endif()
  endforeach()
  set(directory ${CMAKE_CURRENT_SOURCE_DIR}/${P_DIR})
  list(REMOVE_ITEM P_SOURCES ${P_MAIN})
  list(TRANSFORM P_SOURCES PREPEND ${directory}/)
  set(shown ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${shown})
  file(CREATE_LINK ${directory} ${shown}/${P_DIR} SYMBOLIC)
  add_executable(${name} ${directory}/${P_MAIN})
  target_include_directories(${name} PRIVATE ${shown})
  if(P_SOURCES)
    add_library(${name}_parts OBJECT ${P_SOURCES})
    target_include_directories(${name}_parts PUBLIC ${shown})
    target_link_libraries(${name}_parts PUBLIC ${P_USES} ${P_LIBRARIES})
    set_property(GLOBAL PROPERTY ROOM_USES_${name}_parts ${P_USES})
    rooms_closure(closure ${name}_parts)
  else()
    rooms_closure(closure ${P_USES})
  endif()
  target_link_libraries(${name} PRIVATE ${closure} ${P_LIBRARIES})
endfunction()

# student_program(name USES room … [LIBRARIES target …]): mine/<name>/*.c, where the course's tree exists, becomes bin/mine/<name>
# (target mine_<name>), of the same rooms as the product's. It is built only where it is asked for, and
# warnings do not stop it, but for those that hide a mistake.
function(student_program name)
  cmake_parse_arguments(P "" "" "USES;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/mine/${name}/*.c)
  if(NOT sources)
    return()
  endif()
  set(shown ${CMAKE_BINARY_DIR}/include/mine_${name})
  file(MAKE_DIRECTORY ${shown})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/mine/${name} ${shown}/${name} SYMBOLIC)
  rooms_closure(closure ${P_USES})
  add_executable(mine_${name} EXCLUDE_FROM_ALL ${sources})
  target_include_directories(mine_${name} PRIVATE ${shown})
  target_link_libraries(mine_${name} PRIVATE ${closure} ${P_LIBRARIES})
  target_compile_options(mine_${name} PRIVATE -Wno-error -Werror=implicit-function-declaration
                         -Werror=incompatible-pointer-types -Werror=int-conversion)
  set_target_properties(mine_${name} PROPERTIES OUTPUT_NAME ${name}
                        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/mine)
endfunction()

# unit_test(name USES room …): tests/unit/<name>.c becomes an executable that CTest runs.
# LABELS threads marks a test that the thread sanitizer runs too.
function(unit_test name)
  cmake_parse_arguments(T "" "" "USES;LABELS" ${ARGN})
  rooms_closure(closure ${T_USES})
  add_executable(${name} ${name}.c)
  target_link_libraries(${name} PRIVATE ${closure} PkgConfig::CMOCKA m)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 60 LABELS "${T_LABELS}")
endfunction()
