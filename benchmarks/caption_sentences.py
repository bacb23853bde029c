"""Sentences about clips of ESC-50, composed: of their class who, what they do, and doing it; and of their titles."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from hark.text import filenames

# "who|does|doing": "a dog", "barks", "barking"
WORDS: Mapping[str, str] = {
    "airplane": "an airplane|flies overhead|flying overhead",
    "breathing": "a person|breathes heavily|breathing heavily",
    "brushing teeth": "a person|brushes their teeth|brushing their teeth",
    "can opening": "a can|is opened with a hiss|being opened with a hiss",
    "car horn": "a car|honks its horn|honking its horn",
    "cat": "a cat|meows|meowing",
    "chainsaw": "a chainsaw|cuts through wood|cutting through wood",
    "chirping birds": "small birds|chirp in the trees|chirping in the trees",
    "church bells": "church bells|ring loudly|ringing loudly",
    "clapping": "a crowd|claps its hands|clapping its hands",
    "clock alarm": "an alarm clock|beeps again and again|beeping again and again",
    "clock tick": "a clock|ticks steadily|ticking steadily",
    "coughing": "a person|coughs|coughing",
    "cow": "a cow|moos on a farm|mooing on a farm",
    "crackling fire": "a fire|crackles|crackling",
    "crickets": "crickets|chirp at night|chirping at night",
    "crow": "a crow|caws|cawing",
    "crying baby": "a baby|cries|crying",
    "dog": "a dog|barks|barking",
    "door wood creaks": "a wooden door|creaks open|creaking open",
    "door wood knock": "someone|knocks on a wooden door|knocking on a wooden door",
    "drinking sipping": "a person|sips a drink|sipping a drink",
    "engine": "an engine|idles|idling",
    "fireworks": "fireworks|explode in the sky|exploding in the sky",
    "footsteps": "a person|walks on a hard floor|walking on a hard floor",
    "frog": "a frog|croaks by the water|croaking by the water",
    "glass breaking": "glass|breaks into pieces|breaking into pieces",
    "hand saw": "a hand saw|saws through wood|sawing through wood",
    "helicopter": "a helicopter|hovers overhead|hovering overhead",
    "hen": "a hen|clucks on a farm|clucking on a farm",
    "insects": "insects|buzz around|buzzing around",
    "keyboard typing": "a person|types on a keyboard|typing on a keyboard",
    "laughing": "a person|laughs|laughing",
    "mouse click": "a person|clicks a computer mouse|clicking a computer mouse",
    "pig": "a pig|grunts on a farm|grunting on a farm",
    "pouring water": "a person|pours water into a glass|pouring water into a glass",
    "rain": "rain|falls on the ground|falling on the ground",
    "rooster": "a rooster|crows in the morning|crowing in the morning",
    "sea waves": "sea waves|roll onto the shore|rolling onto the shore",
    "sheep": "a sheep|bleats on a farm|bleating on a farm",
    "siren": "a siren|wails in the street|wailing in the street",
    "sneezing": "a person|sneezes|sneezing",
    "snoring": "a person|snores in their sleep|snoring in their sleep",
    "thunderstorm": "thunder|rumbles in a storm|rumbling in a storm",
    "toilet flush": "a toilet|is flushed|being flushed",
    "train": "a train|passes on the tracks|passing on the tracks",
    "vacuum cleaner": "a vacuum cleaner|hums in a room|humming in a room",
    "washing machine": "a washing machine|spins|spinning",
    "water drops": "water|drips slowly|dripping slowly",
    "wind": "wind|blows hard|blowing hard",
}
TEMPLATES = (
    "{who} {does}",
    "{who} {doing}",
    "the sound of {who} {doing}",
    "{who} {does} while everything else is quiet",
    "someone recorded {who} {doing}",
)
TITLED = ("{title}", "a recording of {title}")
_ADDRESS = re.compile(r"\bwww\.\S+")


def titled(title: str, label: str) -> str:
    """What a clip's title on Freesound says beyond its class, in lower-case words ("Angry_dogs2" is "angry dogs").

    "" for a title that is the class itself, a number, of less than three letters or of more than 12 words, and for one
    in which letters are escaped ("Fotsteg p\\xe5 grus").
    """
    said = "" if "\\" in title else filenames.caption(_ADDRESS.sub("", title))
    words = said.split()
    letters = sum(sign.isalpha() for sign in said)
    only = set(words) <= set(label.replace("_", " ").split())
    return "" if only or letters < 3 or len(words) > 12 else said


def sentences(label: str, *, title: str = "", key: str = "") -> tuple[str, ...]:
    """The five sentences about a clip of a class ("door_wood_knock", "door wood knock").

    Where its title says something, that stands in place of one of the four behind the first; in place of which, and in
    what words, is drawn with `key`, the clip's id.
    """
    who, does, doing = WORDS[label.replace("_", " ")].split("|")
    made = [template.format(who=who, does=does, doing=doing) for template in TEMPLATES]
    said = titled(title, label)
    if said:
        draw = random.Random(key)
        made[draw.randrange(1, len(made))] = draw.choice(TITLED).format(title=said)
    return tuple(made)
