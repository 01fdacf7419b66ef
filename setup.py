"""Build the Cython extensions; everything else about the package is in pyproject.toml.

BRIDGEVEC_PORTABLE=1 leaves out -march=native, for builds that run on other machines.
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

compile_args = ["-O3"]
if os.environ.get("BRIDGEVEC_PORTABLE") != "1":
    compile_args.append("-march=native")

setup(
    ext_modules=cythonize(
        [
            Extension(
                "bridgevec._dds",
                ["bridgevec/_dds.pyx"],
                depends=["bridgevec/_dds_leads.pxi", "bridgevec/_dds_weights.pxi"],
                extra_compile_args=compile_args,
            ),
            Extension(
                "bridgevec._auction", ["bridgevec/_auction.pyx"], extra_compile_args=compile_args
            ),
        ],
        language_level=3,
        compiler_directives={
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
        },
    )
)
