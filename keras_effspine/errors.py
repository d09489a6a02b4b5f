"""The errors that the package raises on purpose."""


class EffSpineError(Exception):
    """A problem the user can solve; the message says what, where, and what to do.

    The command line prints the message as one line, without a traceback, and exits with status 2.
    """


class DataError(EffSpineError, ValueError):
    """Annotations or pictures that cannot be used."""


class RecipeError(EffSpineError, ValueError):
    """A recipe, or an option that overrides it, that does not make sense."""


class PresetError(EffSpineError, ValueError):
    """A preset that is not there, or cannot be used."""


class CheckpointError(EffSpineError, ValueError):
    """A checkpoint of other code that is broken, foreign, or of a model that is not converted."""


class UnknownPresetError(PresetError):
    """A name that stands for nothing: neither a preset's, nor a handle, nor a path."""


class RunFolderError(EffSpineError, OSError):
    """A run folder that is missing, incomplete, in use, or cannot be written."""


class TrainingError(EffSpineError, ArithmeticError):
    """Training that cannot go on, such as a loss that is not a number."""


class StoppedError(EffSpineError):
    """Training that was stopped from outside after it kept its state."""


class ProfilingError(EffSpineError, ValueError):
    """A model, or an input size, that cannot be counted."""


class SearchError(EffSpineError, ValueError):
    """A search that cannot be made, or gone on with."""


class StrategyError(EffSpineError, ValueError):
    """Devices that are not there, or a batch that does not fit them."""


class ExportError(EffSpineError, ValueError):
    """A model that cannot be exported as asked, or whose exported file is not as good as it."""


class ModelFileError(EffSpineError, ValueError):
    """An exported model that cannot be run: its file, its runtime, or what it is given."""


class MissingPackageError(EffSpineError, ImportError):
    """A package that is not installed, since not everyone needs it; the message says how."""
