"""Tables of digital filters: from scipy's second-order sections and taps to numbers of 16 and 32 bits.

Python's standard library is all it takes. `<milliwatt/iir.h>` and `<milliwatt/fir.h>` say what is computed.
"""

from milliwatt.filters.c_tables import fir_tables, iir_tables
from milliwatt.filters.fir import Fir, fir_q15
from milliwatt.filters.iir_q15 import IirQ15, SectionQ15, check_q15, iir_q15
from milliwatt.filters.iir_q31 import IirQ31, SectionQ31, iir_q31
from milliwatt.filters.sections import Section, read_sos

__all__ = [
    "Fir", "IirQ15", "IirQ31", "Section", "SectionQ15", "SectionQ31", "check_q15",
    "fir_q15", "fir_tables", "iir_q15", "iir_q31", "iir_tables", "read_sos",
]  # fmt: skip
