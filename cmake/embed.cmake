# embed_text(room file): lets the room's sources write `#include "<file>.inc"` where they want the
# text of common/<room>/<file> as a C string literal.
function(embed_text room file)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${room}/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(READ ${source} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n\"" text "${text}")
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/embedded/${room}/${file}.inc CONTENT "\"@text@\"\n" @ONLY)
  target_include_directories(${room} PRIVATE ${CMAKE_BINARY_DIR}/embedded/${room})
endfunction()
