"""A search on the embedded shapes, and what its winner is worth, on two idle cores in two hours.

    python benchmarks/search/shapes.py --out runs/search_shapes

One after the other: a search with shared weights at 128 px, of 200 candidates; Table 8 of the paper
at a small scale (`table_8.py`); and whether slices come in the order of networks that are trained
alone (`kendall.py`). What was killed goes on when the command is repeated. The folder's files
`report.md`, `table_8.json` and `kendall.json` are the results.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=1000, help="of the supernet")
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--table-8-steps", type=int, default=400, help="of D0's distribution")
    parser.add_argument("--kendall-steps", type=int, default=300, help="of each network alone")
    parser.add_argument("--networks", type=int, default=20, help="that are trained alone")
    parser.add_argument("--seeds", type=int, default=3, help="of Table 8")
    options = parser.parse_args()
    search, table_8, kendall = (options.out / name for name in ("search", "table_8", "kendall"))
    common = "--preset m0 --data shapes --image-size 128 --reserve 120 --set evaluations=4"
    program = "from keras_effspine.cli.main import main; main()"
    commands = [
        [sys.executable, "-c", program, "search", *common.split(), "--weight-sharing"]
        + f"--steps {options.steps} --candidates {options.candidates} --out {search}".split(),
        [sys.executable, HERE / "table_8.py", "--search", search, "--out", table_8]
        + f"--steps {options.table_8_steps} --seeds {options.seeds}".split(),
        [sys.executable, HERE / "kendall.py", "--search", search, "--out", kendall]
        + f"--steps {options.kendall_steps} --networks {options.networks}".split(),
    ]
    for command, result in zip(
        commands,
        (search / "report.md", table_8 / "table_8.json", kendall / "kendall.json"),
        strict=True,
    ):
        print("$", *map(str, command), flush=True)
        subprocess.run(command, check=True)
        shutil.copyfile(result, options.out / result.name)


if __name__ == "__main__":
    main()
