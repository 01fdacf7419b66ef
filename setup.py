"""Build the Cython extensions; everything else about the package is in pyproject.toml.

By default they are compiled for this processor alone. BRIDGEVEC_PORTABLE=1 compiles for every
processor of the kind; on x86-64 the solver a second time for x86-64-v3 (BMI2, AVX2), and
bridgevec/dds.py chooses when it is imported. BRIDGEVEC_OPTIMIZE=1 instead of 3 compiles in less
time to slower code, for checks that are not about speed.
"""

import os
import platform

from Cython.Build import cythonize
from setuptools import Extension, setup

PORTABLE = os.environ.get("BRIDGEVEC_PORTABLE") == "1"
OPTIMIZE = f"-O{os.environ.get('BRIDGEVEC_OPTIMIZE', '3')}"
# Without debug information, which would be half of the wheel's code.
compile_args = [OPTIMIZE, "-g0"] if PORTABLE else [OPTIMIZE, "-march=native"]
builds = {"_dds": compile_args}
if PORTABLE and platform.machine() in ("x86_64", "AMD64"):
    builds["_dds_v3"] = [OPTIMIZE, "-g0", "-march=x86-64-v3"]
# MinGW's own libraries are not on other people's Windows.
link_args = ["-static"] if os.name == "nt" else []

setup(
    ext_modules=cythonize(
        [
            *(
                Extension(
                    f"bridgevec.{name}",
                    [f"bridgevec/{name}.pyx"],
                    depends=[
                        "bridgevec/_dds.pyx",
                        "bridgevec/_dds_leads.h",
                        "bridgevec/_dds_weights.pxi",
                    ],
                    extra_compile_args=arguments,
                    extra_link_args=link_args,
                )
                for name, arguments in builds.items()
            ),
            *(
                Extension(
                    f"bridgevec.{name}",
                    [f"bridgevec/{name.replace('.', '/')}.pyx"],
                    extra_compile_args=compile_args,
                    extra_link_args=link_args,
                )
                for name in (
                    "_deal",
                    "_laws",
                    "bidders._embedding_bag",
                    "bidders._features",
                    "envs._game",
                )
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
