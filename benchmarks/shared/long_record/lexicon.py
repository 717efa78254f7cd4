"""Words by which facts are found in a summary, and the drugs whose names are a closed list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .documents import USUAL_DRUGS
from .facts import ALLERGENS, CORRECTIONS, MISFILED, OPEN_RESULTS, RESTARTED

OTHER_DRUGS = (
    "allopurinol", "amoxicillin", "aspirin", "bisoprolol", "candesartan", "ciprofloxacin", "clopidogrel", "codeine",
    "dabigatran", "dapagliflozin", "diclofenac", "digoxin", "empagliflozin", "enoxaparin", "escitalopram", "fluoxetine",
    "furosemide", "gabapentin", "gliclazide", "heparin", "hydrochlorothiazide", "ibuprofen", "insulin", "lamotrigine",
    "levothyroxine", "lisinopril", "lithium", "losartan", "metformin", "metoprolol", "mirtazapine", "morphine",
    "naproxen", "omeprazole", "penicillin", "phenytoin", "prednisolone", "pregabalin", "quetiapine", "risperidone",
    "rivaroxaban", "rosuvastatin", "salbutamol", "sertraline", "simvastatin", "sitagliptin", "tamoxifen", "torasemide",
    "tramadol", "valproate", "valsartan", "venlafaxine", "verapamil", "vancomycin", "zolpidem",
)  # fmt: skip
DRUGS = frozenset((
    *ALLERGENS, *(entry[0] for entry in RESTARTED), *(entry[1] for entry in MISFILED), *USUAL_DRUGS, *OTHER_DRUGS,
))  # fmt: skip
"""Names that can be told from everything else, so that one which is not in the record was invented."""

MEANT = {
    "8 mm nodule in the right upper lobe": r"(lung|pulmonary|lobe|rul)\b.{0,30}nodule|nodule.{0,40}(lobe|lung)",
    "22 mm adrenal mass": r"adrenal (mass|nodule|tumou?r|incidentaloma|lesion)|mass.{0,20}adrenal",
    "14 mm thyroid nodule": r"thyroid nodule|nodule.{0,20}thyroid",
    "serum calcium of 2.86 mmol/L": r"calcium|hypercalc[a]?emia",
    "iron deficiency with a ferritin of 6 ug/L": r"ferritin|iron[- ]deficien",
    "monoclonal band in the serum electrophoresis": r"monoclonal|paraprotein|m-protein|mgus",
    "chest CT in three months": r"\bct\b|computed tomography",
    "hormonal work-up": r"hormon|endocrine (work|test)",
    "fine-needle aspiration": r"aspiration|\bfna\b|fine[- ]needle",
    "parathyroid hormone measurement": r"parathyroid|\bpth\b",
    "colonoscopy": r"colonoscop|endoscop",
    "bone marrow examination": r"bone marrow|marrow",
    "a mechanical mitral valve": r"mechanical (mitral )?valve|mitral valve",
    "schizophrenia": r"schizophreni",
    "haemodialysis for kidney failure": r"dialysis",
    "chronic hepatitis B": r"hepatitis b\b",
    "a kidney transplant": r"(kidney|renal) transplant|transplanted kidney",
    "Parkinson's disease": r"parkinson",
}
"""How else than in its own words a summary may name a finding, a test or a condition."""


_NAMES = re.compile(
    "|".join(
        [r"allerg", *DRUGS, *MEANT.values()]
        + [re.escape(name) for pair in (*CORRECTIONS, *OPEN_RESULTS, *MISFILED) for name in pair]
    ),
    re.IGNORECASE,
)


def named(term: str) -> re.Pattern[str]:
    """Finds a term in its own words, or as ``MEANT`` has it."""
    own = re.escape(term).replace(r"\ ", r"\s+")
    return re.compile(rf"\b{own}\b|{MEANT[term]}" if term in MEANT else rf"\b{own}\b", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """A text cut at line ends and full stops; a sentence that begins with a pronoun stays with the one before."""
    found: list[str] = []
    for piece in _pieces(re.sub(r"[*_`#]+", "", text)):
        if found and re.match(r"(it|this|that)\b", piece, re.IGNORECASE):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


_REFERS = re.compile(
    r"\b(it|this|these|resum\w*|restart\w*|follow\w*|treatment|therapy)\b|^(status|no|none)\b"
    r"|\bthe (drug|medicine|medication|finding|result|test|examination)\b",
    re.IGNORECASE,
)
"""A sentence with one of these is about what the one before it names, unless it names something else."""


def with_what_follows(said: Sequence[str], *terms: re.Pattern[str]) -> list[str]:
    """The sentences that name a term, and those right behind them that refer to it without a name."""
    found: list[str] = []
    follows = False
    for sentence in said:
        names = any(term.search(sentence) for term in terms)
        follows = names or (follows and bool(_REFERS.search(sentence)) and not _NAMES.search(sentence))
        if follows:
            found.append(sentence)
    return found


def _pieces(text: str) -> Iterator[str]:
    for line in text.splitlines():
        for piece in re.split(r"(?<=[.!?])\s+(?=[A-Z(\[*\-]|\d+[.)] |[a-z]+ )", line):
            stripped = piece.strip(" \t->")
            if stripped:
                yield stripped


def drugs_in(text: str) -> set[str]:
    """The names of the closed list that occur in a text."""
    return set(re.findall(r"[a-z]+", text.lower())) & DRUGS
