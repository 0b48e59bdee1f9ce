"""In the peers' Python: an estimator in a joblib file to emlearn's header; prints where its headers are.

python emlearn_export.py ESTIMATOR.joblib model.h
"""

from __future__ import annotations

import sys

import emlearn
import joblib

estimator = joblib.load(sys.argv[1])
emlearn.convert(estimator, method="loadable", dtype="float").save(file=sys.argv[2], name="model")
print(emlearn.includedir)
