"""Any text: what properties of readers are tried on.

`hypothesis.strategies.text` draws from the same characters, but makes a table of all of Unicode
first, which takes longer than the tests of which it is part.
"""

from hypothesis import strategies as st

_CHARACTERS = st.one_of(
    st.integers(0x20, 0x7E), st.integers(0, 0xD7FF), st.integers(0xE000, 0x10FFFF)
).map(chr)


def any_text(max_size):
    """Strings of at most so many characters; no halves of pairs, which no encoding can write."""
    return st.text(_CHARACTERS, max_size=max_size)
