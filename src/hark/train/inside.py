"""What is inside of a mixture: its clips, and all that it can say."""

from __future__ import annotations

from collections.abc import Iterator

from hark.data.also import Also
from hark.data.live import Live
from hark.data.mixture import Mixture
from hark.data.sentences import sentences
from hark.data.sources import Decoded, InFiles, InShards, Source


def clips_of(source: Source) -> Decoded | InFiles | None:
    """The source's clips, below other sentences that stand in for their own; None where they are not files."""
    inner = source.source if isinstance(source, Also) else source
    return inner if isinstance(inner, Decoded | InFiles) else None


def texts_of(mixture: Mixture) -> list[str]:
    """All that can be said of its clips, each once; of shards, where their clips are known."""

    def every() -> Iterator[str]:
        for source in mixture.sources:
            inner = source.source if isinstance(source, Also) else source
            if isinstance(inner, Decoded | InFiles | InShards | Live):
                for clip in inner.clips:
                    yield from sentences(clip, inner.say)
            for said in source.said if isinstance(source, Also) else ():
                yield from said

    return list(dict.fromkeys(every()))
