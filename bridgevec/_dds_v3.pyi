from bridgevec._dds import BUILT_FOR as BUILT_FOR
from bridgevec._dds import Solver as Solver
