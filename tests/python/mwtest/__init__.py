"""Helpers of the tests in this directory."""
