"""Trains the counting task, as `effspine` does, in one of several processes.

Arguments: what befalls this process, as `SIGKILL@6` (a signal after that step) or `nothing`, and
then those of `effspine`.
"""

import os
import signal
import sys

from keras_effspine.cli.quiet_start import load_tensorflow

load_tensorflow()

from keras_effspine.cli.main import main  # noqa: E402
from keras_effspine.tasks import registry  # noqa: E402
from keras_effspine.training import train  # noqa: E402
from keras_effspine.training.steps_taken import steps_taken  # noqa: E402

FATE, *ARGUMENTS = sys.argv[1:]
registry.TASKS["counting"] = ("counting_task", "Counting")


class Fated(train.Curves):
    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        name, _, step = FATE.partition("@")
        if step and steps_taken(self.model) == int(step):
            os.kill(os.getpid(), signal.Signals[name])


if __name__ == "__main__":
    train.Curves = Fated
    sys.argv = ["effspine", *ARGUMENTS]
    main()
