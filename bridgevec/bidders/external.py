"""Bidders in other programs: lines of JSON to a process and back.

For every call the process gets one line on its standard input,

    {"hand": "AQ54.K7.AJ43.Q65", "auction": "P 1C", "dealer": "N", "vulnerable": "NS"}

with the hand of the player whose turn it is and the calls so far, starting with the dealer's. It
must write one line to its standard output, and flush it:

    {"call": "1N"}

or ``{"error": "why there is no call"}``. Calls are P, X, XX and 1C … 7N; other keys are ignored.
The process ends when its input does. `ExternalBidder` asks such a process. `serve` is one, so other
programs can use the bidders of this package.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shlex
import subprocess
import time
from collections.abc import Iterable, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.auction import explain_illegal, parse_call, question_at
from bridgevec.bidders.bidder import Bidder, certain

_KEYS = ("hand", "auction", "dealer", "vulnerable")

# Bytes of an answer; a call and what it means takes some hundred.
_LONGEST = 1 << 20


class ExternalBidder(Bidder):
    """A bidder in a separate process that reads and writes lines of JSON, as this module describes.

    The process is started with the first call, and ended by `close`, by leaving a ``with`` block or
    with the program. What it writes to standard error is seen there.

    Parameters
    ----------
    command : str or sequence of str
        What to run, such as ``"python -m bridgevec bid --serve --bidder rules"``. A text is split
        as a shell does it; no shell is run.
    time_limit : float, default 60
        Seconds for a call.

    Raises
    ------
    ValueError
        By the calls, if an answer is no JSON, no call, or the call is not legal; the message names
        the command and the line.
    TimeoutError
        By the calls, if an answer takes longer than `time_limit`.
    OSError
        By the calls, if the command cannot be run or its process has ended.
    """

    boards_at_a_time = 1

    def __init__(self, command: str | Sequence[str], time_limit: float = 60.0) -> None:
        self.command = shlex.split(command) if isinstance(command, str) else list(command)
        if not self.command:
            raise ValueError("the command of the bidder is empty")
        self.time_limit = time_limit
        self._process: subprocess.Popen[bytes] | None = None
        self._read = b""

    def __enter__(self) -> ExternalBidder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if there is one; the next call starts another."""
        process = getattr(self, "_process", None)  # not there if the command was empty
        if process is None:
            return
        self._process, self._read = None, b""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Give the call of the process probability 1."""
        return certain(self.calls(hands, auctions, vulnerable))

    def calls(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Ask for the calls, one after the other."""
        calls = np.empty(len(hands), dtype=np.int64)
        for i, hand in enumerate(hands.tolist()):
            question = question_at(auctions, i, hand, vulnerable[i])
            calls[i] = self._ask(dict(zip(_KEYS, question, strict=True)), auctions, i)
        return calls

    def _ask(self, question: dict[str, str], auctions: Auctions, table: int) -> int:
        line = self._answer(json.dumps(question))
        try:
            answer = json.loads(line)
            if not isinstance(answer, dict) or not {"call", "error"} & set(answer):
                raise ValueError('expected an object such as {"call": "1N"}')
            if "error" in answer:
                raise ValueError(str(answer["error"]))
            call = parse_call(answer["call"])
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{self._name}: the answer {line[:200]!r}: {error}") from None
        if not auctions.legal_masks()[table, call]:
            reason = explain_illegal(auctions, table, call)
            raise ValueError(f"{self._name}: the answer {line!r}: {reason}")
        return call

    @property
    def _name(self) -> str:
        return f"bidder '{shlex.join(self.command)}'"

    def _answer(self, question: str) -> str:
        """Write a line, and read one in time."""
        if self._process is None:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        process, end = self._process, time.monotonic() + self.time_limit
        assert process.stdin is not None  # they are pipes
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # reading tells that it has ended
            process.stdin.write(question.encode() + b"\n")
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._read:
                if len(self._read) > _LONGEST:
                    process.kill()
                    self.close()
                    raise ValueError(f"{self._name}: an answer is longer than {_LONGEST} bytes")
                left = end - time.monotonic()
                # Whoever never stops talking is ready to be read at any time.
                if left <= 0 or not selector.select(left):
                    process.kill()
                    self.close()
                    raise TimeoutError(
                        f"{self._name}: no answer to {question} within {self.time_limit:g} seconds"
                    )
                part = os.read(process.stdout.fileno(), 1 << 16)
                if not part:
                    self.close()
                    raise ChildProcessError(
                        f"{self._name} ended with code {process.returncode}, asked {question}"
                    )
                self._read += part
        line, _, self._read = self._read.partition(b"\n")
        return line.decode(errors="replace").strip()


def serve(bidder: Bidder, questions: Iterable[str], answers: IO[str]) -> None:
    """Answer lines of JSON with lines of JSON, as this module describes, until they end.

    Parameters
    ----------
    bidder : Bidder
    questions : iterable of str
        The lines, such as an open file; blank ones are passed over.
    answers : text file
        Flushed after every line.

    Examples
    --------
    >>> import sys
    >>> from bridgevec.bidders import load_bidder
    >>> questions = ['{"hand": "AQ54.K7.AJ43.Q65"}', '{"hand": "AQ54"}']
    >>> serve(load_bidder("rules"), questions, sys.stdout)
    {"call": "1N"}
    {"error": "hand 'AQ54' has 1 suit, expected 4 (spades.hearts.diamonds.clubs)"}
    """
    for line in questions:
        if not line.strip():
            continue
        try:
            answer: dict[str, Any] = {"call": bidder.call(**_read_question(line))}
        except ValueError as error:
            answer = {"error": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _read_question(line: str) -> dict[str, str]:
    """Read what `Bidder.call` takes; all but the hand may be left out."""
    try:
        question = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{line.strip()[:200]!r} is not JSON: {error}") from None
    if not isinstance(question, dict) or "hand" not in question:
        raise ValueError(f"{line.strip()!r} is no object with a hand")
    asked = {key: question[key] for key in _KEYS if key in question}
    for key, value in asked.items():
        if not isinstance(value, str):
            raise ValueError(f"{key} is {value!r}, expected text")
    return asked
