"""Makes the notebooks of their scripts, executed from the first cell to the last.

    python examples/notebooks/make.py [1_your_own_pictures.py ...]

Each runs in an empty folder. Pictures in the outputs are kept small. Needs the extra `notebooks`.
"""

import base64
import io
import pathlib
import sys
import tempfile

import jupytext
import nbclient
from PIL import Image

HERE = pathlib.Path(__file__).parent
WIDEST = 700
"""Pixels of a picture in an output."""


def shrunk(png: str) -> str:
    """A picture in base64, as a JPEG that is no wider than `WIDEST`."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    image.thumbnail((WIDEST, 10 * WIDEST), Image.Resampling.LANCZOS)
    small = io.BytesIO()
    image.save(small, "JPEG", quality=80)
    return base64.b64encode(small.getvalue()).decode()


def here_and_home(text: str, folder: str) -> str:
    """A text with paths from where the notebook runs, and from a home that is anybody's."""
    return text.replace(f"{folder}/", "").replace(str(pathlib.Path.home()), "~")


def tidy(notebook, folder: str) -> None:
    """Leaves of the outputs what a reader wants, and nothing that differs from run to run."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        outputs = []
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                continue
            data = output.get("data", {})
            if "image/png" in data:
                data["image/jpeg"] = shrunk(data.pop("image/png"))
            for name in {"text/plain", "text/html"} & set(data):
                data[name] = here_and_home(data[name], folder)
            if "text" in output:
                output["text"] = here_and_home(output["text"], folder)
            outputs.append(output)
        if "outputs" in cell:
            cell.outputs = outputs


def make(script: pathlib.Path) -> None:
    notebook = jupytext.read(script)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
    }
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook, timeout=3600, resources={"metadata": {"path": folder}}
        )
        client.execute()
    tidy(notebook, folder)
    jupytext.write(notebook, script.with_suffix(".ipynb"))
    print(f"{script.with_suffix('.ipynb')}", flush=True)


if __name__ == "__main__":
    named = [pathlib.Path(name) for name in sys.argv[1:]]
    for script in named or sorted(HERE.glob("[0-9]_*.py")):
        make(script)
