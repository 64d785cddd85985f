"""Expressions over the metrics of one reading: checked node by node, then compiled to one function.

The library `evalidate` parses a text and lets pass only the nodes and functions of the list below. What
it cannot see is checked here: the names, the numbers, and that the whole thing is a truth value.
"""

import ast
import copy
import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from evalidate import CompilationException, EvalModel, Expr, ValidationException

from microgrid_common.schemas.alarm_rule import LONGEST_EXPRESSION
from microgrid_common.schemas.catalogue import BY_NAME

Judgement = Callable[[Mapping[str, float]], bool]

DEEPEST_EXPRESSION: Final = 50
"""Levels of nodes: far more than a person reads, far less than Python's own limits."""

_FUNCTIONS: Final = {"abs": abs, "min": min, "max": max}
_ARITHMETIC = ("BinOp", "Add", "Sub", "Mult", "Div", "UnaryOp", "UAdd", "USub", "Call")
_TRUTH = ("Compare", "Eq", "NotEq", "Gt", "GtE", "Lt", "LtE", "BoolOp", "And", "Or", "Not")
_MODEL: Final = EvalModel(
    nodes=["Expression", "Constant", "Name", "Load", *_ARITHMETIC, *_TRUTH], allowed_functions=[*_FUNCTIONS]
)
_CHARACTERS = re.compile(r"[A-Za-z0-9_.,+\-*/<>=!() \t]*")


class ExpressionError(ValueError):
    """A text is no expression that a rule may have; it says why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has passed every check."""

    node: ast.expr
    metrics: frozenset[str]
    """Those that it names: at least one."""


def parse_expression(text: str) -> Expression:
    """Check an expression.

    Args:
        text: such as `generation_kw < 7 and irradiance_w_m2 > 50`.

    Raises:
        ExpressionError: it is none, or not one that a rule may have.
    """
    text = text.strip()
    if len(text) > LONGEST_EXPRESSION:
        raise ExpressionError(f"it is longer than {LONGEST_EXPRESSION} characters")
    if not _CHARACTERS.fullmatch(text):
        raise ExpressionError(
            "only numbers, names of metrics, + - * /, comparisons and parentheses may be in it"
        )
    node = _parse(text)
    if _depth(node) > DEEPEST_EXPRESSION:
        raise ExpressionError(f"it is nested deeper than {DEEPEST_EXPRESSION} levels")
    if not _is_truth(node):
        raise ExpressionError("it is a number, not a condition: compare it with something")
    metrics = _metrics(node)
    if not metrics:
        raise ExpressionError("it names no metric")
    return Expression(node, metrics)


def compile_judgement(*nodes: ast.expr) -> Judgement:
    """One function that says whether any of some expressions is true.

    It raises an ArithmeticError where one divides by zero, and a KeyError where a metric is missing.

    Args:
        nodes: at least one; each was let pass by `parse_expression`.
    """
    # Each is copied on its own: two rules may share a node, and it must be changed once in each copy.
    parts = [cast("ast.expr", _MetricsLookedUp().visit(copy.deepcopy(node))) for node in nodes]
    body = parts[0] if len(parts) == 1 else ast.BoolOp(ast.Or(), parts)
    reading = ast.arguments(
        posonlyargs=[], args=[ast.arg("metrics")], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    function = ast.Expression(ast.Lambda(reading, body))
    code = compile(ast.fix_missing_locations(function), "<alarm rule>", "eval")
    # Nothing but nodes of the list above is in it, and no built-in name can be reached from it.
    return cast("Judgement", eval(code, {"__builtins__": {}, **_FUNCTIONS}))  # noqa: S307


def _parse(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            # Python warns of texts such as `1and 2`: nobody means them.
            warnings.simplefilter("error")
            expression = Expr(text, model=_MODEL)
    except CompilationException as error:
        raise ExpressionError(f"it cannot be read: {_syntax(error)}") from None
    except ValidationException as error:
        raise ExpressionError(f"it may not contain this: {error}") from None
    except (RecursionError, MemoryError):
        raise ExpressionError(f"it is nested deeper than {DEEPEST_EXPRESSION} levels") from None
    except (SyntaxError, ValueError, Warning) as error:
        raise ExpressionError(f"it cannot be read: {error}") from None
    return cast("ast.expr", expression.node.body)


def _syntax(error: CompilationException) -> str:
    cause = error.exc
    return str(cause.msg) if isinstance(cause, SyntaxError) else str(cause)


def _depth(node: ast.AST) -> int:
    return 1 + max(map(_depth, ast.iter_child_nodes(node)), default=0)


def _metrics(node: ast.expr) -> frozenset[str]:
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return frozenset(names - _FUNCTIONS.keys())


def _is_truth(node: ast.expr) -> bool:
    """Whether a node is a truth value, else a number; it and all below it make sense.

    Raises:
        ExpressionError: they do not.
    """
    match node:
        case ast.Compare(left=left, comparators=others):
            _need_numbers(left, *others)
            return True
        case ast.BoolOp(values=parts):
            _need_truths(*parts)
            return True
        case ast.UnaryOp(op=ast.Not(), operand=part):
            _need_truths(part)
            return True
        case _:
            _check_number(node)
            return False


def _need_truths(*nodes: ast.expr) -> None:
    for node in nodes:
        if not _is_truth(node):
            raise ExpressionError(f"a number where a condition is needed: {ast.unparse(node)}")


def _need_numbers(*nodes: ast.expr) -> None:
    for node in nodes:
        if _is_truth(node):
            raise ExpressionError(f"a condition where a number is needed: {ast.unparse(node)}")


def _check_number(node: ast.expr) -> None:
    match node:
        case ast.Constant(value=value):
            _check_constant(value)
        case ast.Name(id=name):
            if name not in BY_NAME:
                raise ExpressionError(f"no metric of the catalogue is called {name!r}")
        case ast.UnaryOp(operand=part):
            _need_numbers(part)
        case ast.BinOp(left=left, op=operator, right=right):
            _need_numbers(left, right)
            if isinstance(operator, ast.Div) and _is_zero(right):
                raise ExpressionError(f"it divides by zero: {ast.unparse(node)}")
        case ast.Call(func=ast.Name(id=function), args=arguments):
            fits = len(arguments) == 1 if function == "abs" else len(arguments) > 1
            if not fits:
                raise ExpressionError("abs needs one value, min and max need two or more")
            _need_numbers(*arguments)


def _check_constant(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError(f"this is no number: {value!r}")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise ExpressionError("a number in it is too large")


def _is_zero(node: ast.expr) -> bool:
    """Whether a checked number is zero whatever the reading says."""
    return not _metrics(node) and not compile_judgement(node)({})


class _MetricsLookedUp(ast.NodeTransformer):
    """Names of metrics become look-ups in the reading, and all numbers floats, which cannot grow large."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in _FUNCTIONS:
            return node
        return ast.Subscript(ast.Name("metrics", ast.Load()), ast.Constant(node.id), ast.Load())

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(float(cast("float", node.value)))
