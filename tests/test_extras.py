"""What the library says where a package of an extra is missing."""

import subprocess
import sys

import pytest

from bridgevec.extras import EXTRAS, require

# What needs each package, from Python.
USES = {
    "endplay": "bridgevec.Deal(DEAL).to_endplay()",
    "pyarrow": "bridgevec.write_boards('x.parquet', [bridgevec.Board(DEAL)])",
    "matplotlib": "import bridgevec.plots",
    "torch": "import bridgevec.train.hand2vec",
    "sklearn": "import bridgevec.train.opening",
    "gymnasium": "import bridgevec.envs",
    "pettingzoo": "import bridgevec.envs.aec",
    "joblib": "bridgevec.cluster.Loky().__enter__()",
    "distributed": "bridgevec.cluster.Dask().__enter__()",
    "ray": "bridgevec.cluster.Ray().__enter__()",
    "stable_baselines3": "import bridgevec.envs.sb3",
    "tensorboard": "bridgevec.train.checkpoint.tensorboard_writer('x', None)",
}
SCRIPT = """
import sys
import torch
import bridgevec, bridgevec.cluster
DEAL = 'N:93.KJ5.Q54.AT975 AQ5.T4.KJT72.KJ8 K87642.AQ763.6.4 JT.982.A983.Q632'
for package, use in {uses!r}.items():
    if package == 'tensorboard':
        import bridgevec.train.checkpoint
    kept = dict(sys.modules)
    sys.modules[package] = None
    try:
        exec(use)
    except ModuleNotFoundError as error:
        print(package, error)
    sys.modules.clear()
    sys.modules.update(kept)
"""


@pytest.mark.slow
def test_every_missing_extra_is_named_with_what_to_install():
    assert set(USES) == set(EXTRAS)
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(uses=USES)], capture_output=True, text=True
    )
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        f'{name} this needs {name}: pip install "{EXTRAS[name]}"' for name in USES
    ]


def test_what_is_there_is_not_complained_about():
    require("pyarrow", "torch")
    with pytest.raises(KeyError):
        require("no_such_package_at_all")
