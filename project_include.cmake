# ESP-IDF includes this for every project that has the component, before the components themselves.
include("${CMAKE_CURRENT_LIST_DIR}/scripts/milliwatt.cmake")
