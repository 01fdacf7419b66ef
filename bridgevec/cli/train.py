"""The commands train ...: an option for every field of a training's dataclass of arguments."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import typer

from bridgevec.cli.common import examples
from bridgevec.files import locked


class Training(NamedTuple):
    """A training: where it is, and what its help says."""

    module: str
    config: str
    run: str
    help: str
    examples: tuple[str, ...]


TRAININGS = {
    "bidder": Training(
        "bridgevec.bidders.selfplay",
        "SelfPlayConfig",
        "train",
        "Train a bidder by self-play, from weights or from none.",
        (
            "bridgevec train bidder --deals train.parquet --out mine.safetensors",
            "bridgevec train bidder --start uncontested --anchor imitation"
            " --estimated 200000 --out mine.safetensors",
            "bridgevec train bidder --opponents pass --start none --out pair.safetensors",
            "bridgevec train bidder --start mine.safetensors --updates 1000 --resume",
        ),
    ),
    "bidder-imitation": Training(
        "bridgevec.bidders.imitation",
        "ImitationConfig",
        "train_imitation",
        "Train a bidder to call as in recorded auctions.",
        (
            "bridgevec train bidder-imitation --auctions many.parquet --out mine.safetensors",
            "bridgevec train bidder-imitation --auctions my_records --start imitation"
            " --epochs 3 --batch-size 512 --learning-rate 0.001 --muon-rate 0.004",
        ),
    ),
    "deal2tricks": Training(
        "bridgevec.models.deal2tricks",
        "Deal2TricksConfig",
        "train_deal2tricks",
        "Train the four-hand teacher of hand2vec on deals.",
        (
            "bridgevec train deal2tricks --deals 'data/deals_train_*.parquet'"
            " --validation-deals data/deals_test.parquet --out deal2tricks.safetensors",
            "bridgevec train hand2vec --layout-teachers deal2tricks.safetensors",
        ),
    ),
    "guesses": Training(
        "bridgevec.bidders.guesses",
        "GuessesConfig",
        "fit_guesses",
        "Fit a bidder's guesses of hands to new vectors.",
        ("bridgevec train guesses --start default --out mine.safetensors",),
    ),
    "hand2vec": Training(
        "bridgevec.models.training",
        "Hand2VecConfig",
        "train",
        "Train the hand embedding on deals and hand pairs.",
        (
            "bridgevec train hand2vec --deals train.parquet --out mine.safetensors",
            "bridgevec train hand2vec --deals 'data/deals_*.parquet' --epochs 20 --resume",
        ),
    ),
    "opening": Training(
        "bridgevec.models.opening",
        "OpeningConfig",
        "train_opening",
        "Train the opening bids on recorded auctions.",
        (
            "bridgevec train opening my_records --out mine.safetensors",
            "bridgevec train opening a.pbn b.lin --epochs 20 --out mine.safetensors",
            "bridgevec train opening many.parquet --start none --features all --dropout 0"
            " --epochs 12 --batch-size 1024",
        ),
    ),
    "vectors": Training(
        "bridgevec.models.vectors",
        "VectorsConfig",
        "train_vectors",
        "Learn the numbers of the hand embedding.",
        (
            "bridgevec train vectors --out vectors.safetensors",
            "bridgevec train vectors --dims 16 --out wide.safetensors --resume",
            "bridgevec train hand2vec --teachers vectors.safetensors --keep-encoder",
        ),
    ),
}


class _TrainGroup(typer.core.TyperGroup):
    """Makes a command when it is asked for: its options come from a module that uses torch."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(TRAININGS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        training = TRAININGS.get(cmd_name)
        if training is None:
            return None
        module = importlib.import_module(training.module)
        return _config_command(
            getattr(module, training.config),
            getattr(module, training.run),
            name=cmd_name,
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
    """Make a command that has an option, or an argument, for every field of a dataclass.

    The help of an option is the text beside its type, as in ``epochs: Annotated[int, "Passes over
    the data."] = 10``; else what the docstring's section Attributes says of the field.
    """
    kinds = get_type_hints(config, include_extras=True)
    about = dict[str, str]()
    entry = re.compile(r"^([\w, ]+) : .*\n((?: .*(?:\n|$)|\n(?= ))+)", re.MULTILINE)
    for names, text in entry.findall(inspect.getdoc(config) or ""):
        for name in names.split(", "):
            about[name] = " ".join(text.replace("`", "").split())

    def command(**values: Any) -> None:
        given = config(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
        out = Path(given.out)
        out.parent.mkdir(parents=True, exist_ok=True)
        # Of several processes of torchrun the first one writes.
        first = os.environ.get("RANK", "0") == "0"
        with locked(out) if first else contextlib.nullcontext():
            typer.echo(run(given))

    command.__doc__ = settings.pop("help")
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            _parameter(field, kinds[field.name], about.get(field.name))
            for field in dataclasses.fields(config)
        ]
    )
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(**settings)(command)
    return typer.main.get_command(single)


def _parameter(field: dataclasses.Field[Any], kind: Any, about: str | None) -> inspect.Parameter:
    if get_origin(kind) is Annotated:
        kind, about = get_args(kind)
    if get_origin(kind) is tuple:
        kind = GenericAlias(list, get_args(kind)[:1])
    empty = inspect.Parameter.empty
    default = empty if field.default is dataclasses.MISSING else field.default
    info = typer.Argument if default is empty else typer.Option
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=list(default) if isinstance(default, tuple) else default,
        annotation=Annotated[kind, info(help=about)],
    )
