"""Transformers for scikit-learn's pipelines that compute with the C kernels of the firmware."""
