# milliwatt_add_model(): a trained model becomes part of a target, in plain CMake, Zephyr and ESP-IDF.
#
#   milliwatt_add_model(<target> NAME <name> FILE <model> [<OPTION> <value>]...)
#
# <target>  what gets the model: an executable or a library that is compiled. It finds <name.h>.
# NAME      prefix of all C names and stem of the generated files.
# FILE      *.mw.json, *.csv; or *.skops, *.joblib, *.keras, *.onnx, ... which take a Python with the ML library.
#           Relative paths start from the current source directory.
# <OPTION>  the options of models, as in Python and in platformio.ini: METHOD, DTYPE, NAN, CALIBRATION,
#           LEAF_BITS, LEAF_CLUSTERS, BUDGET; of networks QUANTIZE, ARENA, TASK, CLASSES (a,b,c), INPUT_SHAPE.
#
# For the whole project, as variables (-DMILLIWATT_PYTHON=...):
#
# MILLIWATT_PYTHON        the Python in which models were trained; by default the one that runs the build.
# MILLIWATT_TRUST_PICKLE  yes: load *.joblib, *.pkl and *.pt2, which run any code that they hold.
#
# Models are generated when the project is built, and again when the model, its calibration data or Milliwatt
# itself has changed: nothing else makes a step of this file run. Needs CMake 3.20 and Python 3.10.

include_guard(GLOBAL)

cmake_policy(PUSH)
cmake_policy(VERSION 3.20)

set_property(GLOBAL PROPERTY MILLIWATT_HOOK "${CMAKE_CURRENT_LIST_DIR}/cmake_hook.py")

function(milliwatt_add_model target)
  _milliwatt_parse(${ARGV})
  _milliwatt_check_target("${target}" "${name}")
  _milliwatt_python(python)

  get_property(hook GLOBAL PROPERTY MILLIWATT_HOOK)
  string(MAKE_C_IDENTIFIER "${target}_${name}" id)
  set(directory "${CMAKE_CURRENT_BINARY_DIR}/milliwatt/${id}")
  set(header "${directory}/${name}.h")
  set(source "${directory}/${name}.c")
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_LIST_FILE BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" OUTPUT_VARIABLE place)

  # After `--` nothing is taken for an option of the script, whatever it begins with.
  set(command "${python}" "${hook}" --output "${directory}" --cache "${CMAKE_BINARY_DIR}/milliwatt/cache"
      --directory "${CMAKE_CURRENT_SOURCE_DIR}" "--where=${place} [${target}] milliwatt_add_model"
      "--python=${MILLIWATT_PYTHON}" "--trust-pickle=${MILLIWATT_TRUST_PICKLE}")
  _milliwatt_watched("${file}" "${directory}/done.d")
  # Header and source keep their times where their text does not change: only the stamp tells when this ran.
  add_custom_command(
    OUTPUT "${directory}/done.stamp"
    BYPRODUCTS "${header}" "${source}"
    COMMAND ${command} --stamp "${directory}/done.stamp" -- "${name}" "${file}" ${options}
    DEPENDS "${hook}" ${watch_depends}
    ${watch_depfile}
    COMMENT "Milliwatt: ${name}"
    VERBATIM)

  # A target of its own: `target` may be of another directory, which does not know the rule above, and only one
  # target may run it where builds are parallel.
  add_custom_target(milliwatt_${id} DEPENDS "${directory}/done.stamp")
  add_dependencies(${target} milliwatt_${id})
  set_source_files_properties("${source}" "${header}" TARGET_DIRECTORY ${target} PROPERTIES GENERATED TRUE)
  target_sources(${target} PRIVATE "${source}" "${header}")
  target_include_directories(${target} PUBLIC "${directory}")
  _milliwatt_use_library(${target})
  if(COMMAND milliwatt_model_added)  # what else there is to do with a model, where there is Zephyr
    milliwatt_model_added(${target} ${name} "${directory}")
  endif()
endfunction()

