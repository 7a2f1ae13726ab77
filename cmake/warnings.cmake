# Compiler flags for our own code; warnings are errors.
add_compile_options(-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                    -Wpointer-arith -Wwrite-strings -Wvla -Wno-missing-field-initializers
                    -fno-strict-aliasing -fno-common -fstack-protector-strong)
add_compile_definitions(_GNU_SOURCE)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_definitions(WORKSHOP_DEBUG) # checks that help who writes code, and cost who runs it
endif()
if(WORKSHOP_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(WORKSHOP_SANITIZE)
  add_compile_options(-fsanitize=${WORKSHOP_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${WORKSHOP_SANITIZE})
  if(WORKSHOP_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
endif()
