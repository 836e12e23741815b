"""The companies: what they hold, how moves of data reach them, and when they retrain."""

from abm.companies.answer_columns import answer_columns
from abm.companies.company import Company
from abm.companies.data_store import DataStore
from abm.companies.detection import DetectionParameters
from abm.companies.entrants import Entrants
from abm.companies.founding import found_companies
from abm.companies.large import LargeCompany
from abm.companies.market_exit import without_small
from abm.companies.parameters import CompanyParameters, LargeParameters, SmallParameters
from abm.companies.small import SmallCompany

__all__ = [
    "Company",
    "CompanyParameters",
    "DataStore",
    "DetectionParameters",
    "Entrants",
    "LargeCompany",
    "LargeParameters",
    "SmallCompany",
    "SmallParameters",
    "answer_columns",
    "found_companies",
    "without_small",
]
