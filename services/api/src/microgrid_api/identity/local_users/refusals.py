"""What is said when something about a user is refused."""

from fastapi.exceptions import RequestValidationError

from microgrid_api.identity.local_users.passwords import WeakPasswordError


def weak_password(error: WeakPasswordError, field: str) -> RequestValidationError:
    """A new password in a field of the body was too easily guessed."""
    return RequestValidationError([{"loc": ("body", field), "msg": str(error), "type": "weak_password"}])
