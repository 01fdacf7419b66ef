"""Packages that only a part of the library needs, and the extra that brings each."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["EXTRAS", "require"]

EXTRAS = {
    "endplay": "bridgevec[records]",
    "pyarrow": "bridgevec[records]",
    "matplotlib": "bridgevec[plots]",
    "torch": "bridgevec[train]",
    "sklearn": "bridgevec[train]",
    "gymnasium": "bridgevec[envs]",
    "pettingzoo": "bridgevec[pettingzoo]",
    "joblib": "bridgevec[cluster]",
    "distributed": "bridgevec[dask]",
    "ray": "bridgevec[ray]",
    "stable_baselines3": "stable-baselines3",
    "tensorboard": "tensorboard",
}
"""What brings each package, by the name under which it is imported."""


def require(*packages: str) -> None:
    """Check that packages of an extra are there, before they are imported.

    Parameters
    ----------
    *packages : str
        Names of `EXTRAS`.

    Raises
    ------
    ModuleNotFoundError
        With the command that installs what is missing. pip takes the bridgevec that is installed,
        wherever it came from, and adds what its extra names.

    Examples
    --------
    >>> require()
    """
    for package in packages:
        if find_spec(package) is None:
            message = f'this needs {package}: pip install "{EXTRAS[package]}"'
            raise ModuleNotFoundError(message, name=package)
