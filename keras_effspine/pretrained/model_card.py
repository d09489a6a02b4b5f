"""The model card of a preset: what it is, and what can be said of its weights."""

from typing import Any


def model_card(name: str, class_name: str, metadata: dict[str, Any]) -> str:
    """A README in Markdown, with the front matter that model hubs read.

    Args:
        name: name of the preset's folder.
        class_name: the class that it makes.
        metadata: content of its `metadata.json`.

    Returns:
        The text.
    """
    trained = metadata["trained"] or {}
    licence = trained.get("licence")
    lines = ["---", "library_name: keras"]
    if licence is not None:
        lines += ["license: other", f"license_name: {_quoted(licence)}"]
    lines += ["tags: [keras-effspine]", "---", "", f"# {metadata['title']}", ""]
    about = [
        ("class", f"`keras_effspine.{class_name}`"),
        ("architecture", metadata["source"]),
        ("parameters", f"{metadata['parameters']:,}"),
        ("input", metadata["input_size"] and f"{metadata['input_size']} px"),
        ("task", trained.get("task")),
        ("classes", ", ".join(trained.get("class_names", ()))),
        ("trained on", trained.get("data", "not said")),
        ("measured on", trained.get("measured_on")),
        *((key, f"{value:.3f}") for key, value in trained.get("measured", {}).items()),
        ("steps", trained.get("steps")),
        ("command", trained.get("command") and f"`{trained['command']}`"),
        ("date", trained.get("date")),
        ("licence", licence or "not said"),
        ("weights' SHA-256", f"`{metadata['weights_sha256']}`"),
        ("written with", ", ".join(f"{k} {v}" for k, v in metadata["versions"].items())),
    ]
    lines += ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in about if value)]
    lines += ["", "```python", "import keras_effspine", ""]
    lines += [f'model = keras_effspine.{class_name}.from_preset("{name}")', "```", ""]
    lines += ["Pictures:", ""]
    lines += [f"- {key}: {value}" for key, value in metadata["preprocessing"].items()]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
