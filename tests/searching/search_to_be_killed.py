"""Runs a planted search, and says when it begins.

The arguments are a folder, the number of candidates, that of the workers (one is this process),
and the address of a cluster of Ray, or nothing.
"""

import contextlib
import pathlib
import sys

from planted_search import SPACE, Generous, Planted

from keras_effspine.searching.driver import Driver
from keras_effspine.searching.pool import ThisProcess
from keras_effspine.searching.ray_pool import RayPool
from keras_effspine.searching.samplers.registry import make_sampler
from keras_effspine.searching.search_folder import SearchFolder

WINDOW = 6


def drive(folder, pool, count):
    """Runs the search with some workers; its driver at the end."""
    sampler = make_sampler("evolution", SPACE.blocks, len(SPACE.choices), 0)
    driver = Driver(SPACE, sampler, Generous(), folder, pool, 0, 0.25)
    driver.run(count, WINDOW)
    return driver


@contextlib.contextmanager
def claimed(path):
    """The folder of the search, and its evaluator, whose diary lies beside it."""
    path = pathlib.Path(path)
    with SearchFolder.claim(path, {"planted": 1}) as folder:
        yield folder, Planted(path.with_suffix(".diary"), seconds=0.1, steps=3)


if __name__ == "__main__":
    with claimed(sys.argv[1]) as (folder, evaluator):
        count, workers, address = int(sys.argv[2]), int(sys.argv[3]), (*sys.argv[4:], None)[0]
        if workers == 1:
            pool = ThisProcess(evaluator, folder.path)
        else:
            pool = RayPool(evaluator, folder.path, workers, address)
        with pool:
            print("begins", flush=True)
            drive(folder, pool, count)
    print("ends", flush=True)
