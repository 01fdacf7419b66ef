"""The commands train ...: an option for every field of a training's dataclass of arguments."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import typer
from typer.core import TyperGroup

from bridgevec.cli.common import examples


class Training(NamedTuple):
    """A training: where it is, and what its help says.

    Attributes
    ----------
    module, config : str
        The dataclass of its options.
    run : str
        Its recipe for `bridgevec.train.loop.fit`, or a function of the options.
    help : str
    examples : tuple of str
    """

    module: str
    config: str
    run: str
    help: str
    examples: tuple[str, ...]


TRAININGS = {
    "bidder": Training(
        "bridgevec.train.selfplay",
        "SelfPlayConfig",
        "SelfPlayRecipe",
        "Train a bidder by self-play, from weights or from none.",
        (
            "bridgevec train bidder --deals train.parquet --out mine.safetensors",
            "bridgevec train bidder --start uncontested --anchor imitation"
            " --estimated 200000 --out mine.safetensors",
            "bridgevec train bidder --opponents pass --start none --out pair.safetensors",
            "bridgevec train bidder --start mine.safetensors --num-iterations 1000 --resume",
        ),
    ),
    "bidder-advantages": Training(
        "bridgevec.train.advantages",
        "AdvantagesConfig",
        "AdvantagesRecipe",
        "Learn what calls win over a bidder's own.",
        (
            "bridgevec train bidder-advantages --comparisons compared --start mine.safetensors"
            " --out advantages.safetensors",
        ),
    ),
    "bidder-distillation": Training(
        "bridgevec.train.distillation",
        "DistillationConfig",
        "DistillationRecipe",
        "Train a bidder to bid like another one.",
        (
            "bridgevec train bidder-distillation --hand embedding --out mine.safetensors",
            "bridgevec train bidder-distillation --teacher mine.safetensors --width 128"
            " --out small.safetensors",
            "bridgevec train bidder-distillation --teacher mine.safetensors"
            " --start mine.safetensors --advantages advantages.safetensors --out more.safetensors",
        ),
    ),
    "bidder-imitation": Training(
        "bridgevec.train.imitation",
        "ImitationConfig",
        "ImitationRecipe",
        "Train a bidder to call as in recorded auctions.",
        (
            "bridgevec train bidder-imitation --auctions many.parquet --out mine.safetensors",
            "bridgevec train bidder-imitation --auctions my_records --start imitation"
            " --epochs 3 --batch-size 512 --learning-rate 0.001 --muon-rate 0.004",
        ),
    ),
    "comparisons": Training(
        "bridgevec.train.comparisons",
        "ComparisonsConfig",
        "compare_calls",
        "Compare a bidder's calls with others.",
        (
            "bridgevec train comparisons --bidder mine.safetensors --deals train.parquet"
            " --out compared",
        ),
    ),
    "deal2tricks": Training(
        "bridgevec.train.deal2tricks",
        "Deal2TricksConfig",
        "Deal2TricksRecipe",
        "Train the four-hand teacher of hand2vec on deals.",
        (
            "bridgevec train deal2tricks --deals 'data/deals_train_*.parquet'"
            " --validation-deals data/deals_test.parquet --out deal2tricks.safetensors",
            "bridgevec train hand2vec --layout-teachers deal2tricks.safetensors",
        ),
    ),
    "guesses": Training(
        "bridgevec.train.guesses",
        "GuessesConfig",
        "fit_guesses",
        "Fit a bidder's guesses of hands to new vectors.",
        ("bridgevec train guesses --start default --out mine.safetensors",),
    ),
    "hand2vec": Training(
        "bridgevec.train.hand2vec",
        "Hand2VecConfig",
        "Hand2VecRecipe",
        "Train the hand embedding on deals and hand pairs.",
        (
            "bridgevec train hand2vec --deals train.parquet --out mine.safetensors",
            "bridgevec train hand2vec --deals 'data/deals_*.parquet' --epochs 20 --resume",
        ),
    ),
    "opening": Training(
        "bridgevec.train.opening",
        "OpeningConfig",
        "OpeningRecipe",
        "Train the opening bids on recorded auctions.",
        (
            "bridgevec train opening --auctions my_records --out mine.safetensors",
            "bridgevec train opening --auctions a.pbn --auctions b.lin --epochs 20",
            "bridgevec train opening --auctions many.parquet --start none --features all"
            " --dropout 0 --epochs 12 --batch-size 1024",
        ),
    ),
    "policy-iteration": Training(
        "bridgevec.train.policy_iteration",
        "PolicyIterationConfig",
        "iterate_policy",
        "Make a bidder stronger, all on one device.",
        (
            "bridgevec train policy-iteration --start mine.safetensors"
            " --deals train.parquet --out rounds",
        ),
    ),
    "vectors": Training(
        "bridgevec.train.vectors",
        "VectorsConfig",
        "VectorsRecipe",
        "Learn the numbers of the hand embedding.",
        (
            "bridgevec train vectors --out vectors.safetensors",
            "bridgevec train vectors --dims 16 --out wide.safetensors --resume",
            "bridgevec train hand2vec --teachers vectors.safetensors --keep-encoder",
        ),
    ),
}


class _TrainGroup(TyperGroup):
    """Makes a command when it is asked for: its options come from a module that uses torch."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(TRAININGS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _training_command(cmd_name) if cmd_name in TRAININGS else None


@functools.cache
def _training_command(name: str) -> Any:
    training = TRAININGS[name]
    module = importlib.import_module(training.module)
    fit = importlib.import_module("bridgevec.train.loop").fit
    run = getattr(module, training.run)
    return _config_command(
        getattr(module, training.config),
        functools.partial(fit, run) if inspect.isclass(run) else run,
        name=name,
        help=training.help,
        epilog=examples(*training.examples),
    )


app = typer.Typer(
    cls=_TrainGroup,
    help="Train a model on labelled deals or recorded auctions.",
    epilog=examples("bridgevec train hand2vec --deals train.parquet --out mine.safetensors"),
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _config_command(config: type, run: Callable[[Any], Path], **settings: Any) -> Any:
    """Make a command that has an option for every field of a dataclass.

    The help of an option stands beside its type, as in ``epochs: Annotated[int, "Passes over the
    data."] = 10``, in the class that has it first: all trainings share
    `bridgevec.train.loop.Options`.
    """

    def command(**values: Any) -> None:
        given = config(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
        typer.echo(run(given))

    command.__doc__ = settings.pop("help")
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_parameter(config, field) for field in dataclasses.fields(config)]
    )
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(**settings)(command)
    return typer.main.get_command(single)


def _parameter(config: type, field: dataclasses.Field[Any]) -> inspect.Parameter:
    # A class derived from another may give a field a new default, ``out: str = "bidder..."``.
    hints = (inspect.get_annotations(base, eval_str=True) for base in config.__mro__)
    found = (hint[field.name] for hint in hints if field.name in hint)
    kind, about = next(get_args(hint) for hint in found if get_origin(hint) is Annotated)
    if get_origin(kind) is tuple:
        kind = GenericAlias(list, get_args(kind)[:1])
    default = field.default
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=list(default) if isinstance(default, tuple) else default,
        annotation=Annotated[kind, typer.Option(help=about)],
    )
