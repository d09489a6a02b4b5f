"""The algorithms by name."""

from keras_effspine.errors import SearchError
from keras_effspine.searching.samplers.evolution import Evolution
from keras_effspine.searching.samplers.random_search import RandomSearch
from keras_effspine.searching.samplers.reinforce import Reinforce
from keras_effspine.searching.samplers.sampler import Sampler

ALGORITHMS = {
    "reinforce": "the paper's: policy gradient over independent choices",
    "lstm": "policy gradient with a recurrent controller",
    "evolution": "regularised evolution",
    "random": "random search",
    "tpe": "optuna's tree-structured Parzen estimator",
    "cmaes": "optuna's CMA-ES",
}
"""Name and what it is, of each algorithm."""


def make_sampler(name: str, blocks: int, choices: int, seed: int) -> Sampler:
    """The `Sampler` of a name.

    Args:
        name: one of `ALGORITHMS`.
        blocks, choices, seed: as in `Sampler`.

    Raises:
        SearchError: if there is none of that name, or what it needs is not installed.
    """
    own = {"reinforce": Reinforce, "evolution": Evolution, "random": RandomSearch}
    if name in own:
        return own[name](blocks, choices, seed)
    if name == "lstm":
        from keras_effspine.searching.samplers.lstm_controller import LstmController

        return LstmController(blocks, choices, seed)
    if name not in ALGORITHMS:
        raise SearchError(f"Unknown algorithm '{name}'. There are: {', '.join(ALGORITHMS)}.")
    try:
        import optuna

        from keras_effspine.searching.samplers.optuna_sampler import OptunaSampler

        kind = {"tpe": optuna.samplers.TPESampler, "cmaes": optuna.samplers.CmaEsSampler}[name]
        return OptunaSampler(blocks, choices, seed, kind)
    except ImportError as error:
        raise SearchError(
            f"Algorithm '{name}' is optuna's, which is not installed: pip install "
            "'keras-effspine[search]'."
        ) from error
