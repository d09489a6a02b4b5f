"""XML files: `read_xml` of ones that nobody has looked at, and what the writers share."""

import pathlib
import xml.etree.ElementTree as ElementTree

import defusedxml
import defusedxml.ElementTree

from keras_effspine.errors import DataError

_DECLARATION = "<?xml version='1.0' encoding='utf-8'?>"
# What XML 1.0 cannot hold in any form: control characters and halves of surrogate pairs.
_FORBIDDEN = {*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF}


class UnreadableFileError(Exception):
    """An annotation file that holds nothing to read; the message is the kind of problem."""


def read_xml(path: pathlib.Path) -> ElementTree.Element:
    """The root of an XML file.

    Raises:
        UnreadableFileError: the file is missing, empty or no XML.
        DataError: the file defines entities, which could fill the memory or name other files.
    """
    try:
        content = path.read_bytes()
        if not content.strip():
            raise UnreadableFileError("annotation file empty")
        return defusedxml.ElementTree.fromstring(content)
    except OSError as error:
        raise UnreadableFileError("annotation file missing") from error
    except defusedxml.DefusedXmlException as error:
        raise DataError(
            f"{path}: defines XML entities, which annotations have no use for and which can harm; "
            "remove the file, or its <!DOCTYPE>."
        ) from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UnreadableFileError("annotation file is no valid XML") from error


def add_text(parent: ElementTree.Element, tag: str, text: object = None) -> ElementTree.Element:
    """Adds an element, with text in it or not."""
    child = ElementTree.SubElement(parent, tag)
    child.text = None if text is None else str(text)
    return child


def xml_text(root: ElementTree.Element) -> str:
    """The document of an element, indented.

    Raises:
        ValueError: a name holds characters that XML cannot.
    """
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    for element in root.iter():
        for one in (element.text, *element.attrib.values()):
            if one and _FORBIDDEN & set(map(ord, one)):
                raise ValueError(f"{one!r} holds characters that XML cannot")
    return f"{_DECLARATION}\n{text}"
