"""pytest-medhelm: clinical language-model benchmarks as pytest test suites.

The public face: what a benchmark, a test of your own, a hook or a notebook imports comes from here, and everything
else may change between releases (docs/reference.md). Names are resolved on first use, so that a project that merely
has the plugin installed pays nothing for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_medhelm.agents.episode import Environment, Episode, Limits
    from pytest_medhelm.agents.get_post_finish import Posts, find_all, get_post_finish, posts
    from pytest_medhelm.agents.hospital.population import Chart, given_chart, hospital
    from pytest_medhelm.agents.workflow import Workflow, read_workflows
    from pytest_medhelm.models.endpoint import Endpoint
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.plugin.fixtures import AskedModel
    from pytest_medhelm.results.suite_view import SuiteView, load_suite
    from pytest_medhelm.scoring import answers
    from pytest_medhelm.scoring.jury.jury import Jury
    from pytest_medhelm.scoring.metrics.unavailable import Unavailable
    from pytest_medhelm.scoring.response import Response
    from pytest_medhelm.scoring.score import Score
    from pytest_medhelm.tasks.data.arrow import read_columnar, unpacked_size
    from pytest_medhelm.tasks.data.folders import files_in, unnamed
    from pytest_medhelm.tasks.data.labelled_tables import labelled_csv, labelled_xlsx
    from pytest_medhelm.tasks.data.limits import require_size
    from pytest_medhelm.tasks.data.office import read_docx, read_xlsx
    from pytest_medhelm.tasks.data.readers import read_bytes, read_csv, read_json, read_jsonl, read_text
    from pytest_medhelm.tasks.data.rows import Row, content_id, digest
    from pytest_medhelm.tasks.data.sampling import rank
    from pytest_medhelm.tasks.data.xml_files import child_text, read_xml
    from pytest_medhelm.tasks.metric import Metric
    from pytest_medhelm.tasks.perturbations.perturbation import Perturbation
    from pytest_medhelm.tasks.points import PointsCriterion, PointsRubric
    from pytest_medhelm.tasks.prompts import Message, answer_letter, letter_prompt, lettered
    from pytest_medhelm.tasks.rubric import Criterion, Rubric
    from pytest_medhelm.tasks.task import DataFile, DataFolder, Examples, Excluded, Instance, Instances, Task
    from pytest_medhelm.util.errors import ConfigError, DataError, DataMissing, missing_extra

    __version__: str

__all__ = [
    "AskedModel",
    "Chart",
    "ConfigError",
    "Criterion",
    "DataError",
    "DataFile",
    "DataFolder",
    "DataMissing",
    "Endpoint",
    "Environment",
    "Episode",
    "Examples",
    "Excluded",
    "Instance",
    "Instances",
    "Jury",
    "Limits",
    "Message",
    "Metric",
    "Model",
    "Perturbation",
    "PointsCriterion",
    "PointsRubric",
    "Posts",
    "Response",
    "Row",
    "Rubric",
    "Score",
    "SuiteView",
    "Task",
    "Unavailable",
    "Workflow",
    "__version__",
    "answer_letter",
    "answers",
    "child_text",
    "content_id",
    "digest",
    "files_in",
    "find_all",
    "get_post_finish",
    "given_chart",
    "hospital",
    "labelled_csv",
    "labelled_xlsx",
    "letter_prompt",
    "lettered",
    "load_suite",
    "missing_extra",
    "posts",
    "rank",
    "read_bytes",
    "read_columnar",
    "read_csv",
    "read_docx",
    "read_json",
    "read_jsonl",
    "read_text",
    "read_workflows",
    "read_xlsx",
    "read_xml",
    "require_size",
    "unnamed",
    "unpacked_size",
]

_MODULES = {
    "agents.episode": "Environment Episode Limits",
    "agents.get_post_finish": "Posts find_all get_post_finish posts",
    "agents.hospital.population": "Chart given_chart hospital",
    "agents.workflow": "Workflow read_workflows",
    "models.endpoint": "Endpoint",
    "models.spec": "Model",
    "plugin.fixtures": "AskedModel",
    "results.suite_view": "SuiteView load_suite",
    "scoring.answers": "answers",
    "scoring.jury.jury": "Jury",
    "scoring.metrics.unavailable": "Unavailable",
    "scoring.response": "Response",
    "scoring.score": "Score",
    "tasks.data.arrow": "read_columnar unpacked_size",
    "tasks.data.folders": "files_in unnamed",
    "tasks.data.labelled_tables": "labelled_csv labelled_xlsx",
    "tasks.data.limits": "require_size",
    "tasks.data.office": "read_docx read_xlsx",
    "tasks.data.readers": "read_bytes read_csv read_json read_jsonl read_text",
    "tasks.data.rows": "Row content_id digest",
    "tasks.data.sampling": "rank",
    "tasks.data.xml_files": "child_text read_xml",
    "tasks.metric": "Metric",
    "tasks.perturbations.perturbation": "Perturbation",
    "tasks.points": "PointsCriterion PointsRubric",
    "tasks.prompts": "Message answer_letter letter_prompt lettered",
    "tasks.rubric": "Criterion Rubric",
    "tasks.task": "DataFile DataFolder Examples Excluded Instance Instances Task",
    "util.errors": "ConfigError DataError DataMissing missing_extra",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}


if not TYPE_CHECKING:  # a type checker reads the imports above, so that it finds a misspelt name

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("pytest-medhelm")
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = import_module(f"{__name__}.{_HOME[name]}")
        globals()[name] = module if name == "answers" else getattr(module, name)
        return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