# NAME, FILE and the other options: name, file, options in the caller's scope.
macro(_milliwatt_parse)
  set(words ${ARGN})
  list(POP_FRONT words)
  set(name "")
  set(file "")
  set(options "")
  list(LENGTH words n_words)
  math(EXPR odd "${n_words} % 2")
  if(odd)
    _milliwatt_usage("a value is missing after the last word, or a path with spaces has no quotes")
  endif()
  while(words)
    list(POP_FRONT words option value)
    if(option STREQUAL "NAME" OR option STREQUAL "FILE")
      string(TOLOWER "${option}" variable)
      if(NOT "${${variable}}" STREQUAL "")
        _milliwatt_usage("${option} is given twice")
      endif()
      set(${variable} "${value}")
    elseif(option MATCHES "^[A-Z][A-Z_]*$")
      string(TOLOWER "${option}" option)
      list(APPEND options "${option}=${value}")
    else()
      _milliwatt_usage("'${option}' is not an option")
    endif()
  endwhile()
  if(name STREQUAL "" OR file STREQUAL "")
    _milliwatt_usage("NAME or FILE is missing")
  endif()
endmacro()

function(_milliwatt_usage problem)
  message(FATAL_ERROR "milliwatt_add_model: ${problem}\n"
    "  cure: write milliwatt_add_model(<target> NAME <name> FILE <model> [METHOD <method>] [DTYPE <type>] ...)")
endfunction()

function(_milliwatt_check_target target name)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "milliwatt_add_model: there is no target '${target}'\n"
      "  cure: call it after add_executable(${target} ...) or add_library(${target} ...)")
  endif()
  get_target_property(type ${target} TYPE)
  get_target_property(imported ${target} IMPORTED)
  get_target_property(alias ${target} ALIASED_TARGET)
  if(type MATCHES "^(INTERFACE_LIBRARY|UTILITY)$" OR imported OR alias)
    message(FATAL_ERROR "milliwatt_add_model: nothing is compiled for target '${target}'\n"
      "  cure: name an executable or a library that is compiled, by its own name")
  endif()
  # Upper case is what the macros are made of, and some file systems ignore case.
  string(TOUPPER "${name}" upper)
  get_target_property(names ${target} MILLIWATT_MODELS)
  if(upper IN_LIST names)
    message(FATAL_ERROR "milliwatt_add_model: the name '${name}' is declared twice\n"
      "  cure: give each model a name of its own")
  endif()
  set_property(TARGET ${target} APPEND PROPERTY MILLIWATT_MODELS "${upper}")
endfunction()

# What makes the step run again. Sets watch_depends and watch_depfile in the caller's scope.
function(_milliwatt_watched file depfile)
  set(path "${file}")
  cmake_path(ABSOLUTE_PATH path BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
  set(watch_depends "")
  set(watch_depfile "")
  get_source_file_property(generated "${path}" GENERATED)
  if(CMAKE_GENERATOR MATCHES "Ninja|Makefiles" OR NOT CMAKE_VERSION VERSION_LESS 3.21)
    set(watch_depfile DEPFILE "${depfile}")
  elseif(EXISTS "${path}")
    set(watch_depends "${path}")
  endif()
  # A file that this very build makes has to be there first. Another one is in the depfile only: where it is
  # missing, the step shall run and say so, instead of a build tool that finds no rule to make it.
  if(generated)
    set(watch_depends "${path}")
  endif()
  set(watch_depends "${watch_depends}" PARENT_SCOPE)
  set(watch_depfile "${watch_depfile}" PARENT_SCOPE)
endfunction()

# The Python that runs the build: Zephyr's, ESP-IDF's, or one that CMake finds.
function(_milliwatt_python result)
  if(NOT Python3_EXECUTABLE AND ESP_PLATFORM)
    idf_build_get_property(Python3_EXECUTABLE PYTHON)
  endif()
  if(NOT Python3_EXECUTABLE)
    find_package(Python3 3.10 REQUIRED COMPONENTS Interpreter)
  endif()
  set(${result} "${Python3_EXECUTABLE}" PARENT_SCOPE)
endfunction()

# Headers and code of the C library, if it is a target; in Zephyr all code sees it anyway.
function(_milliwatt_use_library target)
  set(library milliwatt::milliwatt)
  if(TARGET ${library})
    # Not target_link_libraries(): a target can have that with PUBLIC and PRIVATE or without, never both.
    set_property(TARGET ${target} APPEND PROPERTY LINK_LIBRARIES ${library})
    set_property(TARGET ${target} APPEND PROPERTY INTERFACE_LINK_LIBRARIES ${library})
  endif()
endfunction()

cmake_policy(POP)
