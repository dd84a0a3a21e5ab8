"""Networks: a room per family, and by kind the parts that two or more families use.

Importing the package imports none of them: registries do, through :mod:`mmhand.models.registered`.
"""
