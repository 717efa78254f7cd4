"""What a summary invents: of closed kinds only, drugs, doses of drugs, dates and allergies."""

from __future__ import annotations

import re

from .findings import denies_allergies
from .lexicon import DRUGS, drugs_in, sentences

DATE = re.compile(r"\b(?:19|20)\d\d-\d\d-\d\d\b")
DRUG_DOSE = re.compile(
    rf"\b({'|'.join(sorted(DRUGS))})\b[\s:,(-]{{0,3}}(\d+(?:[.,]\d+)?)\s*(mg|ug|mcg|g)\b", re.IGNORECASE
)


def invented(text: str, record: str) -> list[str]:
    """Drugs, doses of drugs, dates and allergies that a summary states and the record does not hold, each once."""
    lower = record.lower()
    found = [f"drug {drug}" for drug in sorted(drugs_in(text)) if drug not in lower]
    found += [f"date {day}" for day in sorted(set(DATE.findall(text))) if day not in record]
    known = {(drug.lower(), amount) for drug, amount, _ in DRUG_DOSE.findall(record)}
    known |= {(drug, amount) for drug, amount in re.findall(r"([a-z]+) is taken again, now (\d+(?:\.\d+)?) mg", record)}
    for drug, amount, _ in sorted(
        {(name.lower(), dose.replace(",", "."), "") for name, dose, _ in DRUG_DOSE.findall(text)}
    ):
        if drug in lower and (drug, amount) not in known:
            found.append(f"dose {drug} {amount}")
    return found + _invented_allergies(text, lower)


def _invented_allergies(text: str, record: str) -> list[str]:
    stated = set()
    for sentence in sentences(text):
        if re.search(r"allerg(ic|y|ies)\b", sentence, re.IGNORECASE) and not denies_allergies(sentence):
            stated |= {drug for drug in drugs_in(sentence) if not re.search(rf"allergy to {drug}", record)}
    return [f"allergy {drug}" for drug in sorted(stated) if drug in record]
