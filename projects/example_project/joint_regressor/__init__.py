"""A method added to mmhand from outside: everything it needs is in this folder."""

from .joint_regressor import JointRegressor

__all__ = ['JointRegressor']
