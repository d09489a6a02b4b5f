"""`effspine search`."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from keras_effspine.cli.console import OUTPUT, say
from keras_effspine.cli.options import BatchSize, Data, Images, Split, check_data_options
from keras_effspine.cli.quiet_start import load_tensorflow
from keras_effspine.errors import SearchError
from keras_effspine.tasks.registry import TASKS
from keras_effspine.training.recipes import recipe_names

if TYPE_CHECKING:
    from keras_effspine.searching.driver import State


def search(
    out: Annotated[
        str,
        typer.Option(help="Folder of the search: new, empty, or with this search to go on with."),
    ],
    preset: Annotated[
        str | None, typer.Option(help="The network, an architecture without weights.")
    ] = None,
    task: Annotated[str | None, typer.Option(help=f"What to learn: {', '.join(TASKS)}.")] = None,
    recipe: Annotated[
        str, typer.Option(help=f"Recipe that candidates train by: {', '.join(recipe_names())}.")
    ] = "from_scratch",
    data: Data = None,
    images: Images = None,
    split: Split = None,
    steps: Annotated[int | None, typer.Option(help="Training steps of a candidate.", min=1)] = None,
    epochs: Annotated[int | None, typer.Option(help="Its passes over the pictures.", min=1)] = None,
    batch_size: BatchSize = None,
    image_size: Annotated[
        int | None, typer.Option(help="Height and width of the input in pixels.", min=32)
    ] = None,
    reserve: Annotated[
        int | None,
        typer.Option(
            help="Training pictures to score candidates on; a sixteenth, 32 at least, by default.",
            min=1,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all randomness.", min=0)] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other value of the recipe."),
    ] = None,
    algorithm: Annotated[
        str,
        typer.Option(
            help="reinforce, the paper's; lstm, with a recurrent controller; evolution; random; "
            "tpe or cmaes, optuna's."
        ),
    ] = "reinforce",
    candidates: Annotated[int, typer.Option(help="How many are tried.", min=1)] = 100,
    betas: Annotated[
        str, typer.Option(help="The set that the betas are chosen from, in rising order.")
    ] = "1,5,10,15,20",
    multiply_adds: Annotated[
        float | None,
        typer.Option(
            help="Hard limit of the model's multiply-adds on one picture, such as 160e6; a tenth "
            "more than the preset's by default."
        ),
    ] = None,
    latency_ms: Annotated[
        float | None,
        typer.Option(
            help="In its place, hard limit of the model's milliseconds for one picture on this "
            "device, told by a table of its blocks' times."
        ),
    ] = None,
    weight_sharing: Annotated[
        bool,
        typer.Option(
            "--weight-sharing",
            help="The cheap way: train one network that holds all candidates, for --steps or "
            "--epochs, and measure its slices without training them.",
        ),
    ] = False,
    stop_below: Annotated[
        float,
        typer.Option(
            help="A candidate ends early that at a measurement is worse than all but this share of "
            "the earlier ones; 0 for none.",
            min=0,
            max=0.99,
        ),
    ] = 0.25,
    workers: Annotated[
        int, typer.Option(help="Candidates at a time; more than one needs Ray.", min=1)
    ] = 1,
    address: Annotated[
        str | None,
        typer.Option(help="Cluster of Ray, as host:port; by default one on this machine."),
    ] = None,
    cpus: Annotated[float, typer.Option(help="Cores a candidate, with Ray.", min=0)] = 1,
    gpus: Annotated[float, typer.Option(help="GPUs a candidate, with Ray.", min=0)] = 0,
    resources: Annotated[
        list[str] | None,
        typer.Option(
            "--resource", metavar="NAME=AMOUNT", help="Of Ray's other resources, such as TPU=4."
        ),
    ] = None,
    rehearse: Annotated[
        bool,
        typer.Option(
            "--rehearse",
            help="Only find out whether candidates can be told apart: a spread of them, each with "
            "several seeds.",
        ),
    ] = False,
    references: Annotated[int, typer.Option(help="Candidates of the rehearsal.", min=3)] = 6,
    repeats: Annotated[int, typer.Option(help="Its seeds.", min=2)] = 3,
) -> None:
    """Learn where the computation of a network should go, on data of your own.

    Each candidate has a beta of its own for each block, at the computation of the preset. It is
    trained for a short while, or with --weight-sharing cut out of one network that holds them all,
    and scored on reserved training pictures. A search that was stopped or
    killed goes on when its command is repeated; with more --candidates so does one that had ended.

    The folder holds a report with pictures (report.md), all candidates by their scores
    (ranking.csv), and the winner as a preset (best), for `effspine train --preset`; with
    --weight-sharing it is trained already.
    """
    load_tensorflow()

    from keras_effspine.searching.plan import plan_search
    from keras_effspine.searching.ray_pool import Resources
    from keras_effspine.searching.search import rehearse_plan, run_plan
    from keras_effspine.training.recipe_changes import override, parse_setting
    from keras_effspine.training.recipes import find_recipe

    options = {
        "preset": preset,
        "task": task,
        "data.data": data,
        "data.images": images,
        "data.split": split,
        "data.reserve": reserve,
        "steps": steps,
        "epochs": epochs,
        "batch_size": batch_size,
        "image_size": image_size,
        "seed": seed,
    }
    check_data_options(data, images, split)
    changes = {name: value for name, value in options.items() if value is not None}
    changes |= dict(parse_setting(setting) for setting in settings or ())
    unmeasured = {"data.val_data": None, "data.val_images": None, "data.val_split": None}
    plan = plan_search(
        override(find_recipe(recipe), {**unmeasured, **changes}),
        _numbers(betas),
        multiply_adds,
        report=say,
        latency_ms=latency_ms,
        weight_sharing=weight_sharing,
    )
    with _shown(plan) as observe:
        shared: dict[str, Any] = {
            "algorithm": algorithm,
            "stop_below": stop_below,
            "workers": workers,
            "address": address,
            "resources": Resources(cpus, gpus, dict(map(_amount, resources or ()))),
            "report": say,
            "observe": observe,
        }
        if rehearse:
            rehearsal = rehearse_plan(plan, out, references=references, repeats=repeats, **shared)
        else:
            found = run_plan(plan, out, candidates=candidates, **shared)
    if rehearse:
        _print_rehearsal(rehearsal)
        return
    OUTPUT.print(_ranking(found.ranking[:10], found.winner))
    use = "the winner, trained, is" if weight_sharing else "train the winner with --preset"
    say(f"Report and ranking are in {out}; {use} {found.preset}.")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise SearchError(f"--betas {text}: write numbers, such as 1,5,10,15,20.") from None
    return tuple(int(number) if number.is_integer() else number for number in found)


def _amount(text: str) -> tuple[str, float]:
    name, _, amount = text.partition("=")
    try:
        return name, float(amount)
    except ValueError:
        raise SearchError(f"--resource {text}: write NAME=AMOUNT, such as TPU=4.") from None


@contextlib.contextmanager
def _shown(plan: Any) -> Iterator[Callable[["State"], None]]:
    """Shows a search as it goes on: a table that is kept up to date, or in a log a line a sample.

    Yields:
        Function that is given the `State`.
    """
    from rich.live import Live

    began, told = time.monotonic(), 0
    if not OUTPUT.is_terminal:

        def say_lines(state):
            nonlocal told
            for sample in state.samples[told : state.told]:
                say(f"{sample.number + 1} of {state.count}: {_in_words(state.results[sample.key])}")
            told = max(told, state.told)

        yield say_lines
        return
    with Live(console=OUTPUT, refresh_per_second=2, transient=True) as live:
        yield lambda state: live.update(_table(state, time.monotonic() - began))


def _in_words(result: Any) -> str:
    betas = " ".join(f"{beta:g}" for beta in result.betas)
    if result.score is None:
        return f"failed, {result.failure}; betas {betas}"
    early = "" if result.is_whole else ", stopped early"
    return f"score {result.score:.4f}{early}, {result.seconds:.0f} s; betas {betas}"


def _table(state: "State", seconds: float) -> Group:
    """The best candidates so far, and how far the search is."""
    from keras_effspine.training.progress import in_words

    scored = [(one.score, one) for one in state.results.values() if one.score is not None]
    said = f"{len(state.results)} evaluated, {len(state.running)} open"
    if state.count:
        said += f"; {state.told} of {state.count} samples"
    if state.evaluated:
        left = max(0, state.count - state.told) * seconds / state.evaluated
        said += (
            f"; {3600 * state.evaluated / max(seconds, 1e-9):.0f} candidates an hour, "
            f"about {in_words(left)} left"
        )
    table = Table("score", "seconds", "betas", title="The best so far")
    for score, one in sorted(scored, key=lambda pair: pair[0], reverse=True)[:8]:
        betas = " ".join(f"{beta:g}" for beta in one.betas)
        table.add_row(f"{score:.4f}", f"{one.seconds:.0f}", betas)
    return Group(table, Text(said))


def _ranking(ranking: list[Any], winner: Any) -> Table:
    table = Table("", "score", "multiply-adds, M", "parameters", "betas")
    rows = [(str(place), one) for place, one in enumerate(ranking, start=1)]
    for place, one in [*rows, ("winner", winner)]:
        if place == "winner":
            table.add_section()
        score = "failed" if one.result.score is None else f"{one.result.score:.4f}"
        betas = " ".join(f"{beta:g}" for beta in one.result.betas)
        table.add_row(place, score, f"{one.multiply_adds / 1e6:,.2f}", f"{one.parameters:,}", betas)
    return table


def _print_rehearsal(rehearsal: Any) -> None:
    table = Table("candidate", "scores", "coefficient of variation")
    for name, scores, variation in zip(
        rehearsal.names, rehearsal.scores, rehearsal.variation, strict=True
    ):
        table.add_row(name, " ".join(f"{score:.4f}" for score in scores), f"{variation:.1%}")
    OUTPUT.print(table)
    say(
        f"Between candidates {rehearsal.spread:.4f}, between seeds {rehearsal.noise:.4f}; rank "
        f"correlation between repeats {rehearsal.correlation:.2f}."
    )
    for warning in rehearsal.warnings:
        say(f"Warning: {warning}.")
    if rehearsal.warnings:
        say(
            "This proxy cannot tell such candidates apart: train longer (--steps), reserve more "
            "pictures (--reserve), or take a larger --image-size."
        )
    else:
        say("This proxy tells candidates apart.")
