"""What can be said of a clip: templates filled from its captions, labels and other columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from hark.core.errors import SettingError
from hark.data.records import Clip, Pair

FIELD = re.compile(r"\{(\w+)\}")


def pairs(clips: Iterable[Clip], templates: Sequence[str]) -> Iterator[Pair]:
    """Each clip with each of its sentences; a clip of which nothing can be said is left out.

    Raises SettingError as `sentences` does.
    """
    for clip in clips:
        for text in sentences(clip, templates):
            yield Pair(clip, text)


def sentences(clip: Clip, templates: Sequence[str]) -> tuple[str, ...]:
    """The distinct sentences. A template names `caption`, `label` or a column; where that is empty it is left out.

    Raises SettingError for a template that names nothing, or several things.
    """
    said: list[str] = []
    for template in templates:
        names = FIELD.findall(template)
        if len(names) != 1:
            raise SettingError(
                f"template '{template}': must name exactly one of {{caption}}, {{label}} or a {{column}}"
            )
        name = names[0]
        if name == "caption":
            values: Sequence[str] = clip.captions
        elif name == "label":
            values = tuple(label.replace("_", " ") for label in clip.labels)
        else:
            values = (clip.extra.get(name, ""),)
        said += [FIELD.sub(lambda _, v=value: v, template) for value in values if value.strip()]  # type: ignore[misc]
    return tuple(dict.fromkeys(said))
