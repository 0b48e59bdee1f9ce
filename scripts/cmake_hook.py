"""CMake runs this for each model of each target: ``python -m milliwatt.build``, whatever is installed.

A script's own directory comes first where Python looks for packages, so the package imported is the one
beside this file, never another one.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  a build may find an older one
    # No f-string and nothing else that is new: this line has to run on the old ones.
    sys.exit("Error: milliwatt: Python %d.%d is too old; 3.10 or newer is needed" % sys.version_info[:2])  # noqa: UP031

from milliwatt.build.__main__ import main

sys.exit(main())
