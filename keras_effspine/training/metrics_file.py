"""What `metrics.json` says, of a run folder: `MetricsFile`."""

from typing import Annotated

import pydantic

METRICS_FILE = "metrics.json"


def _has_step_and_metric(measured: dict) -> dict:
    if not isinstance(measured.get("step"), int) or measured["step"] < 0:
        raise ValueError("'step' must be there, and a whole number from 0")
    if len(measured) < 2:
        raise ValueError("holds no metric besides the step")
    return measured


Measured = Annotated[dict[str, int | float | None], pydantic.AfterValidator(_has_step_and_metric)]
"""The step, and the metrics after it, the most telling one first."""


class MetricsFile(pydantic.BaseModel):
    """The content of `metrics.json`, as far as it is read again; there is more in it for people.

    Args:
        measured_on: which pictures, such as `"validation"`.
        step: of the last measurement.
        best: the best measurement.
        history: all of them, in order.
    """

    model_config = pydantic.ConfigDict(allow_inf_nan=False, defer_build=True)

    measured_on: str = pydantic.Field(max_length=100)
    step: pydantic.NonNegativeInt
    best: Measured
    history: list[Measured] = pydantic.Field(min_length=1)
