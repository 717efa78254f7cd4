"""What clinicians write in two ways: abbreviations and units, from closed lists of what has one meaning only."""

from __future__ import annotations

import re
from random import Random

from pytest_medhelm.tasks.perturbations.perturbation import OfText, Perturbation

# MS, RA, PT, HR, CSF, IV, PE, AS, MR, DM and others that have two meanings are on no list, and never touched.
ABBREVIATIONS = {
    "BMI": "body mass index", "COPD": "chronic obstructive pulmonary disease", "CT": "computed tomography",
    "DVT": "deep vein thrombosis", "ECG": "electrocardiogram", "EKG": "electrocardiogram",
    "EEG": "electroencephalogram", "ESR": "erythrocyte sedimentation rate", "GERD": "gastroesophageal reflux disease",
    "GFR": "glomerular filtration rate", "HDL": "high-density lipoprotein", "HIV": "human immunodeficiency virus",
    "ICU": "intensive care unit", "INR": "international normalized ratio", "LDL": "low-density lipoprotein",
    "MRI": "magnetic resonance imaging", "NSAID": "nonsteroidal anti-inflammatory drug",
    "NSAIDs": "nonsteroidal anti-inflammatory drugs", "TSH": "thyroid-stimulating hormone",
    "UTI": "urinary tract infection", "WBC": "white blood cell",
}  # fmt: skip
UNITS = {
    "mmHg": "mm Hg", "mm Hg": "mmHg", "mcg": "micrograms", "µg": "micrograms", "mL": "milliliters", "ml": "milliliters",
    "°C": "degrees Celsius", "°F": "degrees Fahrenheit", "/min": " per minute", "mg/dL": "mg per deciliter",
    "g/dL": "g per deciliter", "mEq/L": "mEq per liter", "mmol/L": "mmol per liter", "kg": "kilograms",
    "cm": "centimeters", "bpm": "beats per minute",
}  # fmt: skip
_ABBREVIATION = re.compile(rf"(?<![\w/-])({'|'.join(ABBREVIATIONS)})(?![\w/-])")
_UNIT = re.compile(rf"(?<=\d)(\s?)({'|'.join(sorted(map(re.escape, UNITS), key=len, reverse=True))})(?![\w/²³^])")


def abbreviations(text: str, random: Random) -> str:
    """Abbreviations that have one meaning are written out."""
    return _ABBREVIATION.sub(lambda matched: ABBREVIATIONS[matched[1]], text)


def units(text: str, random: Random) -> str:
    """A unit behind a number is written in its other way; the number stays."""

    def written(matched: re.Match[str]) -> str:
        other = UNITS[matched[2]]
        return other if other.startswith(" ") else f"{matched[1] or ' '}{other}"

    return _UNIT.sub(written, text)


PERTURBATIONS = (
    Perturbation(
        "abbreviations", OfText(abbreviations, "it has no abbreviation of the list"), "abbreviations written out",
        "clinical", ("en",),
    ),
    Perturbation(
        "units", OfText(units, "it has no unit of the list"), "units written in another way", "clinical", ("en",)
    ),
)  # fmt: skip
