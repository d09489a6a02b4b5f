"""Many strings in one array of bytes: `Texts`."""

from collections.abc import Iterable

import numpy as np


class Texts:
    """Many strings in one array of bytes.

    Args:
        blob: uint8 array `(bytes,)`, UTF-8 with lone surrogates passed through.
        ends: int64 array `(strings,)`, where each string ends in it.
    """

    def __init__(self, blob: np.ndarray, ends: np.ndarray):
        self.blob, self.ends = blob, ends

    @classmethod
    def of(cls, strings: Iterable[str]) -> "Texts":
        encoded = [one.encode("utf-8", "surrogatepass") for one in strings]
        blob = np.frombuffer(b"".join(encoded), "uint8")
        return cls(blob, np.cumsum([len(one) for one in encoded], dtype="int64"))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        start = self.ends[index - 1] if index else 0
        return self.blob[start : self.ends[index]].tobytes().decode("utf-8", "surrogatepass")
