"""Which weights there are of a system whose numbers are published: of a run, of hark's own, of its authors."""

from __future__ import annotations

from pathlib import Path

from hark import recipe as recipes
from hark.checkpoints import rows as checkpoints
from hark.core.errors import WeightsError
from hark.core.fetch import offline
from hark.eval.ensembles.members import members
from hark.eval.reproduction import published
from hark.recipe import ensemble as ensembles
from hark.runtime.load import find


class UnknownSystem(WeightsError):  # noqa: N818 - it tells what the system is
    """A system of others, which stands in a table beside those that hark has."""


def weights_of(system: str) -> str:
    """What to load for a system: itself, the run of its recipe, what comes with hark, or its authors' checkpoint.

    Raises WeightsError, with what to do, where it is not there; a checkpoint that may be downloaded counts as there.
    """
    if is_run(system):
        return system
    if system in ensembles.names():
        members(ensembles.load(system))  # which says what is not there
        return system
    known = [row.name for row in checkpoints.rows()]
    if system in known:
        return _here(system)
    if system not in recipes.names():
        raise UnknownSystem(f"hark has no system '{system}'; its number stands there for comparison")
    trained = Path("runs") / system
    if (trained / "model.safetensors").is_file():
        return str(trained)
    if recipes.find(system).with_suffix(".safetensors").is_file():
        return system
    authors = published.authors_weights(system)
    authors = authors or next((row.name for row in checkpoints.rows() if row.recipe == system), None)
    if authors is None:
        raise WeightsError(f"no weights in {trained}; train it: hark train {system}")
    return _here(authors)


def _here(checkpoint: str) -> str:
    """The checkpoint's name, after a look whether it is there where nothing may be downloaded."""
    if offline():
        try:
            find(checkpoint)
        except WeightsError as error:
            row = checkpoints.find(checkpoint)
            if row.unread is not None or row.address is None:
                raise
            remedy = "`hark reproduce --fetch` downloads them"
            raise WeightsError(f"the weights of {checkpoint} are not here; {remedy}") from error
    return checkpoint


def is_run(name: str) -> bool:
    """Whether it is the folder of a run that training wrote."""
    return (Path(name) / "recipe.toml").is_file() and (Path(name) / "model.safetensors").is_file()
