"""Formulas as functions that run: one schedule, then one file a back end."""

from diagrad.compile.asked import Derivative as Derivative
from diagrad.compile.asked import HessianVector as HessianVector
from diagrad.compile.function import compiled as compiled
