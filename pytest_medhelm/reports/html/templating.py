"""The templates of all pages, and the scripts that a page may run.

A page names its scripts in ``{% set scripts = ["table.js"] %}``. They are written into it, and its content security
policy allows these alone, by their hash, and what they load themselves: nothing that a model wrote can run, and no
request leaves the page.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined, Template
from jinja2.bccache import Bucket
from markupsafe import Markup

from pytest_medhelm.gates.explanation import explained
from pytest_medhelm.gates.ledger.attempts import sentences
from pytest_medhelm.reports.calibration_words import NAMES
from pytest_medhelm.reports.calibration_words import sentences as confidence_sentences
from pytest_medhelm.reports.html.charts import distribution
from pytest_medhelm.reports.html.heat_map import rows_of, shade
from pytest_medhelm.reports.html.metric_words import absences, outside_its_ends, words_of
from pytest_medhelm.reports.html.overview import LOST, UNUSABLE
from pytest_medhelm.reports.html.reliability_chart import diagram
from pytest_medhelm.reports.html.slice_map import in_natural_order
from pytest_medhelm.reports.rule_matrix import MARKS, verdict_of
from pytest_medhelm.results.leaderboard.same_model import same_model_sentences
from pytest_medhelm.results.leaderboard.spending import money
from pytest_medhelm.util.cache_dir import folder_of_ours


@cache
def template(name: str) -> Template:
    """A page's template; everything put into it is escaped."""
    environment = Environment(
        loader=PackageLoader("pytest_medhelm", "reports/html/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled(),
    )
    environment.globals |= {"money": money, "asset": asset, "script_hash": script_hash}
    environment.globals |= {
        "shade": shade,
        "rows_of": rows_of,
        "words_of": words_of,
        "in_natural_order": in_natural_order,
        "outside_its_ends": outside_its_ends,
        "absences": absences,
        "distribution": distribution,
    }
    environment.globals |= {"diagram": diagram, "confidence_sentences": confidence_sentences, "confidence_names": NAMES}
    environment.globals |= {"unusable": UNUSABLE, "lost": LOST, "sentences": sentences, "explained": explained}
    environment.globals |= {"verdict_of": verdict_of, "marks": MARKS, "same_model_sentences": same_model_sentences}
    return environment.get_template(name)


class CompiledTemplates(FileSystemBytecodeCache):
    """Compiled templates on disk, by a hash of their source; a full disk costs time and nothing else."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _compiled() -> CompiledTemplates | None:
    """Where templates are kept compiled; None where that is impossible, or others could put code of theirs there."""
    folder = folder_of_ours("templates")
    return CompiledTemplates(str(folder)) if folder is not None else None


@cache
def asset(name: str) -> Markup:
    """A style sheet or script of ours, to be written into a page as it stands."""
    return Markup((files("pytest_medhelm") / "reports" / "html" / "assets" / name).read_text("utf-8"))


@cache
def script_hash(name: str) -> Markup:
    """The source expression that lets a content security policy allow a script (CSP Level 3, section 2.3.1)."""
    digest = hashlib.sha256(asset(name).encode()).digest()
    return Markup(f"'sha256-{base64.b64encode(digest).decode()}'")
