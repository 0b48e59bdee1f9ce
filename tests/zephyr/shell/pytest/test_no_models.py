"""The shell command of a firmware without models."""

from __future__ import annotations

from twister_harness import Shell


def test_it_says_how_to_add_one(shell: Shell) -> None:
    assert "no models: add them with milliwatt_add_model() in CMakeLists.txt" in shell.exec_command("mw list")
    assert "there is no model 'gesture': see mw list" in shell.exec_command("mw predict gesture 1")
