"""What `make test` leaves to `make test-all`: the second of two ways to the same check, and large sizes."""

from __future__ import annotations

import pytest

# Beginnings of the names of tests, after "tests/": another optimisation level, compiler, form of the same
# model, or seed of a test that stays; a million nodes; an option that is off.
SLOW = (
    "emulated/test_cases.py::test_the_device_answers_as_the_estimator[qemu_cortex_m4f-inline",
    "emulated/test_cases.py::test_the_device_answers_as_the_estimator[qemu_cortex_m4f-loadable",
    "emulated/test_check.py::test_the_firmware_without_a_model_costs_nothing[qemu_cortex_m3",
    "emulated/test_check.py::test_the_firmware_without_a_model_costs_nothing[qemu_cortex_m7",
    "emulated/test_streams.py::test_every_window_is_answered_as_on_this_pc[qemu_riscv32",
    "emulated/test_streams.py::test_every_window_is_answered_as_on_this_pc[qemu_cortex_m4f-sound",
    "emulated/test_streams.py::test_every_window_is_answered_as_on_this_pc[qemu_cortex_m0-motion",
    "emulated/test_streams.py::test_every_window_is_answered_as_on_this_pc[qemu_cortex_m3-motion of",
    "emulated/test_streams.py::test_every_window_is_answered_as_on_this_pc[host",
    "emulated/test_streams.py::test_every_window_is_answered_as_on_this_pc[simavr_atmega328p-vectors",
    "python/test_boosting_c.py::test_c_answers_as_the_library[lightgbm",
    "python/test_c_calls.py::test_wrong_calls_give_a_status[wrong_calls-clang",
    "python/test_c_calls.py::test_wrong_calls_give_a_status[wrong_network_calls-clang",
    "python/test_committee_c.py::test_generated_code_is_warning_free[compact",
    "python/test_committee_c.py::test_generated_code_is_warning_free[loadable",
    "python/test_committee_c.py::test_optimised_c_answers_as_the_reference",
    "python/test_dsp_iir.py::test_optimised_integers_are_the_oracles",
    "python/test_exactness.py::test_many_classes[300",
    "python/test_frontend_committees.py::test_c_answers_as_scikit_learn[int16",
    "python/test_net_cmsis.py::",
    "python/test_net_kernels.py::test_optimised_kernels_are_the_evaluators",
    "python/test_net_kernels_float.py::test_optimised_layers_come_close_to_float64",
    "python/test_network_c.py::test_random_networks_score_as_the_oracle[flags1",
    "python/test_network_integers_c.py::test_random_networks_give_the_integers_of_the_oracle[flags0",
    "python/test_network_integers_c.py::test_random_networks_give_the_integers_of_the_oracle[flags1",
    "python/test_property.py::test_optimised_c_answers_as_the_evaluator",
    "python/test_scale.py::",
    "python/test_signal_cmsis.py::",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them."""
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SLOW):
            item.add_marker("slow")
