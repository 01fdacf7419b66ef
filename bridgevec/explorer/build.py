"""Compile the solver to WebAssembly: ``python -m bridgevec.explorer.build``.

There is one source of the search, ``_dds.pyx``. Cython writes C of it; what a search needs is in
functions without the GIL and structures, which know nothing of Python. They are cut out here, get
short names, and are compiled by clang and lld (Debian's packages ``clang`` and ``lld``) with
``libc.h`` before and ``solver.c``, the face for JavaScript, behind them.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PREFIX = re.compile(r"__pyx_[a-z]+_9bridgevec_4_dds_")
ENTRIES = (
    "deal_cards",
    "start_afresh",
    "first_guess",
    "search_tricks",
    "play",
    "gather",
    "all_worths",
    "to_lane",
    "fill_trump_table",
    "fill_parts",
)
"""Functions of `_dds.pyx` that `solver.c` calls."""


def search_source(c: str) -> str:
    """Cut the search out of the C that Cython wrote of ``_dds.pyx``.

    Parameters
    ----------
    c : str

    Returns
    -------
    str
        The block of C in ``_dds.pyx`` but for what asks Python, then structures, variables, and the
        functions that a search reaches.

    Raises
    ------
    ValueError
        If a part is missing, so that this script has to follow a change of Cython or `_dds.pyx`.
    """
    block = _between(c, "    #include <stdint.h>\n", "    static int bv_raised(void)")
    block = re.sub(r"    static int bv_interrupted\(void\) \{.*?\n    \}\n", "", block, flags=re.S)
    # Comments quote the source, with braces that would deceive the pattern of a body.
    plain = PREFIX.sub("", re.sub(r"/\*.*?\*/", "", c, flags=re.S))
    types = re.findall(
        r"^(?:enum  \{.*?^\};|struct (?:Block|Search|Bound|Trick) \{.*?^\};)", plain, re.M | re.S
    )
    variables = re.findall(r"^static \w+ (?:trump_table|part_\w+|W)\[.*?\];", plain, re.M)
    pattern = re.compile(r"^static [^;{}()]*?\b(\w+)\([^;{}]*\) \{\n.*?^\}", re.M | re.S)
    bodies = {match[1]: match[0] for match in pattern.finditer(plain)}
    wanted, left = [], list(ENTRIES)
    while left:
        name = left.pop()
        if name in wanted:
            continue
        if name not in bodies:
            raise ValueError(f"Cython's C has no function {name}")
        if "PyObject" in bodies[name]:
            raise ValueError(f"function {name} of _dds.pyx asks Python")
        wanted.append(name)
        left += [called for called in re.findall(r"\b(\w+)\(", bodies[name]) if called in bodies]
    functions = [bodies[name] for name in bodies if name in wanted]
    heads = [body[: body.index("{")].rstrip() + ";" for body in functions]
    named = re.findall(r"^struct \w+", "\n".join(types), re.M)
    parts = [block, *(f"{name};" for name in named), *types, *variables, *heads, *functions]
    return "\n\n".join(parts).replace("CYTHON_INLINE", "INLINE")


def _between(text: str, first: str, last: str) -> str:
    start = text.find(first)
    end = text.find(last, start)
    if start < 0 or end < 0:
        raise ValueError(f"Cython's C lacks {first.strip()!r} … {last.strip()!r}")
    return text[start:end]


def tables_source() -> str:
    """Write the weights of the move ordering, which are a Python list, as C behind its tables."""
    lists: dict[str, list[int]] = {}
    exec((HERE.parent / "_dds_weights.pxi").read_text(), {"__builtins__": {}}, lists)
    weights = ",".join(map(str, lists["WEIGHTS"]))
    leads = (HERE.parent / "_dds_leads.h").read_text()
    return f"{leads}\nstatic const int WEIGHTS[] = {{{weights}}};"


def build(out: Path, clang: str = "clang") -> None:
    """Write the solver as WebAssembly.

    Parameters
    ----------
    out : Path
    clang : str, default "clang"
        One that has the target wasm32, with wasm-ld of the same version.
    """
    with tempfile.TemporaryDirectory() as folder:
        written, source = Path(folder, "_dds.c"), Path(folder, "solver.c")
        directives = ["boundscheck=False", "wraparound=False", "cdivision=True"]
        options = [part for directive in directives for part in ("-X", directive)]
        pyx = HERE.parent / "_dds.pyx"
        command = ["cython", "-3", *options, str(pyx), "-o", str(written)]
        subprocess.run(command, check=True)
        parts = [
            (HERE / "libc.h").read_text(),
            tables_source(),
            search_source(written.read_text()),
            (HERE / "solver.c").read_text(),
        ]
        source.write_text("\n\n".join(parts))
        flags = [
            "--target=wasm32",
            "-O3",
            "-mbulk-memory",
            "-msimd128",
            "-nostdlib",
            "-ffreestanding",
            "-w",
        ]
        link = ["--no-entry", "--export-dynamic", "--strip-all", "-z,stack-size=262144"]
        options = [*flags, "-fvisibility=hidden", *(f"-Wl,{flag}" for flag in link)]
        subprocess.run([clang, *options, str(source), "-o", str(out)], check=True)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Compile the solver to WebAssembly.")
    parser.add_argument("--out", type=Path, default=HERE / "site" / "solver.wasm")
    parser.add_argument("--clang", default="clang")
    arguments = parser.parse_args()
    build(arguments.out, arguments.clang)
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
