"""The study spec: read, checked, completed, and expanded into the rows of a workflow."""

from golgi.study.load import load_studies, load_study, study_file
from golgi.study.plan import Study
from golgi.study.problems import Problem, StudyError

__all__ = ["Problem", "Study", "StudyError", "load_studies", "load_study", "study_file"]
