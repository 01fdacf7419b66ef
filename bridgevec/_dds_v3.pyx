# The search once more, for portable builds: setup.py compiles it for x86-64-v3, dds.py chooses.
include "_dds.pyx"
