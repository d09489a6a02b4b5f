"""File names as annotations give them."""

import pathlib

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")
"""Suffixes, in lower case, of the files that are taken for pictures where a folder is searched."""


def leaves_folder(file_name):
    """Whether a relative file name, or an absolute one, leads out of the folder it stands for."""
    # Windows' reading knows both kinds of slash, so a file is judged the same on every system.
    path = pathlib.PureWindowsPath(file_name)
    return bool(path.drive or path.root or ".." in path.parts)
