"""MMLU clinical subjects in African languages: does a model know medicine when it is asked in the patient's language?

Asked: a question on clinical knowledge, college medicine or virology with four options, translated by humans into
one of eleven languages (Afrikaans, Amharic, Bambara, Igbo, Northern Sotho, Sesotho, Setswana, Shona, Tsonga,
Xhosa, Zulu); before it five solved questions of the same subject and language.
Read: the letter of the option.
Scored: exact match with the key. Each subject in each language is a sub-task of equal weight, as MedHELM runs
them; results can be broken down by subject and by language.

The languages are those whose files are in the folder. The files of a subject are aligned row by row, so the
versions of one question share a cluster; the order of the rows must not be changed. Ids are hashes of the text.

Source: Alhanai et al. 2024, https://github.com/InstituteforDiseaseModeling/Bridging-the-Gap-Low-Resource-African-Languages
(test split; solved examples from the dev split)
"""

import re
from collections import Counter
from functools import partial
from pathlib import Path

from pytest_medhelm import DataError, DataFolder, Examples, Instance, Instances, Response, Score
from pytest_medhelm import content_id, files_in, letter_prompt, read_csv

from ..shared.templates import MIT, examination

LANGUAGES = {
    "af": "Afrikaans", "am": "Amharic", "bm": "Bambara", "ig": "Igbo", "nso": "Northern Sotho", "sn": "Shona",
    "st": "Sesotho", "tn": "Setswana", "ts": "Tsonga", "xh": "Xhosa", "zu": "Zulu",
}  # fmt: skip
COLUMNS = ("question", "A", "B", "C", "D", "key")
REPOSITORY = "Bridging-the-Gap-Low-Resource-African-Languages"
COMMIT = "b1cc2ca756905c4eac9c051c48bb695854563509"
FETCHED = {
    "url": f"https://codeload.github.com/InstituteforDiseaseModeling/{REPOSITORY}/zip/{COMMIT}",
    "member": f"{REPOSITORY}-{COMMIT}/data/evaluation_benchmarks_afr_release/mmlu_cm_ck_vir",
}
"""All languages; who wants some of them keeps those files."""


def load(folder: Path, split: str = "test") -> Instances:
    """One instance for each row of the files <subject>_<split>_<language>.csv."""
    for path in files_in(folder, f"*_{split}_*.csv"):
        name = re.fullmatch(rf"(clinical_knowledge|college_medicine|virology)_{split}_([a-z]+)\.csv", path.name)
        if not name or name[2] not in LANGUAGES:
            raise DataError(f"{path.name} is not called <subject>_{split}_<language>.csv as upstream calls its files")
        subject, language = name[1].replace("_", " "), LANGUAGES[name[2]]
        seen: Counter[str] = Counter()
        for row in read_csv(path, columns=COLUMNS):
            question, choices = row.text("question"), row.texts("A", "B", "C", "D")
            yield Instance(
                id=f"{name[1]}-{name[2]}-{content_id(seen, question, *choices)}",
                question=question,
                answer=row.letter("key", of=4),
                choices=choices,
                cluster=f"{subject}-{row.number}",
                slices={"subject": subject, "language": language, "run": f"{subject} {language}"},
            )


TASK = examination(
    name="mmlu_clinical_afr",
    title="MMLU clinical, African languages",
    category_assigned_here=True,
    files=(DataFolder(".", "*_test_*.csv", **FETCHED),),
    load=load,
    source=f"https://github.com/InstituteforDiseaseModeling/{REPOSITORY}",
    attribution="Tuka Alhanai and others, 2024; Dan Hendrycks and others (MMLU), 2021",
    chance=1 / 4,
    language="mul",
    sub_tasks_by="run",
    helm_validation={
        f"{subject} {language}": size
        for subject, size in (("clinical knowledge", 29), ("college medicine", 22), ("virology", 18))
        for language in LANGUAGES.values()
    },
    examples=Examples(
        files=(DataFolder(".", "*_dev_*.csv", **FETCHED),), load=partial(load, split="dev"), within="run"
    ),
    shots=5,
    **MIT,
)


def prompt(instance: Instance) -> str:
    """The question and its options, with the instructions in English."""
    subject, language = instance.slices["subject"], instance.slices["language"]
    return letter_prompt(f"This is an examination question on {subject}, written in {language}.", instance)


def test_mmlu_clinical_afr(instance: Instance, response: Response, score: Score) -> None:
    score.choice(response, instance)
